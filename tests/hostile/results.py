"""Result folders that are hostile: loading them, and writing over what is not a result."""

import json
import os
import shutil
from dataclasses import replace
from functools import partial

import numpy as np

import unsee
from tests.hostile import payloads, toy
from tests.hostile.cases import (
    ACCEPTED,
    EITHER,
    REFUSED,
    Call,
    Command,
    case,
    explain,
    with_options,
)
from tests.hostile.payloads import npz
from tests.hostile.runs import copied

FAMILY = "results"
GOOD = {
    "model": np.zeros((1, 8, 8), np.float32), "targets": np.zeros(1, np.int64),
    "images": np.zeros((1, 3, 8, 8), np.float32),
}  # fmt: skip


def loaded(arena, manifest: str | bytes | None, arrays: bytes | None):
    """Return the call that loads and uses a result."""
    if manifest is not None:
        arena.write("result/manifest.json", manifest)
    if arrays is not None:
        arena.write("result/saliency.npz", arrays)

    def use():
        explanation = unsee.Explanation.load("result")
        return repr(explanation), explanation[0], explanation.plot()

    return Call("unsee.Explanation.load('result')", use)


TARGET = json.dumps({"target": [{"index": 0, "name": "a"}]})
MANIFESTS = {
    "nothing": "", "null": "null", "a list": "[]", "a number": "3", "text": '"x"',
    "deep": "[" * 100_000,
    "not UTF-8": b'{"a": "\xff"}', "5000 digits": '{"seed": ' + "9" * 5000 + "}", "no JSON": "{",
    "a target of text": '{"target": "cat"}', "a target of numbers": '{"target": [3]}',
    "a target null": '{"target": null}', "no target": "{}",
    "a method of text": '{"method": "rise"}',
    "a method null": '{"method": null, "infiller": null}',
    "targets without names": '{"target": [{}]}',
    "a name of a number": '{"target": [{"name": 5}]}',
    "a name of a formula": '{"target": [{"name": "$x_{"}]}',
    "a name of markup": '{"target": [{"name": "[/b]\\u001b[2J"}]}',
}  # fmt: skip
for _name, _text in MANIFESTS.items():
    _expected = EITHER if "name" in _name or "no target" in _name else REFUSED
    case(FAMILY, f"manifest of {_name}", _expected)(
        partial(loaded, manifest=_text, arrays=npz(**GOOD))
    )
ARRAYS = {
    "nothing": lambda arena: b"",
    "noise": lambda arena: bytes(range(256)),
    "pickles": lambda arena: payloads.pickled_arrays(arena.canary, "model", "targets", "images"),
    "a pickle": lambda arena: payloads.plain_pickle(arena.canary),
    "one array": lambda arena: npz(model=GOOD["model"]),
    "text": lambda arena: npz(model=np.array("a"), targets=np.array("b"), images=np.array("c")),
    "no axes": lambda arena: npz(model=np.float32(1), targets=np.float32(1), images=np.float32(1)),
    "other lengths": lambda arena: npz(**(GOOD | {"targets": np.zeros(5, np.int64)})),
    "maps of three axes too many": lambda arena: npz(
        **(GOOD | {"model": np.zeros((1, 1, 1, 8, 8))})
    ),
    "a terabyte": lambda arena: payloads.npz_claims(10**12),
    "times": lambda arena: npz(**(GOOD | {"model": np.zeros((1, 8, 8), "datetime64[s]")})),
    "an npy file": lambda arena: payloads.pickled_array(arena.canary),
    "targets of floats": lambda arena: npz(**(GOOD | {"targets": np.zeros(1)})),
}
for _name, _make in ARRAYS.items():

    def _load(arena, make=_make):
        return loaded(arena, TARGET, make(arena))

    case(FAMILY, f"arrays of {_name}", EITHER if "floats" in _name else REFUSED)(_load)
