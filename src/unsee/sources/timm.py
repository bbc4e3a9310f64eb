"""Models of timm."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.classifiers.classifier import Classifier
from unsee.errors import unknown
from unsee.images.framing import Framing
from unsee.sources._downloads import download, optional_import
from unsee.sources._imagenet import labels as imagenet_labels
from unsee.sources._preprocessing import closest_interpolation
from unsee.sources._weights import load_weights
from unsee.sources.base import Source

__all__ = ["Timm"]


@dataclass(frozen=True)
class Timm(Source):
    """Any classifier of timm, with its own preprocessing and labels (requires timm)."""

    argument: ClassVar[str] = "NAME"

    weights: str = "default"
    """Weights: `default` (published; downloaded once), `none` (random), or the path of a file."""

    def load(self, argument: str) -> Classifier:
        """Make the model, load its weights and wrap it."""
        with optional_import("timm"):
            import timm
        if not timm.is_model(argument.split(".")[0]) and not argument.startswith("hf-hub:"):
            raise unknown("timm model", argument, timm.list_models())
        with download(f"timm:{argument}"):
            model = timm.create_model(argument, pretrained=self.weights == "default")
        if self.weights not in {"default", "none"}:
            load_weights(model, self.weights)
        config = timm.data.resolve_model_data_config(model)
        labels = model.pretrained_cfg.get("label_names") or ()
        return Classifier(
            model.eval(),
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
            framing=Framing(
                tuple(config["input_size"][1:]),
                fit="resize" if config["crop_mode"] == "squash" else "crop",
                share=config["crop_pct"],
                interpolation=closest_interpolation(config["interpolation"]),
            ),
            labels=imagenet_labels() if model.num_classes == 1000 else tuple(labels),
            name=f"timm:{argument}",
        )
