"""Files and names of classifiers that are hostile: programs, pickles, lies, bad functions."""

import json
import struct
from functools import partial

import unsee
from tests.hostile import payloads, toy
from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, Call, Command, case, explain

FAMILY = "models"
SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".pt2", ".npz", ".pkl", ".onnx", "")
ARCHITECTURE = "architecture=tests.hostile.toy:network"


def loads(arena, spec: str, expected: str = REFUSED) -> list[Command | Call]:
    """Return the command and the calls that load a classifier, in two ways."""
    return [
        explain(arena.photo(), classifier=spec, expected=expected),
        Call(f"unsee.load({spec!r})", lambda: unsee.load(spec), expected),
    ]


def model_file(name: str, suffix: str, expected: str = REFUSED, settings: str = ""):
    """Register a function arena -> content of a model's file."""

    def register(make):
        def build(arena):
            path = arena.write(f"model{suffix}", make(arena))
            source = "blackbox" if suffix == ".onnx" else "file"
            return loads(arena, f"{source}:{path}{settings}", expected)

        case(FAMILY, f"{name}, {suffix or 'no suffix'}{settings}", expected)(build)
        return make

    return register


for _suffix in SUFFIXES:
    _settings = "" if _suffix == ".onnx" else f",{ARCHITECTURE}"
    for _name, _make in (
        ("pickle", payloads.plain_pickle), ("pickle of torch", payloads.torch_pickle),
        ("pickle of old torch", partial(payloads.torch_pickle, zipped=False)),
    ):  # fmt: skip
        model_file(_name, _suffix, settings=_settings)(lambda arena, make=_make: make(arena.canary))
for _suffix in (".pt", ".pth", ".pt2", ".safetensors", ".bin"):
    for _settings in ("", f",{ARCHITECTURE}"):
        model_file("TorchScript that writes", _suffix, settings=_settings)(
            lambda arena: payloads.script(payloads.Writer(str(arena.canary)))
        )
        model_file("export with a pickle", _suffix, settings=_settings)(
            lambda arena: payloads.exported_with_pickle(arena.canary)
        )
        model_file("old export with a pickle", _suffix, settings=_settings)(
            lambda arena: payloads.old_export(arena.canary)
        )


@model_file("TorchScript that writes when it is loaded", ".pt")
def _(arena):
    return payloads.script(payloads.Loader(str(arena.canary)))


@model_file("export", ".pt2")
def _(arena):
    return payloads.exported()


@model_file("export that is trusted", ".pt2", EITHER, ",trust=true")
def _(arena):
    return payloads.exported()


@model_file("TorchScript that is trusted", ".pt", EITHER, ",trust=true")
def _(arena):
    return payloads.script(toy.network())


@model_file("cut export that is trusted", ".pt2", REFUSED, ",trust=true")
def _(arena):
    return payloads.exported()[:2000]


@model_file("cut TorchScript that is trusted", ".pt", REFUSED, ",trust=true")
def _(arena):
    return payloads.script(toy.network())[:2000]


@model_file("pickled module", ".pt")
def _(arena):
    return payloads.whole_module()


@model_file("pickled module with an architecture", ".pth", REFUSED, f",{ARCHITECTURE}")
def _(arena):
    return payloads.whole_module()


@model_file("arrays of pickles", ".npz", REFUSED, f",{ARCHITECTURE}")
def _(arena):
    return payloads.pickled_arrays(arena.canary, "0.weight", "0.bias")


