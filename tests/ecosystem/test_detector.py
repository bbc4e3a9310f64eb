"""The example of a detector, on a detector of torchvision with random weights."""

import pytest
import torch

torchvision = pytest.importorskip("torchvision", exc_type=(ImportError, RuntimeError))

from examples.detector import as_classifier, detection_score  # noqa: E402

from unsee import create, explain  # noqa: E402

pytestmark = pytest.mark.ecosystem


def _normalise(detector: torch.nn.Module) -> None:
    """Fit the statistics of batch norms, without which all scores of random weights are equal."""
    for module in detector.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        detector.head(list(detector.backbone(torch.rand(4, 3, 320, 320)).values()))
    detector.eval()


@pytest.mark.parametrize(
    "method", [create("methods", "rise", samples=8), create("methods", "gradient")]
)
def test_detection_is_explained(method) -> None:
    torch.manual_seed(0)
    detector = torchvision.models.get_model(
        "ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None, score_thresh=0.0
    )
    _normalise(detector)
    image = torch.rand(1, 3, 320, 320)
    with torch.no_grad():
        detections = detector(list(image))[0]
    box, label = tuple(detections["boxes"][0].tolist()), int(detections["labels"][0])
    classifier = as_classifier(detector, box, label, 320)
    with torch.no_grad():
        score = classifier.logits(image)[0, 0].item()
    assert score == pytest.approx(detections["scores"][0].item(), abs=1e-5)
    explanation = explain(classifier, image, method, measure=detection_score, targets=0)
    assert explanation.saliency.isfinite().all()
    assert explanation.saliency.std() > 0
    assert explanation.provenance["measure"] == "detection_score"
