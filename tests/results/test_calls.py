"""The written calls of a report repeat its result, with every option of the command line."""

import html
import re
import shlex

import pytest
import torch

from tests.cli.conftest import MODEL, photo  # noqa: F401
from unsee import Explanation
from unsee.classifiers import loading
from unsee.cli import main
from unsee.cli.explain import Explain
from unsee.cli.parsing import parse
from unsee.results.calls import Call

RISE = ("--method", "rise:samples=40", "--target", "1")


def calls_of(folder) -> list[str]:
    text = (folder / "report.html").read_text(encoding="utf-8")
    return [html.unescape(part) for part in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)]


@pytest.mark.parametrize(
    "options",
    [
        (*RISE, "--seed", "4"),
        (*RISE, "--repeats", "2", "--measure", "logit", "--size", "24x40", "--fit", "resize"),
        (*RISE, "--precision", "float32", "--device", "cpu", "--deterministic", "--trust"),
        (*RISE, "--precision", "bfloat16", "--cells", "slic:n=12", "--infiller", "blur"),
        (*RISE, "--contrast", "0", "--top", "0.25", "--picture-infiller", "blur"),
        ("--method", "tide", "--budget", "12"),
    ],
)
def test_written_calls_give_the_same_map(photo, tmp_path, monkeypatch, options) -> None:
    monkeypatch.setattr(loading, "half_precision", lambda device: torch.bfloat16)
    monkeypatch.chdir(tmp_path)
    words = ["explain", str(photo), "--classifier", MODEL, *options]
    assert main([*words, "--out", "first"]) == 0
    shell, python = calls_of(tmp_path / "first" / "dog")
    name, *again = shlex.split(shell)
    assert name == "unsee"
    written, meant = (parse(Explain, part[1:], "unsee explain") for part in (again, words))
    written_size, size = ([*o.size.split("x")] if o.size else None for o in (written, meant))
    assert written_size == size
    for option in vars(meant):
        assert getattr(written, option) == getattr(meant, option), option
    assert main([*again, "--out", "second"]) == 0
    exec(compile(python, "call", "exec"), {})
    first = Explanation.load("first/dog")
    for folder in ("second/dog", "result"):
        assert torch.equal(Explanation.load(folder).saliency, first.saliency)
    if "--top" in options:
        pictures = [(tmp_path / run / "dog" / "removed.png") for run in ("first", "second")]
        assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_call_of_a_map_that_was_stopped_says_so() -> None:
    call = Call(photo="a.png", ended_early=(120, 300))
    for text in (call.shell(), call.python()):
        assert text.startswith("# the map was stopped after 120 of 300 units of work;")
    assert shlex.split(call.shell(), comments=True) == ["unsee", "explain", "a.png"]


def test_a_trusted_infiller_is_trusted_in_python() -> None:
    call = Call(photo="a.png", infiller="lama:weights=w.pt", trust=True)
    assert "infiller='lama:weights=w.pt,trust=true'" in call.python()
    assert "trust=True)" in call.python()
