"""The worked example of a detector runs on a real detector's code, with random weights."""

import pytest
import torch

torchvision = pytest.importorskip("torchvision", exc_type=(ImportError, RuntimeError))

from examples.detector import match, wrapped  # noqa: E402

from unsee import create, explain  # noqa: E402

pytestmark = pytest.mark.ecosystem


@pytest.mark.parametrize(
    "method", [create("methods", "rise", samples=8), create("methods", "gradient")]
)
def test_a_detection_is_explained(method) -> None:
    torch.manual_seed(0)
    detector = torchvision.models.get_model(
        "ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None, score_thresh=0.0
    ).eval()
    image = torch.rand(1, 3, 320, 320)
    with torch.no_grad():
        found = detector(list(image))[0]
    box, label = tuple(found["boxes"][0].tolist()), int(found["labels"][0])
    classifier = wrapped(detector, box, label, 320)
    with torch.no_grad():
        score = classifier.logits(image)[0, 0].item()
    assert score == pytest.approx(found["scores"][0].item(), abs=1e-5)
    explained = explain(classifier, image, method, measure=match, targets=0)
    assert explained.saliency.isfinite().all()
    assert explained.saliency.std() > 0
    assert explained.provenance["measure"] == "match"
