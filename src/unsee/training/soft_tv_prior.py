"""The Soft-TV prior of variational saliency: a Gaussian over smooth maps, as two factors."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError


@dataclass(frozen=True)
class SoftTV:
    """The Gaussian N(0, Sigma) over maps, whose covariance falls with distance (Kim et al.).

    Sigma = variance (kappa_h (x) kappa_w) with kappa[i, j] = exp(-(i - j)^2 / (2 length^2)), plus
    `nugget` on the diagonals. Only the two factors are stored, in double precision, which the
    inversion needs. The divergence has the factor 1/2 that the paper's appendix omits in eq. 5.

    Raises:
        InputError: If a setting is out of range, or, on first use, a factor is not positive
            definite.
    """

    height: int
    """Number of rows of a map."""
    width: int
    """Number of columns of a map."""
    length: float = 3.0
    """Length-scale in pixels."""
    variance: float = 1.0
    """Variance of each pixel."""
    nugget: float = 1e-4
    """Value added to the diagonals of both factors: how much a pixel may differ from its
    neighbours."""

    def __post_init__(self) -> None:
        if self.length <= 0 or self.variance <= 0 or self.nugget < 0:
            raise InputError(
                "expected length > 0, variance > 0 and nugget >= 0 of the Soft-TV prior, got "
                f"{self.length}, {self.variance} and {self.nugget}"
            )

    def check(self) -> None:
        """Raise `InputError` if a factor is not positive definite."""
        assert self._roots

    @cached_property
    def factors(self) -> tuple[Float[Tensor, "h h"], Float[Tensor, "w w"]]:
        """The covariance factors kappa_h and kappa_w."""
        return self._kernel(self.height), self._kernel(self.width)

    @cached_property
    def precisions(self) -> tuple[Float[Tensor, "h h"], Float[Tensor, "w w"]]:
        """Inverses of the covariance factors."""
        rows, columns = (torch.cholesky_inverse(root) for root in self._roots)
        return rows, columns

    @cached_property
    def _roots(self) -> tuple[Float[Tensor, "h h"], Float[Tensor, "w w"]]:
        """Cholesky factors of the covariance factors."""
        roots = []
        for factor in self.factors:
            root, info = torch.linalg.cholesky_ex(factor)
            if int(info) or not root.isfinite().all():
                raise InputError(
                    f"the Soft-TV prior is not positive definite at length {self.length} "
                    f"over {len(factor)} pixels; use a smaller length or a larger nugget"
                )
            roots.append(root)
        return roots[0], roots[1]

    @cached_property
    def logdet(self) -> float:
        """Logarithm of the determinant of Sigma."""
        rows, columns = (2 * root.diagonal().log().sum().item() for root in self._roots)
        pixels = self.height * self.width
        constant = pixels * torch.tensor(self.variance, dtype=torch.float64).log().item()
        return self.width * rows + self.height * columns + constant

    @property
    def nearest(self) -> Float[Tensor, "h w"]:
        """Variances of the Gaussian with independent pixels whose divergence from the prior is
        smallest."""
        rows, columns = self.precisions
        return self.variance / torch.outer(rows.diagonal(), columns.diagonal())

    def divergence(
        self, mean: Float[Tensor, "b h w"], variance: Float[Tensor, "b h w"]
    ) -> Float[Tensor, " b"]:
        """Compute KL(N(mean, diag variance) || N(0, Sigma)) of each map; differentiable.

        It is 1/2 [tr(Sigma^-1 diag v) + m^T Sigma^-1 m - n + log det Sigma - sum log v] for n
        pixels, where m^T Sigma^-1 m = sum(M * (kappa_h^-1 M kappa_w^-1)) for the mean map M.
        """
        rows, columns = (precision.to(mean.device) for precision in self.precisions)
        m, v = mean.double(), variance.double()
        trace = torch.einsum("i,bij,j->b", rows.diagonal(), v, columns.diagonal())
        square = (m * (rows @ m @ columns)).sum((1, 2))
        pixels = self.height * self.width
        twice_divergence = (
            (trace + square) / self.variance - pixels + self.logdet - v.log().sum((1, 2))
        )
        return (twice_divergence / 2).to(mean.dtype)

    def sample(self, count: int, generator: torch.Generator) -> Float[Tensor, "{count} h w"]:
        """Draw maps from the prior: L_h Z L_w^T with Cholesky factors L and standard normal Z."""
        rows, columns = self._roots
        z = torch.randn(count, self.height, self.width, generator=generator, dtype=torch.float64)
        return (self.variance**0.5 * (rows @ z @ columns.mT)).float()

    def _kernel(self, side: int) -> Float[Tensor, "{side} {side}"]:
        """Return a covariance factor, the nugget included."""
        position = torch.arange(side, dtype=torch.float64)
        distance = position[:, None] - position
        kernel = torch.exp(-(distance**2) / (2 * self.length**2))
        return kernel + self.nugget * torch.eye(side, dtype=torch.float64)
