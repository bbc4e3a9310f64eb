"""HTML pages of an explanation and of a comparison: complete, escaped, and in one file."""

import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.conftest import small
from unsee import Study, load
from unsee.cli.explain import Explain
from unsee.cli.parsing import parse
from unsee.results.assessment import INFILLED, assess
from unsee.results.calls import Call
from unsee.results.comparison import conclusion, measure_study, short_table
from unsee.results.comparison_page import comparison_page
from unsee.results.conclusion import conclude
from unsee.results.page import explanation_page


class Pictures(HTMLParser):
    """Collect the pictures of a page, and check that its elements are closed."""

    VOID = frozenset({"meta", "img", "br", "hr", "input", "link"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pictures: list[dict] = []
        self.open: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes) -> None:
        if tag == "img":
            self.pictures.append(dict(attributes))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def result(images):
    study = Study.of(load("tests.toys:classifier"), images[:1, :, :24, :24], small("fido", steps=3))
    study.finish()
    return assess(study)


def test_page_is_complete_and_needs_no_other_file(result) -> None:
    call = Call(photo="a b.png", method="fido", target="<b>")
    page = explanation_page(result, "<i>.png", result.study.score.images[0], call)
    pictures = Pictures(page).pictures
    assert len(pictures) == 6
    assert all(picture["alt"] and picture["src"].startswith("data:") for picture in pictures)
    assert not re.search(r"(src|href)=\"?https?:", page)
    assert "<i>" not in page
    assert "<b>" not in page.split("Repeat it")[1]
    for line in conclude(result):
        assert line.split()[0] in page


def test_conclusion_says_what_the_pictures_show(result) -> None:
    effects = {"removed": True, "kept": True}
    shares = {"removed": 0.123, "kept": 0.004}
    named = replace(result, has_effect=effects, shares=shares)
    photo, removed, kept = conclude(named)
    value = named.in_words(named.target_probabilities["removed"])
    assert photo.startswith(f"The classifier answers {result.name} (")
    assert "Without the 12% of the pixels that rank highest, the answer changes" in removed
    assert value in removed
    assert kept.startswith("The 0.4% that rank highest suffice")
    without = replace(result, has_effect={"removed": False, "kept": False}, shares=shares)
    _, removed, kept = conclude(without)
    assert removed.startswith("No share of the highest-ranked pixels changes the answer")
    assert named.in_words(named.target_probabilities[INFILLED]) in kept


def test_a_map_of_deviations_is_no_evidence(images) -> None:
    method = "variational:weights=random,reading=deviation"
    study = Study.of(load("tests.toys:classifier"), images[:1, :, :24, :24], method)
    study.finish()
    assert conclude(assess(study))[1].startswith("The map is no evidence: ")


def test_calls_repeat_the_choices() -> None:
    call = Call(
        photo="my dog.png", classifier="timm:resnet18", method="rise:samples=20", infiller="blur",
        target="tabby, tabby cat", contrast="beagle", seed=3, budget="300",
    )  # fmt: skip
    words = shlex.split(call.shell())
    assert words[:2] == ["unsee", "explain"]
    options = parse(Explain, words[2:], "unsee explain")
    assert options.photos == ("my dog.png",)
    assert options.classifier == "timm:resnet18"
    assert options.method == "rise:samples=20"
    assert (options.infiller, options.target, options.contrast) == (
        "blur", "tabby, tabby cat", "beagle",
    )  # fmt: skip
    assert (options.seed, options.budget) == (3, "300")
    program = call.python()
    compile(program, "call", "exec")
    assert "measure=unsee.Against('beagle')" in program
    assert "budget=300" in program
    assert Call(photo="a.png").shell() == "unsee explain a.png"
    assert "unsee.explain(classifier, 'a.png')" in Call(photo="a.png").python()


def test_comparison_has_every_map_and_a_conclusion(images) -> None:
    image, entries = images[:1, :, :24, :24], []
    for method in ("random", "gradient"):
        study = Study.of(load("tests.toys:classifier"), image, method)
        study.finish()
        entries.append(measure_study(study, method, ""))
    sentence = conclusion(entries)
    best = min(entries, key=lambda entry: entry.measurements["deletion"])
    assert f"{best.title} has the best deletion area" in sentence
    maps = [(entry.title, entry.saliency) for entry in entries]
    table = short_table(entries, ("method", ""))
    pictures = Pictures(comparison_page(image, "<title>", sentence, maps, table)).pictures
    assert [picture["alt"] for picture in pictures] == [
        "the photo", "map of random over the photo", "map of gradient over the photo",
    ]  # fmt: skip
