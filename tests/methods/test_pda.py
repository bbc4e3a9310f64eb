import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from unsee import create, explain
from unsee.methods.pda import WindowSampler


def test_map_is_the_mean_evidence_of_the_windows_over_a_pixel(image, evaluations) -> None:
    method = create("methods", "pda", window=8, rim=2, stride=8, samples=3)
    saliency = method.attribute(masked_score(toy(Convolutional()), image))[0].double().numpy()
    whole = evaluations[0][1].item()
    resampled = torch.cat([scores[0] for _, scores in evaluations[1:]]).view(4, 4, 3).mean(2)
    resampled = resampled.double().numpy()
    evidence = np.log2(whole / (1 - whole)) - np.log2(resampled / (1 - resampled))
    np.testing.assert_allclose(saliency[::8, ::8], evidence, atol=1e-4)


def test_windows_are_drawn_from_the_gaussian_given_the_rim() -> None:
    g = torch.Generator().manual_seed(0)
    images = torch.nn.functional.avg_pool2d(torch.rand(1, 1, 96, 96, generator=g), 5, 1)
    sampler = WindowSampler.of(images, 2, 1, 1)
    patches = torch.nn.functional.unfold(images, 4)[0].T.double().numpy()
    inner = sampler.inner.numpy()
    assert inner.reshape(4, 4)[1:3, 1:3].all()
    assert inner.sum() == 4
    design = np.c_[np.ones(len(patches)), patches[:, ~inner]]
    slopes, *_ = np.linalg.lstsq(design, patches[:, inner], rcond=None)
    residual = patches[:, inner] - design @ slopes
    predicted = sampler.weights[0].double().numpy() @ (patches[7] - sampler.mean[0].numpy())[~inner]
    predicted = predicted + sampler.mean[0].numpy()[inner]
    np.testing.assert_allclose(predicted, design[7] @ slopes, atol=0.01)
    covariance = (sampler.root[0] @ sampler.root[0].T).numpy()
    expected = np.trace(residual.T @ residual / len(residual))
    assert np.trace(covariance) == pytest.approx(expected, rel=0.2)


def test_samples_are_independent_of_batch_and_chunk() -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    method = create("methods", "pda", window=6, stride=8, samples=3)
    batch = explain(toy(Convolutional()), images, method, targets=1).saliency
    small_chunks = explain(toy(Convolutional(), chunk=3), images, method, targets=1).saliency
    alone = [explain(toy(Convolutional()), x, method, targets=1).saliency for x in images]
    torch.testing.assert_close(batch, small_chunks, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(batch, torch.cat(alone), atol=1e-4, rtol=1e-3)
    assert batch.std() > 0


def test_map_of_a_constant_image_is_finite() -> None:
    method = create("methods", "pda", window=6, stride=8, samples=3)
    flat = explain(toy(Convolutional()), torch.full((1, 3, 32, 32), 0.5), method).saliency
    assert flat.isfinite().all()


@pytest.mark.parametrize(
    ("passes", "stride", "samples"), [(31_000, 4, 10), (6_000, 10, 10), (1_100, 10, 2), (5, 10, 1)]
)
def test_budget_pays_for_the_windows_and_then_for_their_samples(passes, stride, samples) -> None:
    method = create("methods", "pda").with_budget(passes, (224, 224))
    assert (method.stride, method.samples) == (stride, samples)


def test_budget_of_the_infiller_changes_the_stride_alone() -> None:
    method = create("methods", "pda", sampler="infiller").with_budget(100, (224, 224))
    assert (method.stride, method.samples) == (10, 10)
