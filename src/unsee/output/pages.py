"""Make HTML pages in one file: templates with escaped text, and pictures inside of the page."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def render(package: str, template: str = "page.html.j2", **content: Any) -> str:
    """Return what a template in the folder of a package makes of its content.

    Text is escaped. A name that the template uses and the content lacks is an error.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package, ""), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(template).render(**content)


def as_base64(content: io.BytesIO) -> str:
    """Return the bytes of a picture as text for a page in one file."""
    return base64.b64encode(content.getvalue()).decode()


def png_data(pixels: NDArray[np.uint8] | Image.Image) -> str:
    """Return a picture as base64 text of a PNG file."""
    content = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(content, "PNG")
    return as_base64(content)


def jpeg_uri(pixels: NDArray[np.uint8], quality: int = 88) -> str:
    """Return a picture as the address of a JPEG file that is part of the page."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{as_base64(content)}"
