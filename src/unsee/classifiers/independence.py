"""Check that a model's outputs for an image depend on that image alone.

They may not depend on chance, on earlier passes, or on the other images of a batch.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unsee.classifiers.model_state import ModelState, listed
from unsee.classifiers.random_state import RandomState, draws_in_python
from unsee.errors import InputError, is_out_of_memory
from unsee.types import Images

REPEATED = 1e-3
"""Largest accepted change of outputs, as a share of their scale, if a pass is repeated."""
BESIDE_OTHERS, IF_ROUNDED = 5e-3, 0.1
"""Largest accepted change, as a share of the scale, if other images are in the batch: of a network
in float32, which TF32 may still round, and of one in reduced precision or of integers. Dynamic
quantisation has one range for the whole batch."""
ROUNDED = 0.01
"""Share of an output's own magnitude by which rounding may change it, in any precision."""
CONSTANT = 0.05
"""An output that another image changes by less than this share has a constant part, such as -10000
for a class that is masked. It does not count for the scale."""
MIN_SHARE = 0.1
"""Smallest scale of two images, as a share of that with an image of noise: the two may be alike."""
CELLS = 8
"""Cells per side of the noise beside which an image is passed."""
DIM = 0.05
"""Amplitude of the noise around the mean colour of which the dim image consists."""
REPEATS = 2
"""Number of passes that repeat one in which a random generator changed. Another thread, or what a
model does at its first pass only, may have changed it."""


class Model(NamedTuple):
    """A model as it is checked."""

    model: object
    """The module whose parameters and buffers are compared; a function has none."""
    normalise: Callable[[Tensor], Tensor]
    """Function from pixels in [0, 1] to normalised images."""
    numbers: Callable[[Tensor], Tensor]
    """Function from normalised images to the outputs (n, columns)."""
    mean: tuple[float, ...]
    """Mean colour of the data."""
    device: torch.device
    is_exact: bool
    """Whether the outputs are computed in float32, or more."""

    def outputs(self, *images: Images) -> Tensor:
        """Return the outputs for images that are passed together."""
        return self.numbers(self.normalise(torch.cat(images)))


def check(model: Model, image: Images) -> bool:
    """Raise `InputError` if a model's outputs for an image depend on more than that image.

    The image is passed alone, again, and as the first and the last row of a batch, beside images of
    another content and magnitude. One of those, which is dim, is compared likewise as a row in the
    middle. The model and the random generators get back what a refused model changed.

    Returns:
        Whether the outputs could be compared: they are finite, and memory sufficed.
    """
    try:
        state = ModelState(getattr(model.model, "__self__", model.model))
        try:
            with torch.no_grad():
                return _check(model, image, state)
        finally:
            state.restore()
    except Exception as error:
        if is_out_of_memory(error):  # reported by the passes of the method
            return False
        raise


def is_exact(model: object, precision: torch.dtype) -> bool:
    """Return whether a model's layers compute in float32 or more, as far as one can see."""
    if precision != torch.float32 or isinstance(model, torch.jit.ScriptModule):
        return False
    if not isinstance(model, nn.Module):
        return True
    exact = {torch.float32, torch.float64}
    return all(
        type(p) is nn.Parameter and p.dtype in exact for p in model.parameters()
    ) and not any("quant" in type(part).__module__ for part in model.modules())


