"""Batch normalisation whose batch is that of all processes."""

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm2d):
    """As in torch for one process; for several the moments are those of all their images.

    Torch's own is for GPUs only. Its weights are those of `BatchNorm2d`.
    """

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Normalise, and keep the running moments while training."""
        if not (self.training and dist.is_available() and dist.is_initialized()):
            return super().forward(input)
        from torch.distributed.nn.functional import all_reduce

        x = input.float()
        mine = torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))])
        mean, square = (all_reduce(mine) / dist.get_world_size()).unbind()
        variance = (square - mean.square()).clamp(min=0)
        self._keep(mean.detach(), variance.detach(), x.numel() // len(mean) * dist.get_world_size())
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        return (x * scale[:, None, None] + shift[:, None, None]).to(input)

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Running moments, the variance without bias, as torch keeps them."""
        share = self.momentum or 0.1
        for running, now in (
            (self.running_mean, mean),
            (self.running_var, variance * count / max(count - 1, 1)),
        ):
            assert running is not None
            running.lerp_(now.to(running), share)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
