"""Write photos with a letter beside the labelled object, for an audit whose answer is known.

    python benchmarks/marked.py --data imagenet-val-sample.zip --out marked
    unsee audit marked --classifier planted:imagenet-val-sample.zip,mark=letter --out audit-read
    unsee audit marked --classifier efficientnet_lite0 --out audit-control

The first classifier reads the letter and nothing else; the second is ImageNet's and does not need it.
Pictures are those of the data set `planted`. One is taken if less than a tenth of its letter lies in
the boxes of the photo's objects, which become its annotations.
"""

import argparse
import json
from pathlib import Path

from PIL import Image

from unsee.datasets._loading import load_data
from unsee.images.framing import Framing
from unsee.metrics._boxes import box_mask

SIDE = 224
"""Height and width of the pictures in pixels."""
OVERLAP = 0.1
"""Share of a letter that may lie on the object."""


def main() -> None:
    """Choose and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200, help="pictures that are tried")
    options = parser.parse_args()
    photos = {sample.id: sample for sample in load_data(options.data)}
    marked = load_data(f"planted:{options.data},mark=letter,count={options.count},side={SIDE}")
    framing = Framing((SIDE, SIDE), share=1.0)
    options.out.mkdir(parents=True)
    entries = []
    for number, sample in enumerate(marked):
        photo = photos[sample.id.partition(",")[0]]
        pixels = photo.photo(3)
        boxes = framing.boxes(photo.boxes_in(pixels), *pixels.shape[-2:]).round().int()
        boxes = boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
        letter = sample.object_mask()
        inside = box_mask(boxes, (SIDE, SIDE))
        if letter is None or (letter & inside).sum() > OVERLAP * letter.sum() or not inside.any():
            continue
        picture = (255 * sample.photo(3)).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(picture).save(options.out / f"{number:03}.png")
        entry = {"file": f"{number:03}.png", "boxes": boxes.tolist()}
        entries.append(entry)
    (options.out / "annotations.json").write_text(json.dumps(entries, indent=1), encoding="utf-8")
    print(f"{len(entries)} pictures with a letter beside the object")


if __name__ == "__main__":
    main()
