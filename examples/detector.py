"""Explain one detection of an object detector: which image regions does it depend on?

    python examples/detector.py street.jpg --class-index 3 --box 120 80 300 220 --out car.png

Every method of unsee needs only one number per masked image. For a detector this number is the
detection score of D-RISE: the highest product of class score and overlap (IoU) with the explained
box, over all detections of the class. To explain something else, write another `forward`.

Petsiuk et al., "Black-box Explanation of Object Detectors via Saliency Maps", CVPR 2021,
https://arxiv.org/abs/2006.03204. Requires torchvision.
"""

import argparse

import torch
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.ops import box_iou

import unsee


class DetectionScore(nn.Module):
    """The score of one object: images (n, c, h, w) in [0, 1] -> scores (n, 1)."""

    def __init__(self, detector: nn.Module, box: tuple[float, ...], label: int) -> None:
        super().__init__()
        self.detector = detector.eval()
        self.box, self.label = torch.tensor([box]), label

    def forward(self, images: Tensor) -> Tensor:
        """Return the score of the best match in each image; 0 without a detection of the class."""
        scores = []
        for detections in self.detector(list(images)):
            same_class = detections["labels"] == self.label
            overlaps = box_iou(self.box.to(images), detections["boxes"][same_class])[0]
            matches = overlaps * detections["scores"][same_class]
            scores.append(torch.cat([matches, images.new_zeros(1)]).amax())
        return torch.stack(scores)[:, None]


def detection_score(outputs: Tensor, targets: Tensor) -> Tensor:
    """Measure: return the network's output, which is the score already."""
    return outputs[:, 0]


def as_classifier(
    detector: nn.Module, box: tuple[float, ...], label: int, size: int
) -> unsee.Classifier:
    """Wrap a detector that normalises its input; `box` is in pixels of the resized image.

    Args:
        detector: A detector with the interface of torchvision's.
        box: Corners x1, y1, x2, y2 of the explained object.
        label: Class of the explained object.
        size: Height and width to which photos are resized.
    """
    return unsee.Classifier(
        DetectionScore(detector, box, label).eval(),
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        framing=unsee.Framing((size, size), fit="resize"),
        data_mean=(0.485, 0.456, 0.406),
        name="detector",
        outputs="regression",
    )


def main() -> None:
    """Explain one object in one photo and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo")
    parser.add_argument("--box", type=float, nargs=4, required=True, help="x1 y1 x2 y2")
    parser.add_argument("--class-index", type=int, required=True)
    parser.add_argument("--model", default="ssdlite320_mobilenet_v3_large")
    parser.add_argument("--size", type=int, default=320, help="side of the resized photo")
    parser.add_argument("--method", default="rise")
    parser.add_argument("--out", default="detector.png")
    options = parser.parse_args()
    detector: nn.Module = get_model(options.model, weights="DEFAULT")
    classifier = as_classifier(detector, tuple(options.box), options.class_index, options.size)
    explanation = unsee.explain(
        classifier, options.photo, options.method, measure=detection_score, targets=0
    )
    explanation.plot().savefig(options.out)


if __name__ == "__main__":
    main()
