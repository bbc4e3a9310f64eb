"""Score-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["ScoreCAM"]


@dataclass(frozen=True)
class ScoreCAM(CamMethod):
    """Activations weighted by the score of what each lets through (Wang et al., CVPRW 2020)."""

    library: ClassVar[str] = "ScoreCAM"

    layer: str = ""
    """Name of the layer in your network; if empty, the last one that still knows about places."""
