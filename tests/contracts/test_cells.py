"""Properties of every kind of cells, and of every method that has cells."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from tests.conftest import masked_score, small
from tests.contracts.test_methods import installed, quick
from unsee import Framing, InputError, available, create, explain
from unsee.cells.base import ShownPhoto
from unsee.masking.slots import bind_cells
from unsee.methods._cells import check_cells, with_cells
from unsee.methods._ranking_network import initial_ranking
from unsee.methods._warm_start import remove_top
from unsee.registry import part, resolve, settings_of, summary

SIDE = 32
SEGMENTS = [name for name in available("cells") if name != "grid"]
SETTINGS = {"slic": {"n": 25}, "felzenszwalb": {"n": 25, "scale": 5.0, "least": 5}}
TAKING = [name for name in available("methods") if part("methods", name).traits.cells]
CLASSIFYING = [name for name in TAKING if part("methods", name).traits.uses_classifier]


@pytest.fixture(autouse=True)
def constant_maps(constant_maps_accepted) -> None:
    """Accept constant maps: a few steps on random weights may end at one."""


@pytest.fixture(params=SEGMENTS)
def cells(request, tmp_path):
    return cells_named(request.param, tmp_path)


def cells_named(name, folder):
    settings = SETTINGS.get(name, {})
    if name == "labels":
        rows, columns = np.mgrid[:SIDE, :SIDE] // 8
        np.save(folder / "map.npy", rows * 4 + columns)
        settings = {"path": str(folder / "map.npy")}
    return create("cells", name, **settings)


@pytest.fixture
def method(request):
    """A method of few passes whose settings of cells have their defaults."""
    name = request.param
    if not installed(part("methods", name)):
        pytest.skip(f"{name} needs another package")
    if part("methods", name).traits.requires:
        pytest.importorskip(part("methods", name).traits.requires, exc_type=ImportError)
    method = small(name)
    defaults = {f.name: f.default for f in fields(method) if f.name in method.traits.cells}
    return replace(method, **defaults)


def shortened(method, **most):
    """The method with at most so many steps, samples or points."""
    values = {key: min(value, getattr(method, key, 0)) for key, value in most.items()}
    return replace(method, **{key: value for key, value in values.items() if value})


def each(names):
    return pytest.mark.parametrize("method", names, indirect=True)


def test_segments_are_numbered_and_depend_on_nothing_else(cells, images) -> None:
    shown = [ShownPhoto(image, Framing((SIDE, SIDE))) for image in images]
    labels = [cells.labels(photo) for photo in shown]
    assert all(map(torch.equal, labels, [cells.labels(photo) for photo in reversed(shown)][::-1]))
    for segments in labels:
        assert segments.shape == (SIDE, SIDE)
        count = int(segments.max()) + 1
        assert segments.unique().tolist() == list(range(count))
        assert count <= (cells.limit or 16)


@pytest.mark.parametrize("name", available("cells"))
def test_cells_are_frozen_hashable_and_documented(name) -> None:
    cells = create("cells", name)
    assert hash(cells) == hash(create("cells", name))
    assert settings_of(cells)["name"] == name
    assert summary("cells", name).endswith(".")


@pytest.mark.parametrize("name", ["slic", "felzenszwalb"])
@each(CLASSIFYING)
def test_map_is_higher_on_the_object_and_the_same_within_a_segment(
    method, name, classifier, images, tmp_path
) -> None:
    cells = cells_named(name, tmp_path)
    method = shortened(method, samples=100, steps=12, path=2)
    explanation = explain(classifier, images, method, infiller="grey", targets=1, cells=cells)
    saliency = explanation.saliency
    assert saliency.shape == (3, SIDE, SIDE)
    inside, outside = saliency[:, :14, :14].mean((1, 2)), saliency[:, 18:, 18:].mean((1, 2))
    assert (inside > outside).all(), (inside, outside)
    for image, values in zip(images, saliency, strict=True):
        labels = cells.labels(ShownPhoto(image, Framing((SIDE, SIDE))))
        for number in labels.unique():
            assert len(values[labels == number].unique()) == 1
    assert explanation.provenance["cells"] == settings_of(cells)
    assert all(2 <= count <= 25 for count in explanation.provenance["segments"])


@each(TAKING)
def test_map_is_independent_of_batch_and_order(method, network, images) -> None:
    images = images[:2].clone()
    images[1] = 0.2  # it has fewer segments
    images[1, :, :16] = 0.8
    method = shortened(method, samples=40, steps=3, path=2)
    settings = {"targets": 2, "cells": "felzenszwalb:n=25,scale=1,least=5"}
    batch = explain(network, images, method, **settings)
    few, many = sorted(batch.provenance["segments"])
    assert few < many
    reverse = explain(network, images.flip(0), method, **settings).saliency.flip(0)
    alone = [explain(network, image[None], method, **settings) for image in images]
    torch.testing.assert_close(batch.saliency, reverse, atol=2e-3, rtol=1e-2)
    singles = torch.cat([single.saliency for single in alone])
    torch.testing.assert_close(batch.saliency, singles, atol=2e-3, rtol=1e-2)


@pytest.mark.parametrize("name", ["rise", "tide"])
def test_deterministic_maps_are_those_of_single_images(name, network, images) -> None:
    settings = {"samples": 8} if name == "rise" else {"steps": 2}
    settings |= {"targets": 2, "cells": "slic:n=25", "deterministic": True}
    batch = explain(network, images, name, **settings).saliency
    alone = [explain(network, image[None], name, **settings).saliency for image in images]
    assert torch.equal(batch, torch.cat(alone))


@pytest.mark.parametrize("name", ["tide", "rise", "lime"])
def test_a_grid_is_what_there_is_without_cells(name, network, images) -> None:
    method = quick(small(name))
    plain = explain(network, images[:1], method)
    grid = explain(network, images[:1], method, cells="grid")
    assert torch.equal(plain.saliency, grid.saliency)
    assert plain.provenance["cells"] == grid.provenance["cells"] == {"name": "grid"}


@pytest.mark.parametrize("name", [n for n in available("methods") if n not in TAKING])
def test_methods_without_cells_refuse_segments_and_name_those_with_cells(name) -> None:
    with pytest.raises(InputError, match=f"{name} has no cells for slic") as error:
        check_cells(small(name), "slic")
    assert all(other in str(error.value) for other in TAKING)
    assert "\n" not in str(error.value)
    check_cells(small(name), "grid")
    check_cells(small(name), None)


@pytest.mark.parametrize("name", TAKING)
def test_settings_that_segments_replace_are_refused(name) -> None:
    for setting in part("methods", name).traits.cells:
        value = "grid" if setting == "superpixels" else 5
        method = create("methods", name, **{setting: value})
        with pytest.raises(InputError, match=f"{setting}={value}.* omit one of both"):
            check_cells(method, "slic")
        check_cells(method, "grid")


@pytest.mark.parametrize("name", TAKING)
def test_a_budget_holds_with_segments(name, network, images) -> None:
    from unsee import Study

    method = create("methods", name)
    if method.traits.requires:
        pytest.importorskip(method.traits.requires, exc_type=(ImportError, RuntimeError))
    study = Study.of(network, images[:1], method, cells="slic:n=25", budget=30)
    study.finish()
    cost = study.explanation.provenance["cost"]
    assert cost["forwards"] <= 40


def test_a_warm_start_is_brought_to_segments(network, images) -> None:
    slots = bind_cells(create("cells", "slic", n=25), images, Framing((SIDE, SIDE)), [None] * 3)
    method = with_cells(replace(small("igos_pp"), grid=28, warm_start="random"), slots)
    score = replace(masked_score(network, images), slots=slots)
    masks = method.begin(score).prod(1, keepdim=True)
    assert masks.shape == (3, 1, 1, slots.side, slots.side)
    ranking = initial_ranking(score, "random")
    expected = remove_top(masks, slots.means(score.to_pixels(ranking)))
    torch.testing.assert_close(masks, expected)
    assert (masks.flatten(1).std(1) > 0).all()


def test_a_number_of_cells_is_a_setting_of_the_method(network, images) -> None:
    explanation = explain(network, images, "rise", cells=3, samples=8)
    assert explanation.provenance["method"]["cells"] == 3
    assert explanation.provenance["cells"] == {"name": "grid"}
    with pytest.raises(InputError, match="cells"):
        explain(network, images, "tide", cells=3, steps=1)


def test_a_method_that_was_made_for_a_grid_is_not_run_on_slots(network, images) -> None:
    slots = bind_cells(create("cells", "slic", n=25), images, Framing((SIDE, SIDE)), [None] * 3)
    score = replace(masked_score(network, images), slots=slots)
    assert create("methods", "tide").fitted(score).grid == slots.side
    for name, message in (("tide:grid=8", "omit one of both"), ("sliding_patch", "has no cells")):
        with pytest.raises(InputError, match=message):
            resolve("methods", name).attribute(score)
