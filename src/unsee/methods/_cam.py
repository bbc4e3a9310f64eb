"""Base class of the methods that call pytorch-grad-cam."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from unsee.classifiers.checks import call_model
from unsee.errors import missing_package
from unsee.masking.score import MaskedScore
from unsee.methods import _layer
from unsee.methods._captum import ScoreModule
from unsee.methods._constant import no_gradient
from unsee.methods.base import Method, Progress, Traits, fixed_maps


class CamMethod(Method):
    """A class activation map of pytorch-grad-cam (extra: baselines), one image at a time.

    Maps are in [0, 1], as the library scales them.
    """

    libraries: ClassVar[tuple[str, ...]] = ("pytorch_grad_cam",)

    traits = Traits(
        measure="logit", needs_module=True, requires="pytorch_grad_cam", may_be_empty=True
    )
    library: ClassVar[str]
    """Name of the class in pytorch-grad-cam."""
    layer: str | None

    def fitted(self, score: MaskedScore) -> Method:
        """Return this method with the name of its layer in the classifier's network."""
        method = super().fitted(score)
        settings: dict[str, Any] = {"layer": self._layer(score).name}
        return replace(method, **settings)  # type: ignore[type-var]

    def _layer(self, score: MaskedScore) -> _layer.Layer:
        x = score.classifier.network_input(score.images[:1])
        find = partial(_layer.find, score.classifier.network, name=self.layer or "")
        layer: _layer.Layer = call_model(find, x)
        return layer

    def extractor(self) -> Any:
        """Return the class of the library that computes the maps."""
        return _imported(self.library)

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield after each image."""
        library, network = self.extractor(), ScoreModule(score)
        x, target = score.classifier.normalise(score.images), self._layer(score)
        maps = torch.zeros_like(score.images[:, 0])
        for i in range(len(x)):
            network.row = i
            with _untouched(score.classifier.model), _silent():
                cam = library(network, [target.module], target.spatial)
                # after the hook of the library, which keeps the output itself
                copying = target.module.register_forward_hook(_copied)
                try:
                    image = x[i : i + 1].clone().requires_grad_(self.traits.needs_gradient)
                    with torch.set_grad_enabled(self.traits.needs_gradient):
                        result = cam(image, [_identity])
                    if not (result.any() or _any(cam.activations_and_grads.gradients)):
                        raise no_gradient(self, score, [i])
                finally:
                    copying.remove()
                    cam.activations_and_grads.release()
            maps[i] = torch.from_numpy(result)[0].to(maps)
            yield Progress(i + 1, len(maps), fixed_maps(maps.clone()))


def _identity(score: Tensor) -> Tensor:
    """Return the target of the library: the output of `ScoreModule` is the score already."""
    return score


def _copied(module: nn.Module, inputs: Any, output: Any) -> Any:
    """Return a copy of a layer's output: the next layer may change it in place."""
    return output.clone() if isinstance(output, Tensor) else output


def _any(gradients: list[Tensor]) -> bool:
    """Return whether a gradient is other than zero; methods without gradients have none."""
    return not gradients or any(bool(gradient.any()) for gradient in gradients)


def _imported(name: str) -> Any:
    """Return the class of this name from pytorch-grad-cam."""
    try:
        import pytorch_grad_cam
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision of another torch
        raise missing_package("pytorch_grad_cam", f"the method {name}", error) from error
    return getattr(pytorch_grad_cam, name)


@contextlib.contextmanager
def _untouched(model: Any) -> Iterator[None]:
    """Preserve the gradients of the parameters: the library calls zero_grad and backward."""
    parameters = list(model.parameters()) if isinstance(model, nn.Module) else []
    before = [(p, p.grad, p.requires_grad) for p in parameters]
    for p in parameters:
        p.grad = None
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p, gradient, requires_grad in before:
            p.grad = gradient
            p.requires_grad_(requires_grad)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Suppress the progress bars of the library."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield
