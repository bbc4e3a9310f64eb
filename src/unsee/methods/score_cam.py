"""Score-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["ScoreCAM"]


@dataclass(frozen=True)
class ScoreCAM(CamMethod):
    """Activations weighted by the score of what each lets through (Wang et al., CVPRW 2020)."""

    library: ClassVar[str] = "ScoreCAM"

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
