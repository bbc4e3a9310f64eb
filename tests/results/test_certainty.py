"""What a result says about its certainty: notes, and the variation over seeds."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tests.conftest import Convolutional, small, toy
from tests.results.test_regions import SIDE, network
from unsee import Study
from unsee.errors import Note
from unsee.images.reading import PhotoFile
from unsee.metrics._similarity import similarity
from unsee.results.assessment import assess
from unsee.results.panel import panel

LONG = "Wirehaired MMMMMM pointing griffon WWWWWWWWWW"


def finished(classifier, image, method="random", **options) -> Study:
    study = Study.of(classifier, image, method, **options)
    study.finish()
    return study


def with_square(square: float) -> torch.Tensor:
    image = torch.full((1, 3, SIDE, SIDE), 0.5)
    image[..., 4:12, 4:12] = square
    return image


def test_a_region_with_an_effect_needs_no_note() -> None:
    study = finished(network(), with_square(1.0), small("sliding_patch"), targets=1)
    assert assess(study).note == ""
    assert assess(study, 0.001).note == ""  # this share has no effect, another one has


def test_a_map_whose_regions_have_no_effect_has_a_note() -> None:
    noise = replace(small("rise"), coverage="expected")
    study = finished(network(), with_square(0.5), noise, targets=0)
    study.words = Note.in_shell
    note = assess(study).note
    assert "no share of the most important pixels changes the answer" in note
    assert "the photo that is wholly in-filled scores as high" in note
    assert note.endswith("(--budget best) or another in-filler")
    manifest = assess(study).manifest(PhotoFile(study.score.images[0], "a.png", ""))
    assert manifest["note"] == note
    assert study.explanation.notes == [""]  # which regions have no effect is not measured there


def seeds_of(study: Study) -> list[Study]:
    """Return a study for each seed."""
    return [
        finished(study.score.classifier, study.score.images, study.method, seed=study.seed + i)
        for i in range(study.repeats)
    ]


def test_variation_is_that_of_the_maps_of_the_seeds() -> None:
    study = finished(network(), with_square(1.0), small("rise", samples=40), repeats=2, seed=5)
    alone = [assess(one) for one in seeds_of(study)]
    maps = [one.study.explanation.saliency[0] for one in alone]
    pairs = [similarity(a, b) for a, b in combinations(maps, 2)]
    variation = assess(study).variation
    assert variation.rank_correlation == pytest.approx(np.mean(pairs), abs=1e-5)
    assert 0 < variation.rank_correlation < 1
    for key in ("removed", "kept"):
        shares = [one.shares[key] for one in alone if one.has_effect[key]]
        assert variation.effective[key] == len(shares) > 0
        assert variation.ranges[key] == pytest.approx((min(shares), max(shares)))
    assert assess(study, 0.2).variation == variation  # a fixed share is the same for all seeds


def test_seeds_without_an_effect_are_counted() -> None:
    study = finished(network(), with_square(0.5), "random", targets=0, repeats=2)
    variation = assess(study).variation
    assert variation.ranges == {"removed": None, "kept": None}
    assert "smallest share whose removal changes the answer: none" in variation.line()
    some = replace(variation, effective={"removed": 1}, ranges={"removed": (0.081, 0.114)})
    assert some.range_in_words("removed") == "8 to 11% (1 of 2 seeds)"


def test_manifest_states_the_variation() -> None:
    study = finished(network(), with_square(1.0), "random", repeats=2)
    photo = PhotoFile(study.score.images[0], "a.png", "")
    variation = assess(study).manifest(photo)["variation"]
    assert set(variation) == {"rank_correlation", "share", "seeds_with_effect"}
    assert abs(variation["rank_correlation"]) < 0.1  # random maps
    single = finished(network(), with_square(1.0), "random")
    assert "variation" not in assess(single).manifest(photo)


@pytest.mark.parametrize(("label", "repeats"), [("cat", 1), (LONG, 3)])
def test_no_text_overlaps_another_or_leaves_the_panel(repeats, label, images) -> None:
    classifier = toy(Convolutional(), labels=(label,) * 5)
    study = finished(classifier, images[:1], small("rise"), targets=4, repeats=repeats)
    assessment = assess(study)
    assert assessment.note
    figure = panel(assessment, images[0], np.zeros((32, 32, 3), np.uint8))
    figure.set_dpi(110)  # that of panel.png
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [axes.title, axes._left_title, *axes.texts]
        if axes.axison:
            texts += [axes.xaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()]
    boxes = {text: text.get_window_extent(renderer) for text in texts if text.get_text()}
    for text, box in boxes.items():
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.width, text
        assert box.y1 <= figure.bbox.height, text
    small_labels = {"<1%", "2%"}
    overlapping = [
        (a.get_text(), b.get_text())
        for (a, first), (b, second) in combinations(boxes.items(), 2)
        if first.padded(-3).overlaps(second.padded(-3))
        and not {a.get_text(), b.get_text()} & small_labels
    ]
    assert not overlapping
    assert any(text.get_text().startswith("No evidence found") for text in figure.texts)
    assert any(text.get_text() == "Top 15% removed" for text in boxes)
