"""Models of timm."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.classifiers.classifier import Classifier
from unsee.errors import unknown
from unsee.images.framing import Framing
from unsee.sources import _weights
from unsee.sources._imagenet import labels as imagenet_labels
from unsee.sources.base import Source

__all__ = ["Timm"]


@dataclass(frozen=True)
class Timm(Source):
    """Any classifier of timm, with its own preprocessing and labels (extra: ecosystem)."""

    argument: ClassVar[str] = "NAME"

    weights: str = "default"
    """`default` (published, downloaded once), `none` (random) or a file of weights."""

    def load(self, argument: str) -> Classifier:
        """Build, fill, wrap."""
        with _weights.needed("timm"):
            import timm
        if not timm.is_model(argument.split(".")[0]) and not argument.startswith("hf-hub:"):
            raise unknown("model of timm", argument, timm.list_models())
        with _weights.downloading(f"timm:{argument}"):
            model = timm.create_model(argument, pretrained=self.weights == "default")
        if self.weights not in {"default", "none"}:
            _weights.fill(model, self.weights)
        seen = timm.data.resolve_model_data_config(model)
        names = model.pretrained_cfg.get("label_names") or ()
        return Classifier(
            model.eval(),
            mean=tuple(seen["mean"]),
            std=tuple(seen["std"]),
            framing=Framing(
                tuple(seen["input_size"][1:]),
                fit="resize" if seen["crop_mode"] == "squash" else "crop",
                share=seen["crop_pct"],
                interpolation=_weights.interpolation(seen["interpolation"]),
            ),
            labels=imagenet_labels() if model.num_classes == 1000 else tuple(names),
            name=f"timm:{argument}",
        )
