"""A classifier, or a file of the settings, that was replaced under the same name."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from tests.conftest import Convolutional, toy
from tests.training import small
from unsee import InputError, create, explain, load
from unsee.classifiers.answers import Answers
from unsee.classifiers.randomisation import randomise_layers
from unsee.storage.records import record
from unsee.training import run_folder
from unsee.training.infiller import InfillerTraining

NAME = f"{__name__}:changing"
OTHER = "another classifier of the (same )?name"


def changing():
    """Return a classifier whose weights are those of a number that tests change."""
    model = Convolutional()
    with torch.no_grad():
        model.head.weight += changing.shift * torch.linspace(-1, 1, 40).reshape(5, 8)
    return toy(model, size=24)


changing.shift = 0.0
"""Difference of the weights, as of a file that was replaced."""


@pytest.fixture
def shift(monkeypatch):
    return lambda value: monkeypatch.setattr(changing, "shift", value)


def contents_of(out):
    return {path: path.read_bytes() for path in out.iterdir() if path.is_file()}


@pytest.mark.parametrize("network", ["casm", "variational", "distilled"])
def test_training_and_weights_are_of_one_classifier(folder, tmp_path, network, shift) -> None:
    out, settings = tmp_path / "run", {"classifier": NAME, "steps": 1}
    small.train(network, folder, out, **settings)
    weights = create("methods", network, weights=str(out / f"{network}.safetensors"))
    image = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    explain(load(NAME), image, weights)
    before = contents_of(out)
    shift(0.3)
    with pytest.raises(InputError, match=OTHER):  # though the run is finished
        small.train(network, folder, out, **settings)
    assert contents_of(out) == before
    with pytest.raises(InputError, match=OTHER):
        explain(load(NAME), image, weights)
    shift(1e-6)  # as rounding may do
    assert small.train(network, folder, out, **settings) == []


def test_unfinished_run_is_continued_with_its_classifier_and_files_only(
    folder, tmp_path, shift, monkeypatch
) -> None:
    out, digests = tmp_path / "run", {"w.pt": "1"}
    monkeypatch.setattr(run_folder, "digests", lambda _: digests)
    settings = {"classifier": NAME, "steps": 2}
    small.train("distilled", folder, out, **settings, minutes=1e-9)
    shift(0.3)
    with pytest.raises(InputError, match=OTHER):
        small.train("distilled", folder, out, **settings)
    shift(0.0)
    digests["w.pt"] = "2"
    with pytest.raises(InputError, match=r"another content of the file w\.pt; choose another"):
        small.train("distilled", folder, out, **settings)
    stored = torch.load(out / "checkpoint.pt", weights_only=True)
    del stored["answers"], stored["files"]  # as of an earlier version
    torch.save(stored, out / "checkpoint.pt")
    path = out / "distilled.safetensors"
    metadata = {key: value for key, value in small.metadata(path).items() if key != "answers"}
    save_file(small.weights(out), path, metadata)
    shift(0.3)
    explain(load(NAME), torch.rand(1, 3, 24, 24), create("methods", "distilled", weights=str(path)))
    assert [losses["step"] for losses in small.train("distilled", folder, out, **settings)] == [2]


def test_weights_read_randomised_copies_and_other_sizes_of_their_classifier(
    folder, tmp_path
) -> None:
    small.train("distilled", folder, tmp_path / "run", classifier=NAME, steps=1)
    path = tmp_path / "run" / "distilled.safetensors"
    method = create("methods", "distilled", weights=str(path))
    classifier, image = load(NAME), torch.rand(1, 3, 24, 24)
    passes = explain(classifier, image, method).provenance["cost"]["forwards"]
    assert passes == 1  # those for the comparison are not counted
    (_, copy), *_ = randomise_layers(classifier, steps=1)
    stored = record(Answers, json.loads(small.metadata(path)["answers"]), path)
    assert stored.are_of(classifier)
    assert not stored.are_of(copy)
    explain(copy, image, method)
    larger = replace(classifier, framing=replace(classifier.framing, size=(32, 32)))
    explain(larger, torch.rand(1, 3, 32, 32), method)
    metadata = small.metadata(path) | {"answers": '{"size": [24, 24], "outputs": "x"}'}
    save_file(small.weights(tmp_path / "run"), tmp_path / "bad.safetensors", metadata)
    with pytest.raises(InputError, match=r"bad\.safetensors: expected outputs to be a list"):
        explain(
            classifier, image, create("methods", "distilled", weights=f"{tmp_path}/bad.safetensors")
        )


def test_files_that_settings_name_are_compared_by_their_content(folder, tmp_path) -> None:
    file = tmp_path / "w.onnx"
    for content in (b"before", b"after"):
        file.write_bytes(content)
        config = InfillerTraining(start=file, trunk=file)
        distilled = small.config("distilled", folder, tmp_path, infiller=f"onnx:{file}")
        digests = [run_folder.digests(settings) for settings in (config, distilled)]
        assert [set(names) for names in digests] == [{"start", "trunk"}, {str(file)}]
        if content == b"before":
            before = digests
    assert all(a[name] != b[name] for a, b in zip(before, digests, strict=True) for name in a)
