"""Where classifiers come from: what is there, and what is said where it is not."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import unsee
from tests.conftest import Convolutional, toy
from tests.reference import FOLDER
from unsee import InputError, available, explain, load
from unsee.registry import summary

VALIDATION = FOLDER.parent / "data" / "imagenet-val-sample.zip"
PLAIN = {"size": (32, 32), "mean": (0.4,) * 3, "std": (1.0,) * 3}


@pytest.fixture
def images():
    return torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def expected(images):
    return toy(Convolutional()).predict(images)


def test_every_source_is_documented() -> None:
    for name in available("sources"):
        assert summary("sources", name).endswith(".")


@pytest.mark.parametrize(("name", "side"), [("lite0", 224), ("lite1", 240), ("lite2", 260)])
def test_the_embedded_classifiers_know_a_cup_of_coffee(name, side) -> None:
    from skimage.data import coffee

    classifier = load(f"efficientnet_{name}")
    logits = classifier.predict(classifier.framing.show(unsee.photos.from_array(coffee())))
    assert classifier.framing.size == (side, side)
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

                photo = unsee.photos.from_array(Image.open(file))
            logits = classifier.predict(classifier.framing.show(photo))
            right.append(int(logits.argmax()) == note["index"])
            assert note["name"].split(",")[0] in classifier.labels[note["index"]]
    assert np.mean(right) > 0.68


def test_an_exported_program_of_a_fixed_batch(images, expected, tmp_path) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(Convolutional().eval(), (images[:2],)), path)
    loaded = load(f"file:{path}", **PLAIN)
    torch.testing.assert_close(loaded.predict(images), expected)
    assert explain(loaded, images[:1], unsee.create("methods", "fido", steps=2, grid=8))


def test_an_exported_program_of_any_batch(images, expected, tmp_path) -> None:
    path = tmp_path / "model.pt2"
    shapes = ({0: torch.export.Dim("batch", min=1, max=512)},)
    program = torch.export.export(Convolutional().eval(), (images[:2],), dynamic_shapes=shapes)
    torch.export.save(program, path)
    torch.testing.assert_close(load(f"file:{path}", **PLAIN).predict(images), expected)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript(images, expected, tmp_path) -> None:
    torch.jit.trace(Convolutional().eval(), images[:1]).save(tmp_path / "model.pt")
    loaded = load(f"file:{tmp_path / 'model.pt'}", **PLAIN)
    torch.testing.assert_close(loaded.predict(images), expected)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_weights_with_an_architecture(images, expected, tmp_path, suffix) -> None:
    from safetensors.torch import save_file

    path = tmp_path / f"weights.{suffix}"
    weights = {k: v + 0 for k, v in Convolutional().state_dict().items()}
    save_file(weights, path) if suffix == "safetensors" else torch.save(weights, path)
    settings = {**PLAIN, "architecture": "tests.conftest:Convolutional"}
    torch.testing.assert_close(load(f"file:{path}", **settings).predict(images), expected)
    with pytest.raises(InputError, match="say their architecture"):
        load(f"file:{path}")
    with pytest.raises(InputError, match=r"another architecture.*first"):
        load(f"file:{path}", architecture="tests.conftest:Corner")


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("evil-was-run"),))


def test_pickles_are_never_loaded(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(Convolutional(), "model.pth")
    torch.save({"state_dict": Evil()}, "evil.pth")
    for name in ("model.pth", "evil.pth"):
        with pytest.raises(InputError, match=r"Pickled models are never loaded.*export"):
            load(f"file:{name}", architecture="tests.conftest:Convolutional")
    assert not Path("evil-was-run").exists()


def make_classifier():
    return toy(Convolutional())


def make_number():
    return 3


def test_your_own_code(images, expected) -> None:
    torch.testing.assert_close(
        load("tests.conftest:Convolutional", **PLAIN).predict(images), expected
    )
    torch.testing.assert_close(
        load("tests.sources.test_sources:make_classifier").predict(images), expected
    )
    assert load("factory:tests.sources.test_sources:make_classifier").channels == 3


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("tests.sources.test_sources:make_number", "expected it to return a module"),
        ("tests.sources.test_sources:nothing", "has no nothing"),
        ("no.such.module:f", "cannot import"),
        ("efficientnet_lite9", "did you mean 'efficientnet_lite"),
        ("file:nowhere.pt2", "no such model file"),
        ("blackbox:nowhere.onnx", "no such model file"),
    ],
)
def test_what_cannot_be_loaded_says_why(spec, words) -> None:
    with pytest.raises(InputError, match=words):
        load(spec)


def test_damaged_files_say_why(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.pt2", "w") as archive:
        archive.writestr("something", "else")
    with pytest.raises(InputError, match="cannot be loaded"):
        load(f"file:{tmp_path / 'bad.pt2'}")


def probabilities(images):
    assert isinstance(images, np.ndarray)
    return toy(Convolutional()).predict(torch.from_numpy(images)).softmax(1).numpy()


def raw_logits(images):
    return toy(Convolutional()).predict(images)


def test_black_boxes(images, expected) -> None:
    for box in (
        load("blackbox:tests.sources.test_sources:probabilities", size=(32, 32)),
        unsee.black_box(probabilities, size=(32, 32)),
        unsee.black_box(raw_logits, size=(32, 32), outputs="logits", tensors=True),
    ):
        torch.testing.assert_close(
            box.predict(images).softmax(1), expected.softmax(1), atol=1e-5, rtol=1e-3
        )
        assert not box.differentiable
    with pytest.raises(InputError, match="outputs = logits"):
        unsee.black_box(raw_logits, size=(32, 32), tensors=True).predict(images)
    with pytest.raises(InputError, match="no setting 'sise'"):
        unsee.black_box(raw_logits, sise=3)


@pytest.mark.parametrize("batch", [2, "n"])
def test_onnx_files_are_black_boxes(images, tmp_path, batch) -> None:
    from onnx import TensorProto, helper, save

    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("Softmax", ["means"], ["y"], axis=1),
        ],
        "means",
        [info("x", TensorProto.FLOAT, [batch, 3, 32, 32])],
        [info("y", TensorProto.FLOAT, [batch, 3])],
    )
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    save(model, tmp_path / "model.onnx")
    box = load(f"blackbox:{tmp_path / 'model.onnx'}", size=(32, 32))
    wanted = images.mean((2, 3)).softmax(1)
    torch.testing.assert_close(box.predict(images).softmax(1), wanted, atol=1e-5, rtol=1e-4)
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(InputError, match="not a model"):
        load(f"blackbox:{tmp_path / 'bad.onnx'}")


def test_framing_can_be_overridden() -> None:
    classifier = load("efficientnet_lite0", size=(160, 192), fit="resize")
    assert classifier.framing.size == (160, 192)
    shown = classifier.framing.show(torch.rand(3, 50, 70))
    assert classifier.predict(shown).shape == (1, 1000)


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(InputError, match="cannot use device"):
        load("efficientnet_lite0", device="cuda:99")
