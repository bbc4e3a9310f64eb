from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import save_file

from tests.training import small
from unsee import InputError, Study, black_box, create, explain, load
from unsee.masking.masks import total_variation
from unsee.results.assessment import assess
from unsee.results.panel import panel
from unsee.training.descent import cosine_rate
from unsee.training.task import Batch


def task(network, **settings):
    make, make_task, values = small.NETWORKS[network]
    return make_task(make(**values | small.SMALL | settings), Accelerator(cpu=True))


@pytest.mark.parametrize("network", ["variational", "features", "gradients"])
def test_maps_scale_with_the_size_of_photos(network) -> None:
    trained = task(network, size=16)
    assert (trained.size, trained.encoder.side, trained.prior.height) == (16, 8, 8)
    assert trained.weights()[1]["side"] == "12"


def test_encoder_of_images_may_have_the_side_of_the_image() -> None:
    trained = task("variational", side=None)
    assert (trained.prior.height, trained.weights()[1]["side"]) == (24, "0")


def test_reconstruction_may_be_the_probability(folder, tmp_path) -> None:
    losses = small.train("gradients", folder, tmp_path / "run", reconstruction="probability")
    assert all(0 <= step["reconstruction"] <= 1 for step in losses)
    with pytest.raises(InputError, match="choose another folder"):
        small.train("gradients", folder, tmp_path / "run")


@pytest.mark.parametrize("network", ["variational", "features", "gradients", "heads"])
def test_method_reads_mean_deviation_and_samples(folder, tmp_path, network) -> None:
    small.train(network, folder, tmp_path / "run")
    path = tmp_path / "run" / "variational.safetensors"
    metadata, tensors = small.metadata(path), small.weights(tmp_path / "run")
    tensors["last.weight"][1::2] *= 30  # so that variances differ between pixels
    save_file(tensors, path, metadata)
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    classifier = load(small.TOY)

    def maps(reading, seed=0):
        method = create("methods", "variational", weights=str(path), reading=reading)
        return explain(classifier, images, method, seed=seed).saliency

    mean, deviation, sample = maps("mean"), maps("deviation"), maps("sample")
    assert (deviation > 0).all()
    assert not torch.equal(mean, sample)
    assert not torch.equal(maps("sample", seed=1), sample)
    assert torch.equal(maps("sample"), sample)
    spread = torch.stack([maps("sample", seed) - mean for seed in range(30)]).std(0)
    assert np.corrcoef(spread.flatten(), deviation.flatten())[0, 1] > 0.3
    assert total_variation(mean[:, None, None]).shape == (2,)


@pytest.mark.parametrize(
    ("reading", "title"),
    [("mean", "Importance for the class"), ("deviation", "Where the map is unsure")],
)
def test_panel_names_the_reading(reading, title) -> None:
    classifier = load(small.TOY)
    images = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    method = create("methods", "variational", weights="random", reading=reading)
    study = Study.of(classifier, images, method)
    study.finish()
    drawn = panel(assess(study, 0.15), images[0], np.zeros((24, 24, 3), np.uint8))
    assert title in [axes.get_title() for axes in drawn.axes]
    words = {text.get_text() for axes in drawn.axes for text in axes.texts}
    assert {"sure", "unsure"} <= words if reading == "deviation" else "decisive" in words


def test_feature_maps_need_a_torch_module(folder, tmp_path) -> None:
    small.train("features", folder, tmp_path / "run")
    weights = str(tmp_path / "run" / "variational.safetensors")
    box = black_box(lambda x: np.ones((len(x), 2)) / 2, size=(24, 24))
    object.__setattr__(box, "name", small.TOY)
    with pytest.raises(InputError, match="black box"):
        explain(box, torch.rand(1, 3, 24, 24), create("methods", "variational", weights=weights))


def test_gradients_take_one_forward_and_one_backward_pass(folder, tmp_path) -> None:
    small.train("gradients", folder, tmp_path / "run")
    weights = str(tmp_path / "run" / "variational.safetensors")
    method, classifier = create("methods", "variational", weights=weights), load(small.TOY)
    images = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    explanation = explain(classifier, images, method)
    cost = explanation.provenance["cost"]
    assert cost["forwards"] == cost["backwards"] == 3
    alone = explain(classifier, images[1:2], method).saliency
    torch.testing.assert_close(explanation.saliency[1:2], alone)
    assert explain(classifier, images * 0 + 0.5, method).saliency.isfinite().all()
    with pytest.raises(InputError, match="gradients"):
        explain(replace(classifier, differentiable=False), images, method)


def test_shipped_weights_have_a_mean_and_a_deviation() -> None:
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    maps = {}
    for reading in ("mean", "deviation"):
        method = create("methods", "variational", reading=reading)
        explanation = explain("efficientnet_lite0", image, method)
        maps[reading] = explanation.saliency
        assert explanation.saliency.isfinite().all()
        cost = explanation.provenance["cost"]
        assert cost["forwards"] == cost["backwards"] == 1
    assert (maps["deviation"] > 0).all()
    assert maps["deviation"].std() > 0.1 * maps["deviation"].mean()


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_rate_falls_or_is_constant_as_published(schedule) -> None:
    trained = task("variational", schedule=schedule, rate=1e-2, steps=4)
    photos = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    rates = []
    for step in range(4):
        trained.training_step(step, Batch(photos, None, 0, 2))
        rates.append(trained.optimizer.param_groups[0]["lr"])
    expected = [cosine_rate(1e-2, step / 4) if schedule == "cosine" else 1e-2 for step in range(4)]
    assert rates == pytest.approx(expected)
