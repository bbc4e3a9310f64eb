"""Weights of in-fillers and of methods that are hostile, and their settings."""

import json
from functools import partial

import unsee
from tests.hostile import payloads, toy
from tests.hostile.cases import REFUSED, Call, Command, case, explain, with_options
from tests.hostile.models import LIES, safetensors, tensor

FAMILY = "weights"
INFILLERS = ("lama", "onnx", "vae", "painter", "deepfill1", "deepfill2")
METHODS = ("casm", "distilled", "variational")


def infilled(arena, name: str, path: str) -> list[Command | Call]:
    """Return the command and the call with weights of an in-filler."""
    photo, spec = arena.photo(), f"{name}:weights={path}"
    return [
        with_options(explain(photo), "--infiller", spec),
        Call(
            f"unsee.explain(infiller={spec!r})",
            lambda: unsee.explain(toy.NAME, photo, toy.METHOD, infiller=spec),
        ),
    ]


def explained_by(arena, name: str, path: str) -> list[Command | Call]:
    """Return the command and the call with weights of a method."""
    photo, spec = arena.photo(), f"{name}:weights={path}"
    return [
        explain(photo, method=spec),
        Call(f"unsee.explain({spec!r})", lambda: unsee.explain(toy.NAME, photo, spec)),
    ]


def use(arena, name: str, path: str):
    return (explained_by if name in METHODS else infilled)(arena, name, path)


CONTENTS = {
    "pickle": (".pth", lambda arena: payloads.plain_pickle(arena.canary)),
    "pickle of torch": (".pt", lambda arena: payloads.torch_pickle(arena.canary)),
    "pickle called safetensors": (
        ".safetensors", lambda arena: payloads.torch_pickle(arena.canary),
    ),
    "TorchScript that writes": (
        ".pt", lambda arena: payloads.script(payloads.Loader(str(arena.canary))),
    ),
    "export with a pickle": (
        ".pt2", lambda arena: payloads.exported_with_pickle(arena.canary),
    ),
    "nothing": (".safetensors", lambda arena: b""),
    "noise": (".pth", lambda arena: arena.random.bytes(3000)),
    "another network": (
        ".safetensors", lambda arena: safetensors({"x": tensor([2], 0, 8)}, bytes(8)),
    ),
}  # fmt: skip
"""Content of a file of weights, with its suffix."""


def _weights(arena, name: str, content: str):
    suffix, make = CONTENTS[content]
    return use(arena, name, arena.write(f"weights{suffix}", make(arena)))


for _name in (*INFILLERS, *METHODS):
    for _content in CONTENTS:
        case(FAMILY, f"{_name}: {_content}")(partial(_weights, name=_name, content=_content))

PATHS = (
    "/dev/zero",
    "/dev/stdin",
    ".",
    "none.pt",
    "/etc/passwd",
    "a\nb",
    "../..",
    "/proc/self/mem",
)
for _name in ("lama", "painter", "deepfill2", "casm"):
    for _path in PATHS:
        case(FAMILY, f"{_name}: path {_path!r}")(
            lambda arena, name=_name, path=_path: use(arena, name, path)
        )
METADATA = {
    "no metadata": {},
    "stages that are no JSON": {"stages": "[[["},
    "stages of numbers": {"stages": "[1, 2]"},
    "stages of layers that are missing": {"stages": '["nothing"]'},
    "deep stages": {"stages": "[" * 100_000},
    "channels of text": {"channels": '["a"]'},
    "channels below 0": {"channels": "[-1]"},
    "channels of a billion": {"channels": "[1000000000]"},
    "a width of text": {"width": "x"},
    "a width of 0": {"width": "0"},
    "a width of a billion": {"width": "1000000000"},
    "a width of 5000 digits": {"width": "9" * 5000},
    "a classifier that runs code": {"classifier": "user_model:make"},
}
"""Changes of the metadata of a mask decoder."""


def _metadata(arena, changes: dict[str, str]):
    good = {
        "classifier": "x",
        "stages": '["0"]',
        "channels": "[4]",
        "width": "8",
        "shared": "False",
    }
    header = {"a": tensor([1], 0, 4), "__metadata__": (good | changes) if changes else {}}
    arena.write("user_model.py", f"open({str(arena.canary)!r}, 'w')\n")
    return explained_by(arena, "casm", arena.write("w.safetensors", safetensors(header, bytes(4))))


for _name, _changes in METADATA.items():
    case(FAMILY, f"casm: {_name}")(partial(_metadata, changes=_changes))
for _name in list(LIES)[:12]:
    case(FAMILY, f"painter: safetensors with {_name}")(
        lambda arena, name=_name: use(arena, "painter", arena.write("w.safetensors", LIES[name]))
    )


def _checkpoint(arena, index: bytes, data: bytes):
    """A TensorFlow checkpoint: an index and a shard."""
    arena.write("cp/model.index", index)
    arena.write("cp/model.data-00000-of-00001", data)
    return infilled(arena, "deepfill2", "cp")


for _name, _index in {
    "nothing": b"", "noise": bytes(range(256)) * 4, "zeros": bytes(4096), "ones": b"\xff" * 4096,
    "the magic number alone": bytes(40) + bytes.fromhex("57fb808b247547db"),
    "a footer of large numbers": b"\xff\xff\xff\xff\x0f" * 8 + bytes.fromhex("57fb808b247547db"),
}.items():  # fmt: skip
    case(FAMILY, f"deepfill2: index of {_name}")(
        partial(_checkpoint, index=_index, data=bytes(100))
    )


@case(FAMILY, "perceptual weights that are a pickle", REFUSED)
def _(arena):
    arena.photo("data/a/1.png")
    path = arena.write("vgg.pth", payloads.torch_pickle(arena.canary))
    return Command(
        ("evaluate-infill", "--data", "data", "--infillers", "grey", "--classifier", toy.NAME,
         "--recognition-classifier", toy.NAME, "--perceptual", path, "--out", "out")
    )  # fmt: skip


def _resumed(arena, content: bytes, network="infiller"):
    """A checkpoint of a training in the folder that is resumed."""
    for number in range(4):
        arena.photo(f"data/{number % 2}/{number}.png")
    words = ("--data", "data", "--steps", "1", "--batch", "1", "--held-out", "1", "--workers", "0")
    for name in ("checkpoint.pt", "checkpoint/0.pt", "model.safetensors", "state.pt"):
        arena.write(f"out/{name}", content)
    arena.write("out/settings.json", json.dumps({"seed": 0}))
    return Command(("train", network, *words, "--perceptual", "0", "--out", "out"))


@case(FAMILY, "training: a checkpoint that is a pickle", "refused or accepted")
def _(arena):
    return _resumed(arena, payloads.torch_pickle(arena.canary))


@case(FAMILY, "training: a checkpoint of noise", "refused or accepted")
def _(arena):
    return _resumed(arena, arena.random.bytes(1000))
