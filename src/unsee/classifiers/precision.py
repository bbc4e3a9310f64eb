"""Numerical precisions that a device computes in natively."""

import torch

BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_tile")
"""CPU instruction sets that compute in bfloat16; one of them suffices."""
BFLOAT16_CAPABILITY = (8, 0)
"""Lowest CUDA compute capability with bfloat16 units (Ampere)."""


def half_precision(device: torch.device) -> torch.dtype | None:
    """Return bfloat16 if the device has instructions for it, otherwise None.

    A device without such instructions emulates bfloat16, which is slower than float32.
    """
    if device.type == "cuda":
        supported = torch.cuda.get_device_capability(device) >= BFLOAT16_CAPABILITY
    elif device.type == "cpu":
        checks = (
            getattr(torch.cpu, f"_is_{name}_supported", None) for name in BFLOAT16_INSTRUCTIONS
        )
        supported = any(check and check() for check in checks)
    else:
        supported = False
    return torch.bfloat16 if supported else None
