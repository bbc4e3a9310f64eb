"""Arguments of the Python API that are hostile."""

import numpy as np
import torch
from PIL import Image
from torch import nn

import unsee
from tests.hostile import toy
from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, Call, case

FAMILY = "arrays"
S = toy.SIDE
ZERO = torch.zeros
IMAGES = {
    "NaN": (lambda: torch.full((1, 3, S, S), float("nan")), REFUSED),
    "infinity": (lambda: torch.full((1, 3, S, S), float("inf")), REFUSED),
    "values of 255": (lambda: torch.full((1, 3, S, S), 255.0), EITHER),
    "no axes": (lambda: torch.tensor(1.0), REFUSED), "one axis": (lambda: ZERO(5), REFUSED),
    "two axes": (lambda: ZERO(S, S), REFUSED), "five axes": (lambda: ZERO(1, 1, 3, S, S), REFUSED),
    "no images": (lambda: ZERO(0, 3, S, S), REFUSED), "no pixels": (lambda: ZERO(1, 3, 0, 0),
    REFUSED),
    "four channels": (lambda: ZERO(1, 4, S, S), REFUSED), "one channel": (lambda: ZERO(1, 1, S, S),
    REFUSED),
    "another size": (lambda: ZERO(1, 3, 7, 9), EITHER), "bytes": (lambda: ZERO(1, 3, S, S).byte(),
    EITHER),
    "booleans": (lambda: ZERO(1, 3, S, S).bool(), EITHER), "complex": (lambda: ZERO(1, 3, S,
    S) + 1j, REFUSED),
    "half": (lambda: ZERO(1, 3, S, S).half(), EITHER), "double": (lambda: ZERO(1, 3, S,
    S).double(), EITHER),
    "sparse": (lambda: ZERO(1, 3, S, S).to_sparse(), REFUSED),
    "meta": (lambda: ZERO(1, 3, S, S, device="meta"), REFUSED), "a list": (list, REFUSED),
    "a list of lists": (lambda: [[0.0]], REFUSED), "None": (lambda: None, REFUSED),
    "a number": (lambda: 3, REFUSED),
    "bytes of Python": (lambda: b"abc", REFUSED), "a dict": (lambda: {"a": 1}, REFUSED),
    "a path and a tensor": (lambda: ["none.png", ZERO(3, S, S)], REFUSED),
    "tensors of two sizes": (lambda: [ZERO(3, S, S), ZERO(3, 8, 8)], REFUSED),
    "tensors of two types": (lambda: [ZERO(3, S, S), ZERO(3, S, S).byte()], EITHER),
    "array of text": (lambda: np.full((S, S, 3), "a"), REFUSED),
    "array of objects": (lambda: np.full((S, S, 3), None), REFUSED),
    "array of NaN": (lambda: np.full((S, S, 3), np.nan), REFUSED),
    "array of -1": (lambda: np.full((S, S, 3), -1.0), REFUSED),
    "array of large integers": (lambda: np.full((S, S, 3), 200, np.int64), EITHER),
    "array of negative integers": (lambda: np.full((S, S, 3), -5, np.int16), EITHER),
    "array of no pixels": (lambda: np.zeros((0, 0, 3), np.uint8), REFUSED),
    "array of times": (lambda: np.zeros((S, S, 3), "datetime64[s]"), REFUSED),
    "array of complex numbers": (lambda: np.zeros((S, S, 3), complex), REFUSED),
    "array of five axes": (lambda: np.zeros((1, 1, S, S, 3)), REFUSED),
    "array of records": (lambda: np.zeros((S, S), [("r", "u1"), ("g", "u1")]), REFUSED),
    "picture of no pixels": (lambda: Image.new("RGB", (0, 0)), REFUSED),
    "picture that is closed": (lambda: _closed(), REFUSED),
    "picture in 32 bits": (lambda: Image.new("I", (S, S), -1000), EITHER),
    "picture in YCbCr": (lambda: Image.new("YCbCr", (S, S)), ACCEPTED),
    "a class": (lambda: Image, REFUSED), "a function": (lambda: print, REFUSED),
    "a generator": (lambda: (n for n in "ab"), REFUSED), "a set": (lambda: {1, 2}, REFUSED),
}  # fmt: skip
"""What is passed as images, and whether it can be used."""


def _closed():
    picture = Image.new("RGB", (S, S))
    picture.close()
    return picture


def call(name, expected, function):
    case(FAMILY, name, expected)(lambda arena: Call(name, function))


for _name, (_make, _expected) in IMAGES.items():
    call(
        f"images: {_name}", _expected,
        lambda make=_make: unsee.explain(toy.classifier(), make(), toy.METHOD),
    )  # fmt: skip

GOOD = torch.full((2, 3, S, S), 0.5)
TARGETS = {
    "99": 99, "-1": -1, "a float": 1.5, "NaN": float("nan"), "text": "cat", "no text": "",
    "bytes": b"a",
    "three for two": [0, 1, 2], "none for two": [], "a list of None": [None, None],
    "a dict": {0: 1},
    "nested lists": [[0], [1]], "a tensor of floats": torch.tensor([0.5, 1.5]),
    "5000 digits": 10**5000,
    "a tensor of two axes": torch.zeros(2, 2, dtype=torch.long), "an array of text": np.array(["a",
    "b"]),
    "a tensor of meta": torch.zeros(2, dtype=torch.long, device="meta"), "a function": print,
    "booleans": [True, False], "2**63": 2**63, "a complex number": 1j,
}  # fmt: skip
for _name, _value in TARGETS.items():
    call(
        f"targets: {_name}", EITHER if _name == "booleans" else REFUSED,
        lambda value=_value: unsee.explain(toy.classifier(), GOOD, toy.METHOD, targets=value),
    )  # fmt: skip
