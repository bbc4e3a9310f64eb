"""ONNX files and functions of arrays that are hostile."""

from functools import partial

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import unsee
from tests.hostile import toy
from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, Call, case, explain
from tests.hostile.models import loads

FAMILY = "black_boxes"
N, S = "n", toy.SIDE


def graph(nodes, inputs, outputs, weights=(), opset=13) -> bytes:
    made = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return model.SerializeToString()


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def mean(shape=(N, 3, S, S), kind=TensorProto.FLOAT, axes=(2, 3)) -> bytes:
    """Return a network that averages an input of this layout and type into logits."""
    nodes = []
    source = "x"
    if kind != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT))
        source = "f"
    nodes.append(helper.make_node("ReduceMean", [source], ["y"], axes=list(axes), keepdims=0))
    return graph(nodes, [value("x", shape, kind)], [value("y", None)])


def two_inputs() -> bytes:
    nodes = [helper.make_node("Add", ["a", "b"], ["s"]),
             helper.make_node("ReduceMean", ["s"], ["y"], axes=[2, 3], keepdims=0)]  # fmt: skip
    inputs = [value("a", (N, 3, S, S)), value("b", (N, 3, S, S))]
    return graph(nodes, inputs, [value("y", (N, 3))])


def external(arena) -> bytes:
    """Return a network whose weights lie in a file outside of its folder."""
    weight = numpy_helper.from_array(np.zeros((3, 5), np.float32), "w")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "../../../home/precious.txt"
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0),
             helper.make_node("MatMul", ["m", "w"], ["y"])]  # fmt: skip
    return graph(nodes, [value("x", (N, 3, S, S))], [value("y", (N, 5))], [weight])


def huge() -> bytes:
    """Return a network that expands its output to 400 GB."""
    shape = numpy_helper.from_array(np.array([10**6, 10**5], np.int64), "shape")
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
             helper.make_node("ReduceMean", ["m"], ["z"], axes=[0], keepdims=0),
             helper.make_node("Expand", ["z", "shape"], ["y"])]  # fmt: skip
    return graph(nodes, [value("x", (N, 3, S, S))], [value("y", None)], [shape])


