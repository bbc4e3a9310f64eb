"""Weights of small trainings, read by the methods."""

import os

import pytest
import torch
from safetensors.torch import save_file

from tests.training import small
from unsee import InputError, create, explain, load


@pytest.mark.parametrize("network", ["variational", "distilled"])
def test_loss_falls_and_weights_are_saved(folder, tmp_path, network) -> None:
    settings = {"steps": 60, "save_every": 20, "classifier": small.CORNERS}
    losses = small.train(network, folder, tmp_path / "run", **settings)
    key = {"variational": "reconstruction", "distilled": "area"}[network]
    assert sum(step[key] for step in losses[-8:]) < sum(step[key] for step in losses[:8])
    assert (tmp_path / "run" / f"{network}.safetensors").stat().st_size > 100
    assert len(list((tmp_path / "run").glob("step-*.png"))) == 3


@pytest.mark.parametrize("network", ["casm", "variational", "distilled"])
def test_weights_refuse_another_classifier(folder, tmp_path, network) -> None:
    small.train(network, folder, tmp_path / "run")
    other = load(small.TOY)
    object.__setattr__(other, "name", "another")
    images = torch.rand(1, 3, 24, 24)
    weights = str(tmp_path / "run" / f"{network}.safetensors")
    with pytest.raises(InputError, match="trained for the classifier"):
        explain(other, images, create("methods", network, weights=weights))
    missing = create("methods", network, weights=str(tmp_path / "none.safetensors"))
    with pytest.raises(InputError, match=f"unsee train {network}"):
        explain(other, images, missing)


def test_weights_are_loaded_again_when_the_file_changes(folder, tmp_path) -> None:
    small.train("distilled", folder, tmp_path / "run", classifier=small.CORNERS)
    path = tmp_path / "run" / "distilled.safetensors"
    classifier = load(small.CORNERS)
    method = create("methods", "distilled", weights=str(path))
    image = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    before = explain(classifier, image, method).saliency
    assert torch.equal(explain(classifier, image, method).saliency, before)
    metadata, tensors = small.metadata(path), small.weights(tmp_path / "run")
    tensors["gate.weight"] += 1
    save_file(tensors, path, metadata)
    os.utime(path, ns=(1, 1))
    after = explain(classifier, image, method).saliency
    assert (after - before).abs().max() > 0.1
    other = str(tmp_path / "other.safetensors")
    save_file(tensors, other, metadata)
    fresh = create("methods", "distilled", weights=other)
    assert torch.equal(after, explain(classifier, image, fresh).saliency)
