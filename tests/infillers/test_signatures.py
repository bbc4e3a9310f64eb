"""Networks of another signature are refused before the first photo, in one line."""

import json
import warnings

import pytest
import torch
from torch import nn

from tests.generators import fill
from unsee import InputError, create

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper  # noqa: E402

FLOAT = TensorProto.FLOAT
PICTURE, MASK = ["n", 3, "h", "w"], ["n", 1, "h", "w"]


class OneInput(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image


class Halved(nn.Module):
    def forward(self, image: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        return image[..., ::2, ::2] + hole[..., ::2, ::2]


class Pair(nn.Module):
    def forward(self, image: torch.Tensor, hole: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return image, hole


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (OneInput(), "not a TorchScript of LaMa .*expected at most"),
        (Halved(), r"expected a picture \(1, 3, 64, 64\), got \(1, 3, 32, 32\)"),
        (Pair(), r"expected a picture \(1, 3, 64, 64\), got tuple"),
    ],
)
def test_torchscripts_of_another_signature(network, words, tmp_path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # LaMa is published in this format
        torch.jit.save(torch.jit.script(network), tmp_path / "net.pt")
    with pytest.raises(InputError, match=f"net.pt: .*{words}") as error:
        create("infillers", "lama", weights=str(tmp_path / "net.pt"), trust=True).load()
    assert "\n" not in str(error.value)


def saved(path, inputs, output=PICTURE, dtype=FLOAT):
    entries = [helper.make_tensor_value_info(name, dtype, shape) for name, shape in inputs.items()]
    node = helper.make_node("Identity", [next(iter(inputs))], ["y"])
    outputs = [helper.make_tensor_value_info("y", dtype, output)]
    graph = helper.make_graph([node], "same", entries, outputs)
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return create("infillers", "onnx", weights=str(path))


@pytest.mark.parametrize(
    ("inputs", "dtype", "words"),
    [
        ({"image": PICTURE}, FLOAT, r"expected a picture.*got image \['n', 3, 'h', 'w'\]"),
        ({"image": ["n", "h", "w", 3], "hole": ["n", "h", "w", 1]}, FLOAT, "expected a picture"),
        ({"image": PICTURE, "hole": MASK, "noise": MASK}, FLOAT, "expected a picture"),
        ({"image": PICTURE, "hole": ["n", "h", "w"]}, FLOAT, "expected a picture"),
        ({"image": PICTURE, "hole": MASK}, TensorProto.INT64, r"image is a tensor\(int64\)"),
    ],
)
def test_onnx_files_of_another_signature(inputs, dtype, words, tmp_path) -> None:
    infiller = saved(tmp_path / "net.onnx", inputs, next(iter(inputs.values())), dtype)
    with pytest.raises(InputError, match=f"net.onnx: .*{words}"):
        infiller.load()


@pytest.mark.parametrize("dtype", [FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_onnx_files_of_other_types_are_run(dtype, tmp_path) -> None:
    infiller = saved(tmp_path / "net.onnx", {"image": PICTURE, "hole": MASK}, PICTURE, dtype)
    keep = torch.ones(1, 1, 1, 32, 32)
    keep[..., 8:16, 8:16] = 0
    filled = fill(infiller, torch.full((1, 3, 32, 32), 0.5), keep, (1,))
    assert filled[0, 0, 10, 10] == 0
    assert filled[0, 0, 0, 0] == 0.5


def test_onnx_files_with_another_output_are_refused(tmp_path) -> None:
    infiller = saved(tmp_path / "net.onnx", {"hole": MASK, "image": PICTURE}, MASK)
    with pytest.raises(InputError, match=r"net.onnx: expected pictures \(1, 3, 32, 32\), got"):
        fill(infiller, torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 1, 32, 32), (1,))


@pytest.mark.parametrize(
    ("index", "file", "words"),
    [
        ({"_class_name": "P", "unet": ["evil_module", "Net"]}, None, "evil_module"),
        ({"_class_name": ["pipeline", "P"]}, None, "model_index.json"),
        ({"_class_name": "P"}, "pipeline.py", "pipeline.py"),
        ({"_class_name": "P"}, "unet/net.py", "net.py"),
        ([], None, "model_index.json"),
    ],
)
def test_pipelines_with_code_of_their_own_are_refused(index, file, words, tmp_path) -> None:
    from unsee.infillers.diffusion import _check_plain

    (tmp_path / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    if file:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("raise SystemExit", encoding="utf-8")
    with pytest.raises(InputError, match=f"code of its own, which is never run .*{words}"):
        _check_plain(tmp_path)