for _name, _folder in {"a missing folder": "none", "a file": "good.png", "a device": "/dev/zero",
                       "a null character": "a\0b", "an empty folder": "empty",
                       "a long name": "x" * 5000, "no name": ""}.items():  # fmt: skip

    def _no_result(arena, folder=_folder):
        arena.photo("good.png")
        (arena.work / "empty").mkdir()
        return Call("unsee.Explanation.load", lambda: unsee.Explanation.load(folder))

    case(FAMILY, f"load {_name}")(_no_result)


@case(FAMILY, "load a folder whose files are pipes")
def _(arena):
    (arena.work / "result").mkdir()
    os.mkfifo(arena.work / "result" / "manifest.json")
    os.mkfifo(arena.work / "result" / "saliency.npz")
    return Call("unsee.Explanation.load('result')", lambda: unsee.Explanation.load("result"))


@case(FAMILY, "load a good folder", ACCEPTED)
def _(arena):
    return loaded(arena, TARGET, npz(**GOOD))


COMMANDS = {
    "explain": (), "compare": ("--methods", toy.METHOD), "sweep": ("--method", toy.METHOD,
    "--seeds", "2"),
    "sanity": ("--method", toy.METHOD, "--layers", "1"), "evaluate-infill": ("--infillers", "grey"),
    "report": (),
}  # fmt: skip
"""Commands that write results, with quick settings."""


def command(arena, name: str, out="out", overwrite=True) -> Command:
    """Return a command that writes over a folder."""
    if name == "explain":
        made = explain(arena.photo())
        words = tuple(out if word == "out" else word for word in made.arguments)
    elif name == "report":
        copied(arena)
        words = ("report", "run", "--out", out)
    elif name == "evaluate-infill":
        arena.photo("data/a/1.png")
        words = ("evaluate-infill", "--data", "data", *COMMANDS[name], "--classifier", toy.NAME,
                 "--recognition-classifier", toy.NAME, "--tasks", "cells", "--out",
                 out)  # fmt: skip
    else:
        words = (name, arena.photo(), *COMMANDS[name], "--classifier", toy.NAME, "--out", out)
    return Command((*words, "--overwrite") if overwrite else words)


FOREIGN = {
    "a photo of the user": {"holiday.jpg": b"photo"},
    "a manifest of the user": {"manifest.json": b'{"name": "my extension"}', "code.js": b"x"},
    "a manifest that lists the user's files": {
        "manifest.json": b'{"files": ["holiday.jpg"]}', "other.jpg": b"photo",
    },
    "a manifest with a list that has the user's file": {
        "manifest.json": b'{"files": ["holiday.jpg"]}', "holiday.jpg": b"photo",
    },
    "a manifest with digests of other content": {
        "manifest.json": b'{"written_by_unsee": {"holiday.jpg": "0"}}', "holiday.jpg": b"photo",
    },
    "a manifest of another program alone": {"manifest.json": b'{"files": {}}'},
    "a manifest that lists paths that lead out": {
        "manifest.json": b'{"written_by_unsee": {"../../precious.txt": "", "..": ""}}',
        "a.jpg": b"x",
    },
    "a manifest that is deep": {"manifest.json": b"[" * 100_000, "a.jpg": b"x"},
    "a manifest that is not UTF-8": {"manifest.json": b"\xff", "a.jpg": b"x"},
    "a manifest of numbers": {
        "manifest.json": b'{"written_by_unsee": [1, 2, null]}', "a.jpg": b"x",
    },
    "a manifest whose files are a number": {
        "manifest.json": b'{"written_by_unsee": 5}', "a.jpg": b"x",
    },
    "a folder of the user": {"holiday/one.jpg": b"photo"},
}  # fmt: skip
"""What is in a folder that `--overwrite` names: files of the user."""


def _overwrite(arena, name: str, files: dict[str, bytes]):
    folder = "out/good" if name == "explain" else "out"
    for path, content in files.items():
        arena.write(f"{folder}/{path}", content)

    def changed(arena):
        places = {arena.work / folder / path: content for path, content in files.items()}
        return next((f"{p} changed" for p, c in places.items() if p.read_bytes() != c), None)

    return replace(command(arena, name), check=changed)