def safetensors(header: dict | bytes, body: bytes = b"", length: int | None = None) -> bytes:
    """Return a file of safetensors with this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(shape, start, end, kind="F32"):
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


LIES = {
    "no bytes": b"",
    "seven bytes": b"1234567",
    "a header of 2**63 bytes": safetensors(b"{}", length=2**63),
    "a header longer than the file": safetensors(b"{}", length=5000),
    "a header that is not JSON": safetensors(b"{{{{"),
    "a deep header": safetensors(b'{"a":' * 60_000 + b"1" + b"}" * 60_000),
    "a header of noise": safetensors(bytes(range(200))),
    "data behind the end": safetensors({"0.weight": tensor([4, 3, 4, 4], 0, 768)}),
    "data before the start": safetensors({"0.weight": tensor([1], 8, 4)}, bytes(8)),
    "data of another size": safetensors({"0.weight": tensor([10**9], 0, 8)}, bytes(8)),
    "a size that overflows": safetensors({"0.weight": tensor([2**40, 2**40], 0, 8)}, bytes(8)),
    "data that overlaps": safetensors(
        {"0.weight": tensor([2], 0, 8), "0.bias": tensor([2], 0, 8)}, bytes(8)
    ),
    "an unknown type": safetensors({"0.weight": tensor([2], 0, 8, "X99")}, bytes(8)),
    "a negative side": safetensors({"0.weight": tensor([-2], 0, 8)}, bytes(8)),
    "the same tensor twice": safetensors(
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        b'"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)
    ),
    "another network": safetensors({"other": tensor([2], 0, 8)}, bytes(8)),
    "no tensors": safetensors({}),
    "metadata of other types": safetensors({"__metadata__": {"a": [1]}}),
    "a name with controls": safetensors({"\x1b[31m\n": tensor([2], 0, 8)}, bytes(8)),
    "a name of 100000 characters": safetensors({"x" * 100_000: tensor([2], 0, 8)}, bytes(8)),
    "100000 tensors": safetensors({f"t{n}": tensor([0], 0, 0) for n in range(100_000)}),
}  # fmt: skip
for _name, _content in LIES.items():
    model_file(f"safetensors: {_name}", ".safetensors", settings=f",{ARCHITECTURE}")(
        lambda arena, content=_content: content
    )

FUNCTIONS = {
    "exits with success": "def make():\n    raise SystemExit(0)\n",
    "exits with os": None,
    "raises": "def make():\n    raise RuntimeError('line one\\nline two')\n",
    "raises without words": "def make():\n    raise Exception\n",
    "raises an error that cannot be shown": (
        "class E(Exception):\n    def __str__(self):\n        raise ValueError\n"
        "def make():\n    raise E\n"
    ),
    "raises with control characters": "def make():\n    raise ValueError('\\x1b[2J\\x07 bad')\n",
    "raises a megabyte": "def make():\n    raise ValueError('x' * 10**6)\n",
    "raises KeyError": "def make():\n    raise KeyError('a')\n",
    "stops an iteration": "def make():\n    raise StopIteration\n",
    "recurses": "def make():\n    return make()\n",
    "needs an argument": "def make(x):\n    return x\n",
    "is no function": "make = 3\n",
    "is None": "make = None\n",
    "is a module": "import os as make\n",
    "returns None": "def make():\n    return None\n",
    "returns text": "def make():\n    return 'model'\n",
    "returns a class": "from torch import nn\ndef make():\n    return nn.Linear\n",
    "returns a function": "def make():\n    return lambda x: x\n",
    "asserts": "def make():\n    assert False\n",
}
"""Modules of a user whose function `make` fails."""
IMPORTS = {
    "exits when imported": "import sys\nsys.exit(0)\n",
    "raises when imported": "raise RuntimeError('at import')\n",
    "is not Python": "def make(:\n",
    "is not UTF-8": b"x = '\xff'\ndef make(): pass\n",
    "holds a null character": b"x = 1\0\n",
    "imports what is missing": "import nothing_of_this_name\n",
    "imports itself": "from user_model import make\n",
    "has another function": "def other():\n    pass\n",
    "divides by zero": "1 / 0\n",
}
FORWARDS = {
    "raises": "raise RuntimeError('no')",
    "exits": "raise SystemExit(0)",
    "returns None": "return None",
    "returns text": "return 'x'",
    "returns a scalar": "return x.mean()",
    "returns a row": "return x.mean((1, 2, 3))",
    "returns maps": "return x",
    "returns no classes": "return x.mean((2, 3))[:, :0]",
    "returns one image": "return x.mean((2, 3))[:1]",
    "returns a list": "return [x.mean((2, 3))]",
    "returns a dict": "return {'logits': x.mean((2, 3))}",
    "returns integers": "return x.mean((2, 3)).long()",
    "returns complex numbers": "return x.mean((2, 3)) * 1j",
    "returns booleans": "return x.mean((2, 3)) > 0",
    "returns NaN": "return x.mean((2, 3)) * float('nan')",
    "returns infinity": "return x.mean((2, 3)) + float('inf')",
    "returns a sparse tensor": "return x.mean((2, 3)).to_sparse()",
    "returns a tensor of meta": "return x.mean((2, 3)).to('meta')",
    "asks for 100 TiB": "return x.new_empty(10**7, 10**7)",
    "changes its input": "x.zero_(); return x.mean((2, 3)) * float('nan')",
}
EITHER_WAY = {
    "returns a row",
    "returns integers",
    "returns booleans",
    "returns a dict",
    "returns a list",
}


def _function(arena, text: str | bytes):
    arena.write("user_model.py", text)
    return loads(arena, "user_model:make")


for _name, _text in FUNCTIONS.items():
    if _text:
        case(FAMILY, f"function that {_name}")(partial(_function, text=_text))
for _name, _text in IMPORTS.items():
    case(FAMILY, f"module that {_name}")(partial(_function, text=_text))


def _forward(arena, body: str, expected: str):
    text = (
        "import torch\nfrom torch import nn\nclass M(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.w = nn.Parameter(torch.ones(1))\n"
        f"    def forward(self, x):\n        {body}\n"
        "def make():\n    return M().eval()\n"
    )
    arena.write("user_model.py", text)
    name = arena.photo()
    return [
        explain(name, "--size", "32", classifier="user_model:make", expected=expected),
        Call(
            "unsee.explain(model)",
            lambda: unsee.explain(unsee.load("user_model:make", size=(32, 32)), name, toy.METHOD),
            expected,
        ),
    ]


for _name, _body in FORWARDS.items():
    _expected = EITHER if _name in EITHER_WAY else REFUSED
    case(FAMILY, f"model that {_name}", _expected)(
        partial(_forward, body=_body, expected=_expected)
    )
SPECS = (
    "", ":", "::", "a:", ":a", "os:system", "os:getcwd", "builtins:exit", "builtins:input",
    "builtins:eval", "sys:exit", "this.is.nothing:f", "..:x", "/etc/passwd:x", "os.path:",
    "file:", "file:none.pt", "file:.", "file:/dev/zero", "file:/etc/passwd",
    "file:/dev/stdin", "blackbox:", "blackbox:none.onnx", "timm:",
    "torchvision:",
    "transformers:", "factory:", "nothing", "efficientnet_lite0:x", "efficientnet_lite0,a=b",
    "file:x,trust=maybe", "file:x,mean=nan", "file:x,mean=(1", "x" * 10_000, "a\nb:c", "\x1b[2J:x",
    "[/b]", "{overwrite}", "file:\ud800", "file:x,labels=/dev/zero", "file:x,std=0",
    "file:x,share=-1",
)  # fmt: skip
for _spec in SPECS:
    case(FAMILY, f"classifier named {_spec[:40]!r}")(partial(loads, spec=_spec))


@case(FAMILY, "black box that takes no images")
def _(arena):
    return explain(arena.photo(), classifier="blackbox:os:getcwd")


@case(FAMILY, "a module of the working folder called torch", ACCEPTED)
def _(arena):
    arena.write("torch.py", f"open({str(arena.canary)!r}, 'w')\n")
    arena.write("numpy.py", f"open({str(arena.canary)!r}, 'w')\n")
    return explain(arena.photo())
