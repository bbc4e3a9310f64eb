"""Our methods in the shape that Captum's users know."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from rich.progress import track
from torch import Tensor, nn

from unsee.classifiers.classifier import IMAGENET_MEAN, IMAGENET_STD, Classifier
from unsee.classifiers.measures import Measure
from unsee.errors import InputError
from unsee.infillers.base import Infiller
from unsee.methods.base import Method
from unsee.study import DEFAULT_METHOD, Study

ROUNDING = 1e-3
"""By how much an image may leave [0, 1] when its normalisation is undone."""


class Attribution:
    """`Attribution(model, method="fido").attribute(inputs, target=3)`, as with Captum's methods.

    `inputs` are what the model takes: images already normalised with `mean` and `std`, by default
    ImageNet's. The model has to be in evaluation mode, as everywhere.
    """

    def __init__(
        self,
        model: nn.Module,
        method: Method | str = DEFAULT_METHOD,
        *,
        infiller: Infiller | str | None = None,
        measure: Measure | str | None = None,
        mean: tuple[float, ...] = IMAGENET_MEAN,
        std: tuple[float, ...] = IMAGENET_STD,
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
        """Maps of the shape of `inputs`; our maps have no channels, so all channels are equal.

        `target` is a class for all, one for each image, or None for what the model says. Raises
        `InputError` where `mean` and `std` do not bring `inputs` to [0, 1].
        """
        study = Study.of(
            self.classifier,
            self.pixels(inputs),
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

    def pixels(self, inputs: Tensor, slack: float = ROUNDING) -> Tensor:
        """Undo the normalisation; refuse what then leaves [0, 1] by more than `slack`."""
        if inputs.ndim != 4 or inputs.shape[1] != self.classifier.channels:
            raise InputError(
                f"expected inputs (b, {self.classifier.channels}, h, w), got {tuple(inputs.shape)}"
            )
        mean, std = (
            inputs.new_tensor(values).view(-1, 1, 1)
            for values in (self.classifier.mean, self.classifier.std)
        )
        pixels = inputs.detach() * std + mean
        low, high = pixels.min().item(), pixels.max().item()
        if not (low >= -slack and high <= 1 + slack):
            raise InputError(
                f"expected normalised inputs; undoing mean and std gives [{low:.3g}, {high:.3g}] "
                "instead of [0, 1]: pass the mean= and std= of your preprocessing"
            )
        return torch.clamp(pixels, 0, 1)
