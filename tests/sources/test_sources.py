"""Sources of classifiers, and their error messages."""

import json
import zipfile
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.reference import FOLDER
from unsee import InputError, available, load
from unsee.images import reading
from unsee.registry import summary
from unsee.sources import transformers

VALIDATION = FOLDER.parent / "data" / "imagenet-val-sample.zip"


def test_every_source_is_documented() -> None:
    for name in available("sources"):
        assert summary("sources", name).endswith(".")


@pytest.mark.parametrize(("name", "side"), [("lite0", 224), ("lite1", 240), ("lite2", 260)])
def test_embedded_classifiers_recognise_a_cup_of_coffee(name, side) -> None:
    from skimage.data import coffee

    classifier = load(f"efficientnet_{name}")
    logits = classifier.predict(classifier.framing.show(reading.from_array(coffee())))
    assert classifier.framing.size == (side, side)
    assert classifier.framing.share == side / (side + 32)
    assert classifier.label(int(logits.argmax())) == "espresso"
    assert len(classifier.labels) == 1000


def test_the_default_is_as_accurate_as_published() -> None:
    """74.7 % on ILSVRC-2012; 120 photos leave a wide margin, wrong preprocessing does not."""
    if not VALIDATION.is_file():
        pytest.skip("the validation sample (../shared/data) is not at hand")
    classifier, right = load(), []
    with zipfile.ZipFile(VALIDATION) as archive:
        notes = json.loads(archive.read("annotations.json"))[:120]
        for note in notes:
            with archive.open(f"images/{note['file']}") as file:
                from PIL import Image

                photo = reading.from_array(Image.open(file))
            logits = classifier.predict(classifier.framing.show(photo))
            right.append(int(logits.argmax()) == note["index"])
            assert note["name"].split(",")[0] in classifier.labels[note["index"]]
    assert np.mean(right) > 0.68


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("tests.sources.test_factory:make_number", "expected a function that returns a module"),
        ("tests.sources.test_factory:nothing", "has no attribute nothing"),
        ("no.such.module:f", "cannot import"),
        ("efficientnet_lite9", "did you mean 'efficientnet_lite"),
        ("file:nowhere.pt2", "no such model file"),
        ("blackbox:nowhere.onnx", "no such model file"),
    ],
)
def test_classifiers_that_do_not_exist_are_refused(spec, words) -> None:
    with pytest.raises(InputError, match=words):
        load(spec)


def test_framing_can_be_overridden() -> None:
    classifier = load("efficientnet_lite0", size=(160, 192), fit="resize")
    assert classifier.framing.size == (160, 192)
    shown = classifier.framing.show(torch.rand(3, 50, 70))
    assert classifier.predict(shown).shape == (1, 1000)


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(InputError, match="cannot use device"):
        load("efficientnet_lite0", device="cuda:99")


def test_arguments_of_sources_are_not_ignored() -> None:
    with pytest.raises(InputError, match="is one classifier, got 'efficientnet_lite0:x'"):
        load("efficientnet_lite0:x")
    with pytest.raises(InputError, match="expected timm:NAME, got 'timm:'"):
        load("timm:")


def test_an_empty_file_of_class_names_is_refused(tmp_path) -> None:
    (tmp_path / "labels.txt").write_text("\n")
    with pytest.raises(InputError, match="holds no class names; expected one per line"):
        load(f"tests.conftest:Convolutional,labels={tmp_path / 'labels.txt'}")
    (tmp_path / "labels.txt").write_text("a\n\nb\nc\nd\n\n")
    with pytest.raises(InputError, match="line 2 is blank, but each line is the name of a class"):
        load(f"tests.conftest:Convolutional,labels={tmp_path / 'labels.txt'}")


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({"num_hidden_layers": 10**9}, True), ({"depths": [2, 10**6]}, True),
        ({"num_hidden_layers": 1000}, False), ({"depths": [2, 2]}, False),
        ({"vocab_size": 10**6}, False), ({"layer_norm_eps": 1e-6}, False),
    ],
)  # fmt: skip
def test_configurations_of_endless_networks_are_refused(settings, refused) -> None:
    config = SimpleNamespace(to_dict=lambda: settings)
    with pytest.raises(InputError, match="its configuration has") if refused else nullcontext():
        transformers._check_size(config)