def endless() -> bytes:
    """Return a network that loops 2**62 times."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Identity", ["v"], ["w"])],
        "body",
        [value("i", (), TensorProto.INT64), value("c", (), TensorProto.BOOL), value("v", None)],
        [value("d", (), TensorProto.BOOL), value("w", None)],
    )
    count = numpy_helper.from_array(np.array(2**62, np.int64), "count")
    true = numpy_helper.from_array(np.array(True), "true")
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0),
             helper.make_node("Loop", ["count", "true", "m"], ["y"], body=body)]  # fmt: skip
    return graph(nodes, [value("x", (N, 3, S, S))], [value("y", None)], [count, true])


def unknown_operator() -> bytes:
    node = helper.make_node("Evil", ["x"], ["y"], domain="com.example")
    return graph([node], [value("x", (N, 3, S, S))], [value("y", None)])


MODELS = {
    "a good one": (mean(), ACCEPTED),
    "channels last": (mean((N, S, S, 3), axes=(1, 2)), EITHER),
    "half precision": (mean(kind=TensorProto.FLOAT16), EITHER),
    "double precision": (mean(kind=TensorProto.DOUBLE), EITHER),
    "bytes": (mean(kind=TensorProto.UINT8), EITHER),
    "long integers": (mean(kind=TensorProto.INT64), EITHER),
    "text as input": (
        graph([helper.make_node("Identity", ["x"], ["y"])],
              [value("x", (N,), TensorProto.STRING)], [value("y", None, TensorProto.STRING)]),
        REFUSED,
    ),
    "one channel": (mean((N, 1, S, S)), REFUSED),
    "four axes of names": (mean(("a", "b", "c", "d")), EITHER),
    "three axes": (mean((3, S, S), axes=(1, 2)), REFUSED),
    "a size that is fixed": (mean((N, 3, 77, 77)), EITHER),
    "a batch that is fixed": (mean((4, 3, S, S)), EITHER),
    "an input of no pixels": (mean((N, 3, 0, 0)), REFUSED),
    "an input of a million pixels a side": (mean((N, 3, 10**6, 10**6)), REFUSED),
    "two inputs": (two_inputs(), REFUSED),
    "a scalar output": (mean(axes=(0, 1, 2, 3)), REFUSED),
    "an output of maps": (mean(axes=(0,)), REFUSED),
    "a row as output": (mean(axes=(1, 2, 3)), ACCEPTED),  # one logit each: two classes
    "an unknown operator": (unknown_operator(), REFUSED),
    "an output of 400 GB": (huge(), REFUSED),
    "no bytes": (b"", REFUSED),
    "noise": (bytes(range(256)) * 4, REFUSED),
    "text": (b"not an onnx file", REFUSED),
    "half of a network": (mean()[:60], REFUSED),
    "another opset": (mean().replace(b"\x10\r", b"\x10c"), REFUSED),
}  # fmt: skip
"""ONNX files, and whether they can be used."""


def _onnx(arena, content: bytes, expected: str):
    path = arena.write("model.onnx", content)
    actions = loads(arena, f"blackbox:{path},outputs=logits", expected)
    spec = f"blackbox:{path},outputs=logits"
    explained = Call(
        f"unsee.explain({spec!r})",
        lambda: unsee.explain(unsee.load(spec, size=(S, S)), "in/good.png", toy.METHOD),
        expected,
    )
    return [explain("in/good.png", "--size", str(S), classifier=spec, expected=expected), explained,
            Call(actions[1].name, actions[1].function, EITHER)]  # fmt: skip


for _name, (_content, _expected) in MODELS.items():
    case(FAMILY, f"onnx: {_name}", _expected)(partial(_onnx, content=_content, expected=_expected))


@case(FAMILY, "onnx: weights outside of its folder")
def _(arena):
    return _onnx(arena, external(arena), REFUSED)


@case(FAMILY, "onnx: a pickle")
def _(arena):
    from tests.hostile import payloads

    return _onnx(arena, payloads.plain_pickle(arena.canary), REFUSED)


PROBABILITIES = {
    "negative": lambda x: np.full((len(x), 2), (-1.0, 2.0)),
    "that do not sum to 1": lambda x: np.full((len(x), 3), 0.9),
    "NaN": lambda x: np.full((len(x), 3), np.nan),
    "infinite": lambda x: np.full((len(x), 3), np.inf),
    "of text": lambda x: np.full((len(x), 3), "a"),
    "of objects": lambda x: np.full((len(x), 3), None),
    "of complex numbers": lambda x: np.full((len(x), 2), 0.5 + 1j),
    "of no classes": lambda x: np.zeros((len(x), 0)),
    "of one image": lambda x: np.full((1, 2), 0.5),
    "in one axis": lambda x: x.mean((1, 2, 3)),
    "in three axes": lambda x: np.full((len(x), 2, 2), 0.5),
    "of ragged lists": lambda x: [[0.5, 0.5], [1.0]],
    "None": lambda x: None,
    "a dict": lambda x: {"a": 1},
    "a string": lambda x: "cat",
    "a generator": lambda x: (row for row in x),
    "an error": lambda x: 1 / 0,
    "an exit": lambda x: exit(0),
    "a recursion": lambda x: PROBABILITIES["a recursion"](x),
}
"""Functions of arrays that give no probabilities."""
for _name, _function in PROBABILITIES.items():

    def _build(arena, function=_function):
        name = arena.photo()
        box = unsee.black_box(function, size=(S, S))
        return Call("unsee.explain(black_box)", lambda: unsee.explain(box, name, toy.METHOD))

    _expected = ACCEPTED if _name == "in one axis" else REFUSED  # of class 1 of two
    case(FAMILY, f"function that returns probabilities that are {_name}", _expected)(_build)