ARGUMENTS = {
    "method None": {"method": None}, "method of a number": {"method": 3},
    "method of bytes": {"method": b"rise"},
    "method of a class": {"method": nn.Linear}, "infiller of a number": {"infiller": 3},
    "infiller of a function": {"infiller": print}, "measure of a number": {"measure": 3},
    "measure that returns text": {"measure": lambda logits, targets: "a"},
    "measure of another shape": {"measure": lambda logits, targets: logits},
    "measure of NaN": {"measure": lambda logits, targets: logits[:, 0] * float("nan")},
    "seed of text": {"seed": "a"}, "seed None": {"seed": None}, "seed of a float": {"seed": 1.5},
    "seed of 5000 digits": {"seed": 10**5000}, "seed of -1": {"seed": -1},
    "repeats of 0": {"repeats": 0},
    "repeats of text": {"repeats": "a"}, "repeats of a float": {"repeats": 1.5},
    "repeats None": {"repeats": None},
    "budget of text": {"budget": "a"}, "budget of -1": {"budget": -1},
    "budget of NaN": {"budget": float("nan")},
    "budget of a list": {"budget": []}, "budget of true": {"budget": True},
    "an unknown setting": {"colour": 1},
    "a setting of another type": {"patch": "big"}, "a setting of a list": {"patch": [1]},
    "a setting of NaN": {"patch": float("nan")}, "a setting of None": {"patch": None},
    "a setting of 5000 digits": {"patch": 10**5000},
    "a setting of a tensor": {"patch": torch.zeros(2)},
}  # fmt: skip
MAY = {"seed of -1", "budget of true", "seed of 5000 digits"}
for _name, _arguments in ARGUMENTS.items():

    def _explain(arguments=_arguments):
        words = {"method": "sliding_patch", "patch": 16, "stride": 16} | arguments
        return unsee.explain(toy.classifier(), GOOD, **words)

    call(_name, EITHER if _name in MAY else REFUSED, _explain)
MODELS = {
    "None": lambda: None, "a number": lambda: 3, "a class": lambda: nn.Linear,
    "a function": lambda: print,
    "a list": list, "a tensor": lambda: torch.zeros(3),
    "a path": lambda: __import__("pathlib").Path("x"),
    "bytes": lambda: b"efficientnet_lite0", "a model of text": lambda: nn.Embedding(3, 3).eval(),
    "a model without parameters": lambda: nn.Identity().eval(),
    "an empty model": lambda: nn.Sequential().eval(),
    "a model that is not initialised": lambda: nn.LazyLinear(3).eval(),
    "a model on meta": lambda: toy.network().to("meta"),
}  # fmt: skip
for _name, _make in MODELS.items():
    call(f"model: {_name}", REFUSED, lambda make=_make: unsee.explain(make(), GOOD, toy.METHOD))
CLASSIFIERS = {
    "means of text": {"mean": ("a", "b", "c")}, "means of NaN": {"mean": (float("nan"),) * 3},
    "two means": {"mean": (0.5, 0.5)}, "no means": {"mean": (), "std": ()},
    "a mean that is a number": {"mean": 0.5},
    "std of 0": {"std": (0.0,) * 3}, "std of -1": {"std": (-1.0,) * 3},
    "std of NaN": {"std": (float("nan"),) * 3},
    "std of infinity": {"std": (float("inf"),) * 3}, "chunk of 0": {"chunk": 0},
    "chunk of -1": {"chunk": -1},
    "chunk of text": {"chunk": "a"}, "labels of numbers": {"labels": (1, 2, 3, 4, 5)},
    "labels as text": {"labels": "abcde"},
    "labels of another number": {"labels": ("a", "b", "c")}, "framing of text": {"framing": "crop"},
    "a size of 0": {"framing": lambda: unsee.Framing((0, 0))},
    "a size of -1": {"framing": lambda: unsee.Framing((-1, 5))},
    "a size of floats": {"framing": lambda: unsee.Framing((1.5, 5))},
    "a size of a billion": {"framing": lambda: unsee.Framing((10**9, 10**9))},
    "a share of 0": {"framing": lambda: unsee.Framing((S, S), share=0.0)},
    "a share of 2": {"framing": lambda: unsee.Framing((S, S), share=2.0)},
    "a share of NaN": {"framing": lambda: unsee.Framing((S, S), share=float("nan"))},
    "a fit of text": {"framing": lambda: unsee.Framing((S, S), fit="cut")},
    "an unknown filter": {"framing": lambda: unsee.Framing((S, S), interpolation="x")},
}  # fmt: skip
for _name, _settings in CLASSIFIERS.items():

    def _classifier(settings=_settings):
        made = {k: v() if callable(v) else v for k, v in settings.items()}
        words = {
            "mean": (0.4,) * 3,
            "std": (1.0,) * 3,
            "framing": unsee.Framing((S, S)),
            "chunk": 4,
        }
        classifier = unsee.Classifier(toy.network(), **(words | made))
        return unsee.explain(classifier, Image.new("RGB", (40, 40), "red"), toy.METHOD)

    call(f"classifier: {_name}", REFUSED, _classifier)
