"""Folders of runs that are hostile: reports of them, and runs that resume in them."""

import contextlib
import io
import json
import shutil
import tempfile
from functools import cache, partial
from pathlib import Path

import numpy as np

from tests.hostile import payloads, toy
from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, Command, case, evaluate

FAMILY = "runs"


@cache
def template() -> Path:
    """Return a folder with photos and a finished run of them, made once."""
    from PIL import Image

    from unsee.cli import main

    folder = Path(tempfile.mkdtemp(prefix="unsee-run-"))
    (folder / "data").mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "data" / f"{number}.png")
    command = evaluate(str(folder / "data"), "--save-maps", target="top1")
    words = [str(folder / "run") if word == "out" else word for word in command.arguments]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert main(words) == 0
    return folder


def copied(arena) -> Path:
    """Copy the run into an arena and return its folder."""
    shutil.copytree(template() / "data", arena.work / "data")
    shutil.copytree(template() / "run", arena.work / "run")
    manifest = json.loads((arena.work / "run" / "run.json").read_text())
    manifest["settings"]["data"] = "data"
    (arena.work / "run" / "run.json").write_text(json.dumps(manifest))
    return arena.work / "run"


def changed(arena, place: str, value) -> Path:
    """Return the folder of a run with one value of run.json replaced; "" replaces all."""
    run = copied(arena)
    manifest = json.loads((run / "run.json").read_text())
    *path, last = place.split(".")
    at = manifest
    for key in path:
        at = at[key]
    at[last] = value
    (run / "run.json").write_text(json.dumps(value if not place else manifest))
    return run


REPORT = Command(("report", "run", "--out", "out"))
NUMBERS = {
    "no object": ("", [1, 2]), "a number": ("", 7), "null": ("", None), "text": ("", "run"),
    "no settings": ("settings", None), "settings as a list": ("settings", []),
    "photos of text": ("photos", "two"), "photos of 0": ("photos", 0),
    "photos of -5": ("photos", -5),
    "photos null": ("photos", None), "photos of NaN": ("photos", float("nan")),
    "photos of infinity": ("photos", float("inf")), "photos of 400 digits": ("photos", 10**400),
    "a shard of 0": ("settings.shard", 0), "a shard of text": ("settings.shard", "x"),
    "a shard of -1": ("settings.shard", -1), "a batch of text": ("settings.batch", "x"),
    "methods null": ("settings.methods", None), "methods as text": ("settings.methods", "rise"),
    "methods of numbers": ("settings.methods", [1]), "methods of lists": ("settings.methods",
    [[1]]),
    "no methods": ("settings.methods", []), "metrics of numbers": ("settings.metrics", [3]),
    "metrics null": ("settings.metrics", None), "unknown metrics": ("settings.metrics", ["evil"]),
    "a range of a billion metrics": ("settings.metrics", ["localisation:alpha=0:1e9:0.001"]),
    "infillers null": ("settings.infillers", None),
    "classifiers as a number": ("settings.classifiers", 5),
    "data as a number": ("settings.data", 5), "data null": ("settings.data", None),
    "data that is a device": ("settings.data", "/dev/zero"),
    "data that is missing": ("settings.data", "x"),
    "data with a null character": ("settings.data", "a\0b"), "versions null": ("versions", None),
    "versions as a list": ("versions", []), "a table of text": ("table", "x"),
    "a table of numbers": ("table", {"paper": 3}), "names of numbers": ("table", {"names": [1]}),
    "paper values of text": (
        "table", {"paper": [{"method": toy.METHOD, "metric": "gini", "value": "high"}]},
    ),
    "paper values of NaN": (
        "table", {"paper": [{"method": toy.METHOD, "metric": "gini", "value": float("nan")}]},
    ),
    "claims of numbers": ("table", {"claims": [{"better": 1, "worse": 2, "metrics": 3}]}),
    "labels of numbers": ("table", {"names": [{"method": toy.METHOD, "label": 5}]}),
    "a summary of numbers": ("table", {"summary": 5}),
    "save_maps of text": ("settings.save_maps", "yes"), "a seed of text": ("settings.seed", [1]),
}  # fmt: skip
"""Values of run.json of another type than a run writes."""
HARMLESS = {
    "photos of text", "photos of 400 digits", "data as a number", "data that is a device",
    "data that is missing", "data with a null character", "a batch of text", "save_maps of text",
    "a seed of text", "unknown metrics", "paper values of NaN", "versions as a list",
    "infillers null", "photos of 0", "photos of -5", "a shard of -1", "classifiers as a number",
    "methods null", "no methods", "methods as text", "methods of numbers", "methods of lists",
    "labels of numbers", "a summary of numbers",
}  # fmt: skip
"""Those that a report may leave out or ignore."""


def _report(arena, place, value):
    changed(arena, place, value)
    return REPORT


def _resume(arena, place, value):
    changed(arena, place, value)
    shutil.move(arena.work / "run", arena.work / "out")
    return evaluate("data", "--save-maps", target="top1")


for _name, (_place, _value) in NUMBERS.items():
    _expected = EITHER if _name in HARMLESS else REFUSED
    case(FAMILY, f"report: {_name}", _expected)(partial(_report, place=_place, value=_value))
for _name in ("no object", "null", "no settings", "photos null", "methods null", "versions null"):
    _place, _value = NUMBERS[_name]
    case(FAMILY, f"resume: {_name}")(partial(_resume, place=_place, value=_value))

FILES = {
    "nothing": b"", "no JSON": b"{", "deep": b"[" * 100_000, "not UTF-8": b'{"a": "\xff"}',
    "5000 digits": b'{"photos": ' + b"9" * 5000 + b"}", "a null character": b'{"a": "\0"}',
    "noise": bytes(range(256)),
}  # fmt: skip
for _name, _content in FILES.items():

    def _manifest(arena, content=_content):
        (copied(arena) / "run.json").write_bytes(content)
        return REPORT

    case(FAMILY, f"report: run.json of {_name}")(_manifest)

CLASSIFIERS = {
    "a program": "file:model.pt,trust=true",
    "an export": "file:model.pt2,trust=true",
    "a module": "user_model:make",
    "a black box": "blackbox:user_model:make",
    "a factory": "factory:user_model:make",
    "remote code": "transformers:remote",
}


def _armed(arena):
    """Write files that run code when a classifier of theirs is loaded."""
    arena.write("model.pt", payloads.script(payloads.Loader(str(arena.canary))))
    arena.write("model.pt2", payloads.old_export(arena.canary))
    arena.write("user_model.py", f"open({str(arena.canary)!r}, 'w')\n")


for _name, _spec in CLASSIFIERS.items():

    def _classifier(arena, spec=_spec):
        changed(arena, "settings.classifiers", [spec])
        changed_view = json.loads((arena.work / "run" / "run.json").read_text())
        assert changed_view["settings"]["classifiers"] == [spec]
        _armed(arena)
        return REPORT

    case(FAMILY, f"report: a classifier that is {_name}", EITHER)(_classifier)


@case(FAMILY, "report: a good run", ACCEPTED)
def _(arena):
    copied(arena)
    return REPORT


@case(FAMILY, "report: the same run twice")
def _(arena):
    copied(arena)
    return Command(("report", "run", "run", "--out", "out"))


@case(FAMILY, "report: folders that are no runs")
def _(arena):
    arena.write("empty/x")
    return [Command(("report", name, "--out", "out"))
            for name in ("empty", "none", "/dev/zero", "a\0b", "empty/x", "/",
            "x" * 5000)]  # fmt: skip