def _check(model: Model, image: Images, state: ModelState) -> bool:
    generators = RandomState(model.device)
    alone = model.outputs(image)
    changed = generators.changed()
    state.add_new()
    again = model.outputs(image)
    white, noise, dim = _neighbours(image, model.mean)
    dim_alone = model.outputs(dim)
    pair = torch.cat([alone, dim_alone])
    others = model.outputs(noise)
    is_finite = bool(alone.isfinite().all())
    if is_finite and _differ(again, alone, REPEATED * _scale(pair, others), REPEATED):
        generators.restore(changed)
        raise InputError(
            "the model returns other numbers each time for the same image, so maps would be "
            "chance; switch off its dropout, noise or memory (such as F.dropout without "
            "training=self.training)"
        )
    _check_generators(model, image, generators, changed)
    _check_state(state)
    if not is_finite:
        return False
    first, last = model.outputs(image, white, dim, noise), model.outputs(white, dim, noise, image)
    pairs = [(first[0], alone[0]), (last[3], alone[0])]
    if dim_alone.isfinite().all():
        pairs += [(first[2], dim_alone[0]), (last[1], dim_alone[0])]
    bound = _scale(pair, torch.cat([others, first, last]))
    bound = bound * (BESIDE_OTHERS if model.is_exact else IF_ROUNDED)
    if any(_differ(beside, own, bound, ROUNDED) for beside, own in pairs):
        raise InputError(
            "the model's numbers for an image depend on the other images of the batch, so maps "
            "would too; check for BatchNorm with track_running_stats=False, for sums and largest "
            "values over the first axis, and for recurrent or attention layers without "
            "batch_first=True"
        )
    _check_state(state)
    return True


def _check_generators(model: Model, image: Images, before: RandomState, changed: list[str]) -> None:
    """Raise `InputError` if the generators that changed in the first pass change in each pass."""
    if "Python" in changed and not draws_in_python(lambda: model.outputs(image)):
        before.restore(["Python"])
        changed = [name for name in changed if name != "Python"]
    for _ in range(REPEATS):
        if changed:
            before.restore(changed)
            model.outputs(image)
            changed = [name for name in changed if name in before.changed()]
    if changed:
        before.restore(changed)
        raise InputError(
            f"the model draws random numbers, or seeds their generator ({', '.join(changed)}), in "
            "each pass, so maps would be chance; switch off its dropout, noise or augmentation, "
            "or give it a generator of its own"
        )


def _check_state(state: ModelState) -> None:
    names = state.changed()
    if names:
        raise InputError(
            f"the model changes its own {listed(names)} in a pass, so maps would depend on earlier "
            "passes; switch off what updates it in evaluation mode (if only its first pass does, "
            "pass it one image before)"
        )


def _neighbours(image: Images, mean: tuple[float, ...]) -> tuple[Images, Images, Images]:
    """Return a white image, noise of full contrast, and noise of little contrast."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, image.shape[1], CELLS, CELLS)
    cells = torch.rand(shape, generator=generator).to(image.device, image.dtype)
    noise = F.interpolate(cells, image.shape[-2:], mode="nearest")
    centre = image.new_tensor(mean).view(1, -1, 1, 1)
    dim = (centre + DIM * (2 * noise - 1)).clamp(0, 1)
    return torch.ones_like(noise), (noise > 0.5).to(noise), dim


def _differ(a: Tensor, b: Tensor, bound: Tensor, share: float) -> bool:
    """Return whether outputs differ by more than a bound, and than a share of their magnitude.

    NaN and infinity differ from every number.
    """
    return not bool(((a - b).abs() <= torch.maximum(bound, share * b.abs())).all())


def _scale(pair: Tensor, others: Tensor) -> Tensor:
    """Return the magnitude of outputs (2, columns) for two images, or for others if it is small."""
    own, overall = _magnitude(pair), _magnitude(torch.cat([pair, others]))
    if overall == 0:
        return pair[:1].abs().max()
    return torch.maximum(own, MIN_SHARE * overall) if own > 0 else overall


def _magnitude(outputs: Tensor) -> Tensor:
    """Return the magnitude of outputs (n, columns) for several images, without constant parts.

    Outputs that are infinite or NaN do not count; it is 0 where all images have the same.
    """
    finite = outputs[outputs.isfinite().all(1)]
    if len(finite) < 2:
        return outputs.new_zeros(())
    change, magnitude = finite.amax(0) - finite.amin(0), finite.abs().amax(0)
    return torch.cat([change, magnitude[change > CONSTANT * magnitude]]).max()
