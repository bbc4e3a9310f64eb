"""Settings outside their range, of all metrics."""

import pytest

from unsee import InputError, create


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("localisation", {"alpha": 1.5}, "0 <= alpha <= 1"),
        ("saliency_metric", {"alpha": -0.1}, "0 <= alpha"),
        ("minimal_mask", {"drop": 1.0}, "0 < drop < 1"),
        ("srg", {"protocol": "rice"}, "did you mean 'rise'"),
        ("lateness", {"part": 0}, "0 < part <= 1"),
        ("max_sensitivity", {"samples": 0}, "samples >= 1"),
        ("max_sensitivity", {"radius": 0.0}, "radius > 0"),
        ("mprt", {"layers": 0}, "layers >= 1 or 'all'"),
        ("smooth_mprt", {"layers": -1}, "layers >= 1 or 'all'"),
        ("smooth_mprt", {"samples": 0}, "samples >= 1"),
        ("efficient_mprt", {"bins": 1}, "bins >= 2"),
        ("effective_complexity", {"tolerance": 0.0}, "0 < tolerance < 1"),
        ("single_deletion", {"grid": 1}, "grid >= 2"),
    ],
)
def test_settings_outside_their_range_are_refused(name, settings, message) -> None:
    with pytest.raises(InputError, match=message):
        create("metrics", name, **settings)
