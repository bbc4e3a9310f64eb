"""Comparison with maps that the published code of the papers computed."""

import pytest
from scipy.stats import spearmanr

from tests.reference import reference
from unsee import create, load
from unsee.metrics._curves import PROTOCOLS, curve
from unsee.study import Study


@pytest.mark.parametrize(
    ("name", "settings", "published"),
    [("igos_pp", {"steps": 8, "path": 3}, "igos_pp-28-line-search"),
     ("fido", {"steps": 60, "samples": 4, "rate": 0.2}, "fido-ssr-local")],
)  # fmt: skip
def test_short_run_agrees_with_the_published_map(name, settings, published) -> None:
    """The map correlates with the published map of its image, not with those of other images."""
    data, classifier = reference(), load()
    image, expected, _ = data.case(published, "dalmatian")
    study = Study.of(classifier, image, create("methods", name, **settings))
    saliency = study.finish().saliency

    def correlation(photo):
        return spearmanr(saliency.flatten(), data.case(published, photo)[1].flatten())[0]

    others = [photo for photo in data.photos_of(published) if photo != "dalmatian"]
    own_correlation = spearmanr(saliency.flatten(), expected.flatten())[0]
    assert own_correlation > max(map(correlation, others)) + 0.3
    protocol = PROTOCOLS["rise"]
    deletion, insertion = (
        protocol.area(curve(study.score, saliency, protocol, direction)).item()
        for direction in ("deletion", "insertion")
    )
    assert insertion - deletion > 0.6
