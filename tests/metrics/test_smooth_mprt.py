"""Smooth MPRT and its special case."""

import torch

from tests.metrics.conftest import rate_method
from unsee import create
from unsee.metrics.smooth_mprt import SmoothMPRT

OCCLUSION = create("methods", "sliding_patch", patch=8, stride=8)


def test_smooth_mprt_of_one_sample_is_mprt(batch_score) -> None:
    plain = rate_method("mprt", batch_score, OCCLUSION, layers=2)
    one_sample = rate_method("smooth_mprt", batch_score, OCCLUSION, layers=2, samples=1)
    torch.testing.assert_close(one_sample, plain)
    three_samples = rate_method("smooth_mprt", batch_score, OCCLUSION, layers=2, samples=3)
    assert not torch.equal(three_samples, plain)
    assert SmoothMPRT().samples > 1
