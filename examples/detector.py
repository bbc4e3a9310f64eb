"""Which part of the picture made the detector find this object?

    python examples/detector.py street.jpg --class-index 3 --box 120 80 300 220 --out car.png

A detector is no classifier, but `score(keep)` needs only one number for each masked picture. Here
that is D-RISE's (Petsiuk et al., CVPR 2021): the best match among all detections, class score times
overlap with the box that is to be explained. Any other number will do: write your own `forward`.
Needs the extra `ecosystem` (torchvision).
"""

import argparse

import torch
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.ops import box_iou

import unsee


class Found(nn.Module):
    """How well a detector finds one object: (n, c, h, w) in [0, 1] -> (n, 1)."""

    def __init__(self, detector: nn.Module, box: tuple[float, ...], label: int) -> None:
        super().__init__()
        self.detector = detector.eval()
        self.box, self.label = torch.tensor([box]), label

    def forward(self, images: Tensor) -> Tensor:
        """The best match in each picture, 0 where nothing of the class is detected."""
        best = []
        for found in self.detector(list(images)):
            same = found["labels"] == self.label
            overlap = box_iou(self.box.to(images), found["boxes"][same])[0]
            matches = torch.cat([overlap * found["scores"][same], images.new_zeros(1)])
            best.append(matches.amax())
        return torch.stack(best)[:, None]


def match(outputs: Tensor, targets: Tensor) -> Tensor:
    """The measure: what the network says is the score already."""
    return outputs[:, 0]


def wrapped(detector: nn.Module, box: tuple[float, ...], label: int, size: int) -> unsee.Classifier:
    """A detector that normalises by itself, seen as a classifier; `box` in the frame of `size`."""
    return unsee.Classifier(
        Found(detector, box, label).eval(),
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        framing=unsee.Framing((size, size), fit="resize"),
        data_mean=(0.485, 0.456, 0.406),
        name="detector",
    )


def main() -> None:
    """Explain one object in one photo."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("photo")
    arguments.add_argument("--box", type=float, nargs=4, required=True, help="x1 y1 x2 y2")
    arguments.add_argument("--class-index", type=int, required=True)
    arguments.add_argument("--model", default="ssdlite320_mobilenet_v3_large")
    arguments.add_argument("--size", type=int, default=320)
    arguments.add_argument("--method", default="rise")
    arguments.add_argument("--out", default="detector.png")
    chosen = arguments.parse_args()
    detector: nn.Module = get_model(chosen.model, weights="DEFAULT")
    classifier = wrapped(detector, tuple(chosen.box), chosen.class_index, chosen.size)
    result = unsee.explain(classifier, chosen.photo, chosen.method, measure=match, targets=0)
    result.plot().savefig(chosen.out)


if __name__ == "__main__":
    main()
