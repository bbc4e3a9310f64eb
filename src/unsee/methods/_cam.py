"""Class activation maps of pytorch-grad-cam as methods: what they share."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.methods import _layer
from unsee.methods._captum import Scored
from unsee.methods.base import Method, Progress, Traits, drawn


class CamMethod(Method):
    """A class activation map (extra: baselines) of one image after another, in [0, 1]."""

    traits = Traits(measure="logit", needs_module=True, requires="pytorch_grad_cam")
    library: ClassVar[str]
    """The class in pytorch-grad-cam."""
    layer: str | None

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round is one image."""
        kind, network = _imported(self.library), Scored(score)
        x = score.classifier.normalise(score.images)
        target = _layer.find(score.classifier.model, x[:1], self.layer or "")  # type: ignore[arg-type]
        found = torch.zeros_like(score.images[:, 0])
        for i in range(len(x)):
            network.row = i
            with _untouched(score.classifier.model), _silent():
                cam = kind(network, [target.module], target.spatial)
                try:
                    image = x[i : i + 1].clone().requires_grad_(self.traits.needs_gradient)
                    with torch.set_grad_enabled(self.traits.needs_gradient):
                        drawn_map = cam(image, [_identity])
                finally:
                    cam.activations_and_grads.release()
            found[i] = torch.from_numpy(drawn_map)[0].to(found)
            yield Progress(i + 1, len(found), drawn(found.clone()))


def _identity(score: Tensor) -> Tensor:
    """The target of the library: our network's output is the score already."""
    return score


def _imported(name: str) -> Any:
    try:
        import pytorch_grad_cam
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision of another torch
        raise InputError(f"grad-cam is installed but does not import: {error}") from error
    return getattr(pytorch_grad_cam, name)


@contextlib.contextmanager
def _untouched(model: Any) -> Iterator[None]:
    """The library calls zero_grad and backward: keep the parameters' gradients out of it."""
    parameters = list(model.parameters()) if isinstance(model, nn.Module) else []
    before = [(p, p.grad, p.requires_grad) for p in parameters]
    for p in parameters:
        p.grad = None
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p, gradient, wanted in before:
            p.grad = gradient
            p.requires_grad_(wanted)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without the library's progress bars."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield
