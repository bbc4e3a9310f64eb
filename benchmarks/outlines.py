"""Outline the animals on photos with a segmentation network, for experiments that in-fill them.

    python benchmarks/outlines.py --data imagenet-val-sample.zip --segmenter FILE.tflite --out animals

Needs `ai-edge-litert`. The network is DeepLab v3 for the classes of Pascal VOC. Takes the photos with
a labelled animal of ImageNet whose outline covers 2 to 80 % of the photo and half of which lies in the
labelled boxes. Writes a folder with annotations.json for `unsee evaluate-infill --data`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image

from unsee.datasets._loading import load_data

ANIMALS = {3: "bird", 8: "cat", 10: "cow", 12: "dog", 13: "horse", 17: "sheep"}
"""Classes of Pascal VOC, as the network numbers them."""
BIRDS = {*range(7, 25), *range(80, 101), *range(127, 147)}
"""Classes of ImageNet that are birds."""
LABELLED = BIRDS | {*range(151, 294), 339, 345, *range(348, 351)}
"""Classes of ImageNet that the network knows: also dogs, wolves, foxes, cats, horses, cattle."""
SHARES = (0.02, 0.8)
"""Least and largest share of the photo that an outline covers."""


def outline(network: Interpreter, photo: Image.Image) -> NDArray[np.bool_]:
    """Return the pixels of animals on a photo."""
    (entry,), (exit_,) = network.get_input_details(), network.get_output_details()
    side = entry["shape"][1]
    small = np.asarray(photo.resize((side, side), Image.Resampling.BILINEAR), np.uint8)
    network.set_tensor(entry["index"], small[None])
    network.invoke()
    classes = np.squeeze(network.get_tensor(exit_["index"]))
    classes = classes.argmax(-1) if classes.ndim == 3 else classes
    inside = Image.fromarray(np.isin(classes, list(ANIMALS)).astype(np.uint8) * 255)
    return np.asarray(inside.resize(photo.size, Image.Resampling.BILINEAR)) > 127


def main() -> None:
    """Outline, choose and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--segmenter", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    network = Interpreter(model_path=options.segmenter)
    network.allocate_tensors()
    options.out.mkdir(parents=True)
    entries, birds = [], 0
    for sample in load_data(options.data):
        if sample.target not in LABELLED:
            continue
        pixels = sample.photo(3)
        photo = Image.fromarray((255 * pixels).round().byte().permute(1, 2, 0).numpy())
        inside = outline(network, photo)
        boxed = np.zeros_like(inside)
        for x1, y1, x2, y2 in sample.boxes_in(pixels).round().int().tolist():
            boxed[y1:y2, x1:x2] = True
        if not (SHARES[0] < inside.mean() < SHARES[1]) or (inside & boxed).sum() < inside.sum() / 2:
            continue
        name = Path(sample.id).stem
        photo.save(options.out / f"{name}.png")
        Image.fromarray(inside).save(options.out / f"{name}-mask.png")
        entry = {"file": f"{name}.png", "index": sample.target, "mask": f"{name}-mask.png"}
        entries.append(entry)
        birds += sample.target in BIRDS
    (options.out / "annotations.json").write_text(json.dumps(entries, indent=1), encoding="utf-8")
    print(f"{len(entries)} photos with an outlined animal, of which {birds} are birds")


if __name__ == "__main__":
    main()
