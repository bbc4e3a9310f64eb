"""Write scikit-learn's 1797 digits as pictures in class folders, for tests without a download.

    python benchmarks/digits.py --out digits
    unsee sanity-labels --data image_folder:digits --photos 1700 --explained 40 --methods tide fido

Fashion-MNIST, which the papers use, is `--data fashion_mnist:PATH`.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

SIDE = 28
"""Side of the pictures in pixels; the digits have 8."""


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        folder = options.out / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray((255 * pixels / 16).astype(np.uint8))
        picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / f"{number:04}.png")


if __name__ == "__main__":
    main()
