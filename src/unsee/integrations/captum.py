"""Methods of unsee with the interface of Captum's attributions."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from rich.progress import track
from torch import Tensor, nn

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Measure
from unsee.classifiers.normalisation import ASSUMED_MEAN, ASSUMED_STD
from unsee.errors import InputError
from unsee.infillers.base import Infiller
from unsee.methods.base import Method
from unsee.study import DEFAULT_METHOD, Study
from unsee.types import Images

ROUNDING_TOLERANCE = 1e-3
"""Tolerance by which a denormalised pixel may exceed [0, 1]."""


class Attribution:
    """A method of unsee, called as Captum's attributions are.

        attribution = Attribution(model, method="fido")
        maps = attribution.attribute(inputs, target=3)  # inputs and maps: (b, c, h, w)
        captum.attr.visualization.visualize_image_attr(maps[0].permute(1, 2, 0).numpy())

    Args:
        model: Network in evaluation mode.
        method: Method, or its name.
        infiller: In-filler, or its name; default: that of the method.
        measure: Score that is explained, or its name; default: that of the method.
        mean: Mean of each channel in the normalisation of the inputs; default: ImageNet's.
        std: Standard deviation of each channel, likewise.
    """

    def __init__(
        self,
        model: nn.Module,
        method: Method | str = DEFAULT_METHOD,
        *,
        infiller: Infiller | str | None = None,
        measure: Measure | str | None = None,
        mean: tuple[float, ...] = ASSUMED_MEAN,
        std: tuple[float, ...] = ASSUMED_STD,
    ) -> None:
        self.classifier = Classifier(model, mean=mean, std=std)
        self.method, self.infiller, self.measure = method, infiller, measure

    def attribute(
        self,
        inputs: Float[Tensor, "b c h w"],
        target: int | Sequence[int] | Tensor | None = None,
        *,
        show_progress: bool = False,
        seed: int = 0,
    ) -> Float[Tensor, "b c h w"]:
        """Return maps of the shape of the inputs, equal in all channels.

        Args:
            inputs: Normalised images, as the network takes them.
            target: Class of all images, or one class per image; default: the predicted classes.
            show_progress: Show a progress bar.
            seed: Seed of the random numbers.

        Raises:
            InputError: If undoing the normalisation does not bring the inputs to [0, 1].
        """
        study = Study.of(
            self.classifier,
            undo_normalisation(self.classifier, inputs),
            self.method,
            infiller=self.infiller,
            targets=int(target) if isinstance(target, Tensor) and target.ndim == 0 else target,
            measure=self.measure,
            seed=seed,
        )
        steps = study.steps()
        for _ in track(steps, type(study.method).__name__, disable=not show_progress):
            pass
        return study.explanation.saliency[:, None].expand_as(inputs).clone()


def undo_normalisation(
    classifier: Classifier, inputs: Tensor, tolerance: float = ROUNDING_TOLERANCE
) -> Images:
    """Return the images in [0, 1] of normalised inputs (b, c, h, w).

    Raises:
        InputError: For another number of channels, and for pixels that lie outside [0, 1] by more
            than the tolerance; smaller excesses are clipped.
    """
    if inputs.ndim != 4 or inputs.shape[1] != classifier.channels:
        raise InputError(
            f"expected inputs (b, {classifier.channels}, h, w), got {tuple(inputs.shape)}"
        )
    images = classifier.denormalise(inputs.detach())
    low, high = images.min().item(), images.max().item()
    if not (low >= -tolerance and high <= 1 + tolerance):
        raise InputError(
            f"expected normalised inputs; undoing mean and std gives [{low:.3g}, {high:.3g}] "
            "instead of [0, 1]: pass the mean= and std= of your preprocessing"
        )
    return torch.clamp(images, 0, 1)
