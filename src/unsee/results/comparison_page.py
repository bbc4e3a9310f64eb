"""A comparison of explanations as an HTML page in one file."""

from collections.abc import Sequence

from unsee.images.drawing import overlay, to_pixels
from unsee.output.pages import jpeg_uri, render
from unsee.output.table import Table
from unsee.types import Images, Saliency


def comparison_page(
    image: Images, title: str, conclusion: str, maps: Sequence[tuple[str, Saliency]], table: Table
) -> str:
    """Return a page with the photo, its maps and a table.

    Args:
        image: The photo as the classifier sees it.
        title: Title of the page.
        conclusion: What the comparison shows, in a sentence.
        maps: Title and map (1, h, w) of each explanation.
        table: Their measurements.
    """
    pictures = [
        {"title": name, "uri": jpeg_uri(overlay(image[0], saliency[0]))} for name, saliency in maps
    ]
    return render(
        "unsee.results", "comparison.html.j2", title=title, conclusion=conclusion,
        photo=jpeg_uri(to_pixels(image[0])), maps=pictures, table=table,
    )  # fmt: skip
