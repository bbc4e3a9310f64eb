"""The Soft-TV prior: maps whose neighbours agree, as a Gaussian that is never written out."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError


@dataclass(frozen=True)
class SoftTV:
    """N(0, Sigma) over maps, with a covariance that falls with distance (variational saliency).

    Sigma = variance (kappa_h (x) kappa_w) with kappa[i, j] = exp(-(i - j)^2 / (2 length^2)), and a
    `nugget` on the diagonals. Only the two factors are kept; numbers are in double precision, where
    the published formula is sound (its appendix prints eq. 5 without the factor 1/2).

    Raises `InputError` for a length-scale at which a factor is not positive definite.
    """

    height: int
    """Rows of a map."""
    width: int
    """Columns of a map."""
    length: float = 3.0
    """Length-scale in pixels."""
    variance: float = 1.0
    """Of each pixel."""
    nugget: float = 1e-4
    """Added to the diagonals: how much a pixel may differ from its neighbours."""

    def __post_init__(self) -> None:
        if self.length <= 0 or self.variance <= 0 or self.nugget < 0:
            raise InputError(
                "the Soft-TV prior: expected length > 0, variance > 0 and nugget >= 0, got "
                f"{self.length}, {self.variance} and {self.nugget}"
            )

    def check(self) -> None:
        """Refuse a length-scale at once at which a factor is not positive definite."""
        assert self._roots

    @cached_property
    def factors(self) -> tuple[Float[Tensor, "h h"], Float[Tensor, "w w"]]:
        """kappa_h and kappa_w."""
        return self._kernel(self.height), self._kernel(self.width)

    @cached_property
    def precisions(self) -> tuple[Float[Tensor, "h h"], Float[Tensor, "w w"]]:
        """Their inverses."""
        rows, columns = (torch.cholesky_inverse(root) for root in self._roots)
        return rows, columns

    @cached_property
    def _roots(self) -> tuple[Float[Tensor, "h h"], Float[Tensor, "w w"]]:
        found = []
        for factor in self.factors:
            root, info = torch.linalg.cholesky_ex(factor)
            if int(info) or not root.isfinite().all():
                raise InputError(
                    f"the Soft-TV prior is not positive definite at length-scale {self.length} "
                    f"over {len(factor)} pixels; take a smaller one, or a larger nugget"
                )
            found.append(root)
        return found[0], found[1]

    @cached_property
    def logdet(self) -> float:
        """Of Sigma."""
        rows, columns = (2 * root.diagonal().log().sum().item() for root in self._roots)
        pixels = self.height * self.width
        constant = pixels * torch.tensor(self.variance, dtype=torch.float64).log().item()
        return self.width * rows + self.height * columns + constant

    @property
    def nearest(self) -> Float[Tensor, "h w"]:
        """Variances of the Gaussian of independent pixels that diverges least from the prior."""
        rows, columns = self.precisions
        return self.variance / torch.outer(rows.diagonal(), columns.diagonal())

    def divergence(
        self, mean: Float[Tensor, "b h w"], variance: Float[Tensor, "b h w"]
    ) -> Float[Tensor, " b"]:
        """KL(N(mean, diag variance) || N(0, Sigma)) of each map; differentiable.

        1/2 [tr(Sigma^-1 diag v) + m^T Sigma^-1 m - n + log det Sigma - sum log v], where with M the
        map m^T Sigma^-1 m = sum(M * (kappa_h^-1 M kappa_w^-1)).
        """
        rows, columns = (precision.to(mean.device) for precision in self.precisions)
        m, v = mean.double(), variance.double()
        trace = torch.einsum("i,bij,j->b", rows.diagonal(), v, columns.diagonal())
        square = (m * (rows @ m @ columns)).sum((1, 2))
        pixels = self.height * self.width
        found = (trace + square) / self.variance - pixels + self.logdet - v.log().sum((1, 2))
        return (found / 2).to(mean.dtype)

    def sample(self, count: int, generator: torch.Generator) -> Float[Tensor, "{count} h w"]:
        """Maps drawn from the prior: L_h Z L_w^T."""
        rows, columns = self._roots
        z = torch.randn(count, self.height, self.width, generator=generator, dtype=torch.float64)
        return (self.variance**0.5 * (rows @ z @ columns.mT)).float()

    def _kernel(self, side: int) -> Float[Tensor, "{side} {side}"]:
        at = torch.arange(side, dtype=torch.float64)
        off = at[:, None] - at
        smooth = torch.exp(-(off**2) / (2 * self.length**2))
        return smooth + self.nugget * torch.eye(side, dtype=torch.float64)
