"""Show photos and their maps as a part of an HTML page, as notebooks do."""

from collections.abc import Sequence

import torch

from unsee.images.drawing import overlay, to_pixels
from unsee.output.pages import jpeg_uri, render
from unsee.types import Images, Saliency

MAX_PHOTOS = 8
"""Number of photos that are shown."""
SHARE = 0.15
"""Share of the pixels, those of the highest saliency, in the picture of the evidence."""
DIMMED = 0.25
"""Contrast of the other pixels in that picture."""


def overview_html(
    images: Images, saliency: Saliency, names: Sequence[str], caption: str, notes: Sequence[str]
) -> str:
    """Return photos, their maps and their most important pixels as a part of an HTML page.

    Args:
        images: Photos (b, c, h, w) in [0, 1]; the first `MAX_PHOTOS` are shown.
        saliency: Their maps (b, h, w).
        names: Name of the explained class of each photo.
        caption: Line below the pictures.
        notes: A line for each photo, or "".
    """
    rows = [
        {
            "name": name,
            "note": note,
            "pictures": [
                (jpeg_uri(to_pixels(image)), f"photo, explained as {name}"),
                (jpeg_uri(overlay(image, plane)), f"map of the evidence for {name}"),
                (jpeg_uri(to_pixels(_top_only(image, plane))), f"the top {SHARE:.0%} for {name}"),
            ],
        }
        for image, plane, name, note in list(zip(images, saliency, names, notes, strict=True))[
            :MAX_PHOTOS
        ]
    ]
    return render(
        "unsee.images", "overview.html.j2", rows=rows, caption=caption, share=f"{SHARE:.0%}",
        left_out=max(0, len(images) - MAX_PHOTOS),
    )  # fmt: skip


def _top_only(image: torch.Tensor, plane: torch.Tensor) -> torch.Tensor:
    """Return a photo in which only the most important pixels have their full contrast."""
    image, plane = image.detach().cpu().float(), plane.detach().cpu().float()
    count = max(1, round(SHARE * plane.numel()))
    least = plane.flatten().topk(count).values[-1]
    return torch.where(plane >= least, image, 0.85 + DIMMED * (image - 0.85))
