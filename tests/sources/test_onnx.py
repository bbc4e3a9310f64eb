"""Classifiers in ONNX files of other layouts, types and sizes."""

import builtins

import pytest
import torch

from unsee import InputError, load
from unsee.evaluation import loaded

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper  # noqa: E402

FLOAT, HALF, DOUBLE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE
NCHW = ["n", 3, "h", "w"]


def saved(path, shape=NCHW, dtype=FLOAT, axes=(2, 3), outputs=1, nodes=None):
    """Write a network that returns the means over two axes."""
    names = [f"y{i}" for i in range(outputs)]
    nodes = nodes or [
        helper.make_node("ReduceMean", ["x"], [name], axes=list(axes), keepdims=0) for name in names
    ]
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info(name, dtype, ["n", 3]) for name in names],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return f"blackbox:{path},outputs=logits"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dtype": HALF},
        {"dtype": DOUBLE},
        {"shape": ["n", 32, 32, 3], "axes": (1, 2)},
        {"shape": [2, "h", "w", 3], "axes": (1, 2), "dtype": HALF},
        {"shape": [None, None, None, None]},
    ],
)
def test_layout_type_and_batch_of_the_file_are_used(settings, tmp_path, images) -> None:
    box = load(saved(tmp_path / "net.onnx", **settings), size=(32, 32))
    expected = images.mean((2, 3))
    torch.testing.assert_close(box.predict(images), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("shape", "size"),
    [(["n", 3, 40, 24], (40, 24)), (["n", 40, 24, 3], (40, 24)), (NCHW, (224, 224))],
)
def test_fixed_size_becomes_the_framing(shape, size, tmp_path) -> None:
    assert load(saved(tmp_path / "net.onnx", shape)).framing.size == size


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"outputs": 2}, r"expected a single output, got 2 \(y0, y1\)"),
        ({"shape": ["n", 4, 32, 32]}, "takes pictures of 4 channels, but mean and std have 3"),
        ({"shape": ["n", 1, 32, 32]}, "takes pictures of 1 channels"),
        ({"shape": ["n", 3, 32], "axes": (1, 2)}, r"expected pictures \(n, c, h, w\)"),
        ({"dtype": TensorProto.INT32}, r"the input x is a tensor\(int32\); expected tensor"),
    ],
)
def test_other_inputs_and_outputs_are_refused_on_loading(settings, words, tmp_path) -> None:
    with pytest.raises(InputError, match=f"net.onnx: .*{words}"):
        load(saved(tmp_path / "net.onnx", **settings))


def test_errors_of_onnxruntime_are_one_line(tmp_path, images) -> None:
    box = load(saved(tmp_path / "net.onnx", ["n", 3, 40, 40]), size=(32, 32))
    with pytest.raises(InputError, match=r"net.onnx: onnxruntime cannot run it \(") as error:
        box.predict(images)
    assert "\n" not in str(error.value)


def test_missing_onnxruntime_names_the_command(tmp_path, monkeypatch) -> None:
    spec, original = saved(tmp_path / "net.onnx"), builtins.__import__

    def without(name, *arguments):
        if name == "onnxruntime":
            raise ImportError("No module named 'onnxruntime'")
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"needs onnxruntime .*python -m pip install onnxruntime"):
        load(spec)


def test_onnxruntime_prints_nothing(tmp_path, images, capfd) -> None:
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y0"]),
             helper.make_node("Constant", [], ["shape"], value_ints=[7, 11])]  # fmt: skip
    saved(tmp_path / "m.onnx", nodes=nodes[::-1])
    with pytest.raises(InputError, match="onnxruntime cannot run it"):
        load(f"blackbox:{tmp_path / 'm.onnx'},outputs=logits").predict(images)
    assert capfd.readouterr() == ("", "")


def test_providers_that_load_engines_or_use_a_network_are_left_out(tmp_path, monkeypatch) -> None:
    import onnxruntime

    used = []
    available = ["TensorrtExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    make = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession",
        lambda path, options, providers: used.append(providers)
        or make(path, options, providers=providers),
    )  # fmt: skip
    load(saved(tmp_path / "model.onnx"))
    assert used == [["CPUExecutionProvider"]]


def test_an_onnx_file_that_is_replaced_has_another_hash(tmp_path) -> None:
    spec = (saved(tmp_path / "net.onnx"), 1, "cpu", "float32")
    loaded.digest_of.cache_clear()
    hashes = [loaded.digest_of(*spec)]
    (tmp_path / "net.onnx.data").write_bytes(b"weights")
    loaded.digest_of.cache_clear()
    hashes.append(loaded.digest_of(*spec))
    saved(tmp_path / "net.onnx", axes=(1, 2))
    loaded.digest_of.cache_clear()
    hashes.append(loaded.digest_of(*spec))
    assert all(hashes)
    assert len(set(hashes)) == 3