for _command in COMMANDS:
    for _name, _files in FOREIGN.items():
        # what is marked as the result of something else keeps its name, and the photo gets another
        _next = _command == "explain" and b"written_by_unsee" in _files.get("manifest.json", b"")
        case(FAMILY, f"{_command} over {_name}", ACCEPTED if _next else REFUSED)(
            partial(_overwrite, name=_command, files=_files)
        )


def _out(arena, name: str, out: str, make):
    make(arena)
    return replace(command(arena, name, out), writes=WRITES.get(out, Command(()).writes))


WRITES = {".": ("user/project/work/good",), "..": ("user/project/good",), "home": ("home/good",)}
"""Results in folders that hold other files too, by the value of --out."""
OUTS = {
    "a file": ("out", lambda arena: arena.write("out", b"of the user")),
    "a link to the home": ("home", lambda arena: (arena.work / "home").symlink_to(arena.home)),
    "a link to nothing": ("out", lambda arena: (arena.work / "out").symlink_to("nowhere/at/all")),
    "a pipe": ("out", lambda arena: os.mkfifo(arena.work / "out")),
    "below a file": ("note.txt/out", lambda arena: arena.write("note.txt", b"of the user")),
    "the working folder": (".", lambda arena: arena.write("note.txt", b"of the user")),
    "the parent": ("..", lambda arena: None),
    "a device": ("/dev/null", lambda arena: None),
    "below a device": ("/dev/null/x", lambda arena: None),
    "in proc": ("/proc/x", lambda arena: None),
    "a null character": ("out/a\0b", lambda arena: None),
    "a name of 300 bytes": ("out/" + "x" * 300, lambda arena: None),
    "a path of 5000 bytes": ("out/" + "x/" * 2500, lambda arena: None),
}
for _name, (_path, _make) in OUTS.items():
    for _command in ("explain", "sweep", "report"):
        _expected = ACCEPTED if _command == "explain" and _path in WRITES else REFUSED
        case(FAMILY, f"{_command} --out {_name}", _expected)(
            partial(_out, name=_command, out=_path, make=_make)
        )


@case(FAMILY, "save over a folder of the user")
def _(arena):
    arena.write("result/holiday.jpg", b"photo")
    arena.photo()

    def save():
        explanation = unsee.explain(toy.NAME, "in/good.png", toy.METHOD)
        explanation.save("result", overwrite=True)

    return Call("explanation.save('result', overwrite=True)", save)


@case(FAMILY, "evaluate into a folder of the user")
def _(arena):
    from tests.hostile.cases import evaluate

    arena.write("out/holiday.jpg", b"photo")
    arena.photo("data/a/1.png")
    return evaluate("data", target="top1")


@case(FAMILY, "train into a folder of the user", EITHER)
def _(arena):
    arena.write("out/holiday.jpg", b"photo")
    arena.photo("data/a/1.png")
    words = ("--data", "data", "--steps", "1", "--batch", "1", "--held-out", "1", "--workers", "0")
    return Command(("train", "infiller", *words, "--perceptual", "0", "--out", "out"))


@case(FAMILY, "demo over a folder of the user")
def _(arena):
    arena.write("out/holiday.jpg", b"photo")
    arena.write("out/photographer/holiday.jpg", b"photo")
    return Command(("demo", "--out", "out"))


@case(FAMILY, "explain twice without --overwrite")
def _(arena):
    shutil.copytree(copied(arena), arena.work / "out" / "good")
    return explain(arena.photo())


@case(FAMILY, "explain over leavings of a killed command", ACCEPTED)
def _(arena):
    arena.write("elsewhere/.good.99999.unfinished/panel.png", b"x")
    return with_options(explain(arena.photo()), "--overwrite")
