"""Find text in photos with RapidOCR, an optional package."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from unsee.errors import InputError
from unsee.images.drawing import to_pixels
from unsee.types import Images

PACKAGE = "rapidocr_onnxruntime"
INSTALL = "python -m pip install --no-deps rapidocr-onnxruntime==1.4.4 pyclipper shapely six pyyaml"
"""Command that installs the detector, without a second copy of OpenCV."""
LEAST_SCORE = 0.5
"""Confidence with which letters must be read for their outline to be text."""
ENLARGED = 640
"""Side in pixels at which text is searched: the detector misses letters of a few pixels."""


class TextDetector:
    """Mark the pixels of a photo in which letters or digits can be read.

    Raises:
        InputError: The package is not installed.
    """

    def __init__(self) -> None:
        if not find_spec(PACKAGE):
            raise InputError(f"finding text needs RapidOCR: {INSTALL} onnxruntime")
        self._detect: Any = import_module(PACKAGE).RapidOCR(print_verbose=False)

    def __call__(self, image: Images) -> Bool[Tensor, "h w"]:
        """Return the pixels inside the outlines of text on one photo (1, c, h, w)."""
        import cv2

        h, w = image.shape[-2:]
        factor = max(1.0, ENLARGED / max(h, w))
        pixels = np.ascontiguousarray(to_pixels(image[0])[..., ::-1])
        size = (round(w * factor), round(h * factor))
        large = cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)
        results, _ = self._detect(large, use_det=True, use_cls=False, use_rec=True)
        marked = np.zeros((h, w), np.uint8)
        for outline, text, score in results or ():
            if float(score) < LEAST_SCORE or not any(letter.isalnum() for letter in text):
                continue  # textures, such as ribs in an X-ray, have the outlines of text
            corners = (np.asarray(outline, float) / factor).round().astype(np.int32)
            cv2.fillPoly(marked, [corners], 1)
        return torch.from_numpy(marked > 0)
