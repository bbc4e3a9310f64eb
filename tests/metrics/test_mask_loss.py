"""Deletion loss minus insertion loss of the map as a soft mask."""

import pytest
import torch

from tests.conftest import masked_score
from unsee import create
from unsee.images.filters import gaussian_blur


def value(classifier, image, evidence, infiller="grey", mask="raw"):
    score = masked_score(classifier, image, infiller, target=1)
    return create("metrics", "mask_loss", mask=mask).rate(score, evidence)


def test_value_by_hand(classifier, image) -> None:
    torch.manual_seed(0)
    evidence = torch.rand(1, *image.shape[-2:])
    blurred = (gaussian_blur(image, 50, 51) * 255).round() / 255
    pictures = torch.cat(
        [torch.lerp(image, blurred, evidence), torch.lerp(blurred, image, evidence)]
    )
    without, alone = classifier.probabilities(pictures)[:, 1]
    expected = without - alone
    assert expected.abs() > 1e-6
    assert value(classifier, image, evidence).item() == pytest.approx(expected.item(), abs=1e-6)
    assert value(classifier, image, evidence, "noise") == value(classifier, image, evidence)


def test_complement_has_the_opposite_value(classifier, image) -> None:
    evidence = torch.rand(1, *image.shape[-2:], generator=torch.Generator().manual_seed(1))
    assert torch.allclose(
        value(classifier, image, evidence), -value(classifier, image, 1 - evidence), atol=1e-6
    )


def test_rescaling_is_the_default_of_the_setting(classifier, image) -> None:
    evidence = torch.rand(1, *image.shape[-2:], generator=torch.Generator().manual_seed(2))
    rescaled = (evidence - evidence.min()) / (evidence.max() - evidence.min())
    assert create("metrics", "mask_loss").mask == "rescaled"
    torch.testing.assert_close(
        value(classifier, image, 5 * evidence - 2, mask="rescaled"),
        value(classifier, image, rescaled),
    )
