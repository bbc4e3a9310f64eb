"""benchmarks/gallery.py at a tiny size."""

import runpy

import pytest
from PIL import Image

from tests.evaluation.runs import ROOT
from unsee import load


@pytest.fixture
def gallery(monkeypatch):
    """Return the names of the script, with methods of few passes."""
    names = runpy.run_path(str(ROOT / "benchmarks/gallery.py"))
    monkeypatch.setitem(names["strips"].__globals__, "FIDO", "fido:steps=1,samples=1,grid=28")
    monkeypatch.setitem(names["strips"].__globals__, "BBMP", "bbmp:steps=1")
    return names


def test_strips_are_drawn_with_their_agreement(gallery, tmp_path) -> None:
    strips = gallery["strips"](None)
    assert {"objectives", "infillers", "networks", "sparsity", "grid", "seeds"} <= strips.keys()
    assert {"sparsity-random", "resolutions", "variation"} <= strips.keys()
    agreement = gallery["draw"](strips["networks"], gallery["PHOTOS"], tmp_path / "networks.jpg")
    assert -1 <= agreement < 1
    with Image.open(tmp_path / "networks.jpg") as picture:
        assert picture.width > 2.5 * picture.height


def test_holes_show_each_infiller(gallery, tmp_path) -> None:
    classifier = load("efficientnet_lite0")
    table = gallery["holes"](classifier, gallery["PHOTOS"], ["coffee"], tmp_path / "holes.jpg")
    head, _, row = table.splitlines()
    assert head == "| photo | as it is | mean | blur | random | local | painter | patchmatch |"
    whole, *filled = (int(cell.strip().rstrip("%")) for cell in row.split("|")[2:-1])
    assert whole > 80
    assert len(filled) == 6
    assert min(filled) < 40
    assert (tmp_path / "holes.jpg").stat().st_size > 10_000


def test_casm_is_shown_in_four_pictures(gallery, tmp_path) -> None:
    classifier = load("efficientnet_lite0")
    table = gallery["masked"](classifier, gallery["PHOTOS"], ["panda"], tmp_path / "casm.jpg")
    whole, inside, outside, painted = (
        int(cell.strip().rstrip("%")) for cell in table.splitlines()[-1].split("|")[2:6]
    )
    assert whole > 80 > 50 < inside
    assert max(outside, painted) < 30
    assert (tmp_path / "casm.jpg").stat().st_size > 10_000


def test_labels_serve_a_classifier_without_names(gallery) -> None:
    picture = gallery["Picture"]("", "random", None, "tests.toys:classifier")
    result = gallery["explain"](picture, gallery["PHOTOS"] / "panda.jpg", list("abcde"))
    assert result.answer[0] in "abcde"
