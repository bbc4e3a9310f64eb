"""Batch normalisation over the batches of all processes."""

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm2d):
    """`BatchNorm2d` whose moments in distributed training are those of all processes' images.

    `torch.nn.SyncBatchNorm` does the same on GPUs only. The weights are those of `BatchNorm2d`.
    """

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Normalise; update the running moments in training mode."""
        if not (self.training and dist.is_available() and dist.is_initialized()):
            return super().forward(input)
        from torch.distributed.nn.functional import all_reduce

        x = input.float()
        local = torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))])
        mean, square = (all_reduce(local) / dist.get_world_size()).unbind()
        variance = (square - mean.square()).clamp(min=0)
        count = x.numel() // len(mean) * dist.get_world_size()
        self._update_running_moments(mean.detach(), variance.detach(), count)
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        return (x * scale[:, None, None] + shift[:, None, None]).to(input)

    @torch.no_grad()
    def _update_running_moments(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running moments towards these, with the unbiased variance, as torch does."""
        momentum = self.momentum or 0.1
        for running, current in (
            (self.running_mean, mean),
            (self.running_var, variance * count / max(count - 1, 1)),
        ):
            assert running is not None
            running.lerp_(current.to(running), momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
