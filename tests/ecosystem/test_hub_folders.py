"""Folders of timm and transformers that lack weights, or that number their classes."""

import json
from collections.abc import Collection
from typing import Any

import pytest
import torch

timm = pytest.importorskip("timm", reason="make test-ecosystem installs it")
transformers = pytest.importorskip("transformers")

from unsee import InputError, load  # noqa: E402

pytestmark = pytest.mark.ecosystem
STATED = ("input_size", "mean", "std", "interpolation", "crop_pct", "first_conv", "classifier")
"""Settings of timm that the folders repeat."""
NUMBERS = [("0", "2", "5"), ("1", "2", "3"), ("-1", "0", "1")]
ADVICE = "expected the numbers 0 to 2, each once, got"


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return timm.create_model("test_resnet", num_classes=5).eval()


def folder_of(path, network, classes: int, *, without: Collection[str] = (), **config: Any) -> str:
    """Write a folder of timm and return its specification.

    Args:
        path: The folder.
        network: The network whose weights are written.
        classes: Number of classes that `pretrained_cfg` states.
        without: Starts of the names of weights that are left out.
        **config: Further settings of the configuration.
    """
    from safetensors.torch import save_file

    weights = network.state_dict()
    kept = {k: v.contiguous() for k, v in weights.items() if not k.startswith(tuple(without))}
    save_file(kept, path / "model.safetensors")
    stated = {key: network.pretrained_cfg[key] for key in STATED}
    values = {"architecture": "test_resnet", **config}
    values["pretrained_cfg"] = {**stated, "num_classes": classes}
    (path / "config.json").write_text(json.dumps(values), encoding="utf-8")
    return f"timm:local-dir:{path}"


@pytest.mark.parametrize("classes", [5, 1000])
def test_the_head_of_a_timm_folder_is_loaded(network, classes, tmp_path) -> None:
    """Also if `pretrained_cfg` has another number of classes than the network."""
    spec = folder_of(tmp_path, network, classes, model_args={"num_classes": 5})
    classifier = load(spec, device="cpu")
    weights = classifier.model.state_dict()
    assert all(torch.equal(weights[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("classes", [5, 1000])
@pytest.mark.parametrize(
    ("without", "lacks"),
    [
        (["fc"], "2 weights, such as fc.bias, fc.weight;"),
        (["layer4"], "[0-9]+ weights, such as layer4.0"),
    ],
)
def test_timm_folders_that_lack_weights_are_refused(
    network, classes, without, lacks, tmp_path, capfd
) -> None:
    spec = folder_of(tmp_path, network, classes, without=without, model_args={"num_classes": 5})
    before = torch.nn.Module.load_state_dict
    expected = f"^{spec}: not a trained image classifier; the checkpoint lacks {lacks}"
    with pytest.raises(InputError, match=expected) as error:
        load(spec, device="cpu")
    assert "\n" not in str(error.value)
    assert torch.nn.Module.load_state_dict is before
    assert "".join(capfd.readouterr()) == ""


def test_a_timm_folder_with_the_head_of_other_classes_is_refused(network, tmp_path) -> None:
    spec = folder_of(tmp_path, network, 5, model_args={"num_classes": 7})
    expected = r"lacks 2 weights, such as fc.bias \(7,\) instead of \(5,\), fc.weight \(7, "
    with pytest.raises(InputError, match=expected):
        load(spec, device="cpu")


def test_counters_of_a_timm_folder_are_no_weights(network, tmp_path) -> None:
    counters = [key for key in network.state_dict() if key.endswith("num_batches_tracked")]
    assert counters
    load(folder_of(tmp_path, network, 5, without=counters), device="cpu")


def test_timm_labels_by_number_are_in_the_order_of_the_outputs(network, tmp_path) -> None:
    """The order of the keys in the file does not matter."""
    names = {4: "hen", 2: "cow", 0: "cat", 1: "dog", 3: "ewe"}  # JSON has the numbers as text
    spec = folder_of(tmp_path, network, 5, label_names=names)
    assert load(spec, device="cpu").labels == ("cat", "dog", "cow", "ewe", "hen")


def test_timm_labels_by_other_numbers_are_refused(network, tmp_path) -> None:
    names = {"1": "cat", "2": "dog", "3": "cow", "4": "ewe", "5": "hen"}
    spec = folder_of(tmp_path, network, 5, label_names=names)
    with pytest.raises(InputError, match=r"label_names names 5 classes, .* 0 to 4, .* got '5'"):
        load(spec, device="cpu")


def vit(path, **config: Any) -> str:
    """Write a folder of transformers whose configuration has other settings."""
    tiny = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        image_size=32, patch_size=16, num_labels=3,
    )  # fmt: skip
    transformers.ViTForImageClassification(tiny).save_pretrained(path)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(path)
    values = json.loads((path / "config.json").read_text(encoding="utf-8"))
    (path / "config.json").write_text(json.dumps({**values, **config}), encoding="utf-8")
    return f"transformers:{path}"


@pytest.mark.parametrize("numbers", NUMBERS)
def test_labels_of_transformers_by_other_numbers_are_refused(numbers, tmp_path) -> None:
    names = dict(zip(numbers, ("cat", "dog", "cow"), strict=True))
    spec = vit(tmp_path, id2label=names, label2id={name: int(n) for n, name in names.items()})
    with pytest.raises(InputError, match=f"^{spec}: id2label names 3 classes, {ADVICE}") as error:
        load(spec, device="cpu")
    assert "\n" not in str(error.value)


def test_labels_of_transformers_are_in_the_order_of_the_outputs(tmp_path) -> None:
    default = tuple(f"LABEL_{i}" for i in range(3))
    assert load(vit(tmp_path), device="cpu").labels == default
    names = {"2": "cow", "0": "cat", "1": "dog"}
    assert load(vit(tmp_path, id2label=names), device="cpu").labels == ("cat", "dog", "cow")
