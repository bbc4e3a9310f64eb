"""ONNX files of trained networks: the same maps as `unsee.explain`, and refusals."""

import json
import re

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

import unsee
from tests.conftest import toy
from tests.training import small
from tests.training.conftest import colours, folder  # noqa: F401
from unsee import InputError
from unsee.cli import main
from unsee.integrations import onnx
from unsee.integrations.onnx import export

pytestmark = pytest.mark.usefixtures("unchecked")  # sizes are symbols while a graph is traced

METHODS = {"features": "variational", "gradients": "variational"}
"""Methods of the networks of `small` that have another name."""


@pytest.fixture
def weights(folder, tmp_path):
    """Return a function that trains a small network and returns the specification of its method."""

    def train(network):
        small.train(network, folder, tmp_path / network)
        method = METHODS.get(network, network)
        return f"{method}:weights={tmp_path / network / f'{method}.safetensors'}"

    return train


def maps_of(path, images, **feed):
    session = onnxruntime.InferenceSession(str(path))
    return session.run(None, {"image": images.numpy(), **feed})


@pytest.mark.parametrize("network", ["casm", "distilled", "variational", "features", "gradients"])
def test_maps_are_those_of_explain(network, weights, tmp_path) -> None:
    spec = weights(network)
    file = export(small.TOY, spec, tmp_path / "map.onnx")
    images = torch.rand(4, 3, 24, 24, generator=torch.Generator().manual_seed(3))
    explanation = unsee.explain(small.TOY, images, spec)
    if network == "distilled":
        assert (file.inputs, file.outputs) == (("image", "target"), ("saliency", "class"))
        saliency, classes = maps_of(file.path, images, target=np.full(4, -1))
        assert classes.tolist() == explanation.targets.tolist()
        others = maps_of(file.path, images[:2], target=np.array([3, 1]))
        expected = unsee.explain(small.TOY, images[:2], spec, targets=[3, 1]).saliency
        torch.testing.assert_close(torch.tensor(others[0]), expected, atol=1e-4, rtol=1e-3)
    else:
        assert (file.inputs, file.outputs) == (("image",), ("saliency",))
        (saliency,) = maps_of(file.path, images)
    expected = explanation.saliency
    tolerance = 2e-2 if network == "gradients" else 1e-4
    tolerance *= (expected.max() - expected.min()).item()
    torch.testing.assert_close(torch.tensor(saliency), expected, atol=tolerance, rtol=1e-3)
    assert 0 <= file.difference < onnx.TOLERANCE


def test_file_says_what_it_takes_and_refuses_other_inputs(weights, tmp_path) -> None:
    export(small.TOY, weights("distilled"), tmp_path / "map.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "map.onnx"))
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["method"])["name"] == "distilled"
    classifier = json.loads(metadata["classifier"])
    assert classifier["mean"] == pytest.approx([0.4] * 3)
    assert classifier["framing"]["size"] == [24, 24]
    assert metadata["target"] == "int64 (n,), numbers of classes; -1 is the predicted class"
    assert {"image", "saliency", "class", "unsee", "labels"} < metadata.keys()
    shapes = [entry.shape for entry in session.get_inputs()]
    assert [shape[1:] for shape in shapes] == [[3, 24, 24], []]
    one = np.zeros(1, np.int64)
    for images, target in (
        (torch.rand(1, 3, 32, 32), one),
        (torch.rand(1, 1, 24, 24), one),
        (torch.rand(1, 3, 24, 24), one + 5),  # there are five classes
        (torch.rand(1, 3, 24, 24).double(), one),
    ):
        with pytest.raises(Exception, match=r"INVALID_ARGUMENT|out of"):
            maps_of(tmp_path / "map.onnx", images, target=target)


class Sorted(nn.Module):
    """A network with a loop that depends on the pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, 2, 1)
        self.second = nn.Conv2d(4, 8, 3, 2, 1)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        features = self.second(self.first(x).relu()).relu()
        if features.mean().item() > 1e9:
            features = features * 2
        return self.head(features.mean((2, 3)))


@pytest.mark.parametrize(
    ("model", "method", "name", "message"),
    [
        (small.TOY, "tide", "a.onnx", "tide is not a trained network; expected one of casm, dis"),
        (small.TOY, "variational:reading=sample", "a.onnx", "reading=sample draws random numbers"),
        (small.TOY, "casm:weights=random", "a.pt", "expected a name that ends in .onnx"),
        (small.TOY, "casm:weights=random", "old.onnx", "exists already; overwrite it"),
        (toy(Sorted(), size=24), "casm:weights=random", "a.onnx", "torch cannot export the netw"),
        (
            toy(Sorted(), size=24, precision=torch.bfloat16), "casm:weights=random", "a.onnx",
            "float32",
        ),
        (
            unsee.black_box(lambda x: np.ones((len(x), 2)) / 2, size=(24, 24)),
            "casm:weights=random", "a.onnx", "needs the layers of a torch module",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused(model, method, name, message, tmp_path) -> None:
    (tmp_path / "old.onnx").write_bytes(b"mine")
    with pytest.raises(InputError, match=re.escape(message)) as refused:
        export(model, method, tmp_path / name)
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["old.onnx"]
    assert (tmp_path / "old.onnx").read_bytes() == b"mine"


def test_file_that_gives_other_maps_is_not_written(weights, tmp_path, monkeypatch) -> None:
    spec = weights("casm")
    monkeypatch.setattr(onnx, "TOLERANCE", 0.0)
    with pytest.raises(InputError, match="more than 0; the file is not written"):
        export(small.TOY, spec, tmp_path / "map.onnx")
    assert not (tmp_path / "map.onnx").exists()


def test_command_writes_the_file(weights, tmp_path, capsys) -> None:
    out = tmp_path / "map.onnx"
    words = ["export", weights("casm"), "--classifier", small.TOY, "--out", str(out)]
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["results"] == [str(out)]
    assert content["inputs"] == ["image"]
    assert content["outputs"] == ["saliency"]
    assert main(words) == 2
    assert "overwrite it: --overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0
    assert "image -> saliency" in capsys.readouterr().out
