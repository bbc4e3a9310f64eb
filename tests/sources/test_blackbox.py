import numpy as np
import pytest
import torch

import unsee
from tests.conftest import Convolutional, toy
from unsee import InputError, load


def probabilities(images):
    assert isinstance(images, np.ndarray)
    return toy(Convolutional()).predict(torch.from_numpy(images)).softmax(1).numpy()


def raw_logits(images):
    return toy(Convolutional()).predict(images)


def test_functions_of_arrays_and_of_tensors(images, expected) -> None:
    for box in (
        load("blackbox:tests.sources.test_blackbox:probabilities", size=(32, 32)),
        unsee.black_box(probabilities, size=(32, 32)),
        unsee.black_box(raw_logits, size=(32, 32), outputs="logits", tensors=True),
    ):
        torch.testing.assert_close(
            box.predict(images).softmax(1), expected.softmax(1), atol=1e-5, rtol=1e-3
        )
        assert not box.differentiable
    with pytest.raises(InputError, match="set outputs=logits"):
        unsee.black_box(raw_logits, size=(32, 32), tensors=True).predict(images)
    with pytest.raises(
        InputError, match="unknown setting of black_box 'sise'; did you mean 'size'"
    ):
        unsee.black_box(raw_logits, sise=3)


@pytest.mark.parametrize("batch", [2, "n"])
def test_onnx_files(images, tmp_path, batch) -> None:
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
    expected_probabilities = images.mean((2, 3)).softmax(1)
    torch.testing.assert_close(
        box.predict(images).softmax(1), expected_probabilities, atol=1e-5, rtol=1e-4
    )
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(InputError, match="not a model"):
        load(f"blackbox:{tmp_path / 'bad.onnx'}")


@pytest.mark.parametrize(
    "function", [Convolutional().eval(), lambda images: images.unsqueeze(0)], ids=["type", "attr"]
)
def test_torch_function_without_tensors_is_refused(function, images) -> None:
    box = unsee.black_box(function, size=(32, 32))
    with pytest.raises(InputError, match=r"NumPy array \(5, 3, 32, 32\).*set tensors=True"):
        box.predict(images)


def test_name_is_the_functions_unless_set() -> None:
    assert unsee.black_box(probabilities).name == "probabilities"
    assert unsee.black_box(probabilities, "mine").name == "mine"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("x\ny"), r"\(KeyError: "),
        (SystemExit(0), r"\(SystemExit: 0\)"),
        (InputError("no weights"), "^no weights$"),
    ],
)
def test_functions_that_fail_are_named_in_a_line(error, words, images) -> None:
    def fail(images):
        raise error

    with pytest.raises(InputError, match=words) as raised:
        unsee.black_box(fail, size=(32, 32)).predict(images)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.full((len(x), 2), 0.5 + 1j), "expected an array of numbers"),
        (lambda x: np.full((len(x), 2), "a"), "expected an array of numbers"),
        (lambda x: [[0.5, 0.5], [1.0]], "expected an array of numbers"),
        (lambda x: (row for row in x), "expected an array of numbers"),
        (lambda x: torch.full((len(x), 2), 0.5j), "expected logits as real numbers"),
    ],
)
def test_results_that_are_no_numbers_are_refused(function, words, images, recwarn) -> None:
    with pytest.raises(InputError, match=words):
        unsee.black_box(function, size=(32, 32)).predict(images)
    assert not recwarn


@pytest.mark.parametrize("outputs", ["probabilities", "logits", "auto"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.mean((2, 3)).argmax(1),
        lambda x: x.mean((2, 3)).argmax(1, keepdims=True).astype(np.uint8),
        lambda x: x.mean((1, 2, 3)) > 0.5,
        lambda x: x.mean((2, 3)).argsort(1)[:, :2],
        lambda x: x.mean((2, 3)).argsort(1).tolist(),
    ],
)
def test_numbers_of_classes_are_refused(function, outputs, images) -> None:
    box = unsee.black_box(function, size=(32, 32), outputs=outputs)
    with pytest.raises(InputError, match=r"for all classes from the model, got .*torch.int64"):
        box.predict(images)


def test_short_integers_of_all_classes_are_scores(images) -> None:
    def scores(x):
        return (100 * x.mean((2, 3))).astype(np.uint8)

    box = unsee.black_box(scores, size=(32, 32), outputs="logits")
    assert torch.equal(box.predict(images), torch.from_numpy(scores(images.numpy())).float())


@pytest.mark.parametrize("tensors", [False, True])
def test_errors_of_a_function_are_one_line_but_lack_of_memory_halves(tensors, images) -> None:
    sizes = []

    def function(x):
        sizes.append(len(x))
        if len(x) > 2:
            raise RuntimeError("DefaultCPUAllocator: not enough memory")
        return torch.full((len(x), 2), 0.5)

    box = unsee.black_box(function, size=(32, 32), tensors=tensors)
    assert box.predict(images).shape == (5, 2)
    assert sizes == [5, 2, 2, 1]
    with pytest.raises(InputError, match="ZeroDivisionError: division by zero"):
        unsee.black_box(lambda x: 1 / 0, tensors=tensors).predict(images)
