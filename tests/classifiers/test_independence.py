"""A model whose outputs for an image depend on more than that image is refused."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.conftest import Before, Convolutional, toy
from unsee import InputError, explain
from unsee.classifiers.checks import check_images
from unsee.classifiers.random_state import RandomState, draws_in_python

BATCH, CHANCE, STATE = "other images of the batch", "draws random numbers", "changes its own"
CPU = torch.device("cpu")


class After(Convolutional):
    """Changes the outputs."""

    def __init__(self, change) -> None:
        super().__init__()
        self.change = change

    def forward(self, x):
        return self.change(super().forward(x))


class Recurrent(Convolutional):
    """An LSTM whose sequence is the batch: `batch_first` was forgotten."""

    def __init__(self) -> None:
        super().__init__(16)
        self.lstm, self.last = nn.LSTM(16, 16), nn.Linear(16, 5)

    def forward(self, x):
        return self.last(self.lstm(super().forward(x)[:, None])[0][:, -1])


def seeded_by_place(x):
    return x + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))


def refused(model, images, words, **settings) -> None:
    classifier = toy(model, **settings)
    with pytest.raises(InputError, match=words):
        explain(classifier, images[:1], "rise", samples=4)
    assert not classifier.has_own_rows


@pytest.mark.parametrize("contrast", [1.0, 0.3])
@pytest.mark.parametrize(
    "model",
    [
        Recurrent,
        lambda: After(lambda z: z.cumsum(0)),
        lambda: After(lambda z: torch.cat([z[:1], z[1:] + z[:-1] / 2])),
        lambda: After(lambda z: z + z.flip(0) / 2),
        lambda: After(lambda z: torch.cat([z[:-1], z[-1:] * (1 if len(z) == 1 else 2)])),
        lambda: Before(lambda x: x / x.abs().max()),
        lambda: Before(lambda x: x - x.amin()),
        lambda: Before(lambda x: x - x.mean()),
        lambda: Before(seeded_by_place),
    ],
    ids=["lstm", "cumsum", "previous", "flip", "last", "max", "min", "mean", "seeded"],
)
def test_other_rows_at_any_place(model, contrast, images) -> None:
    refused(model(), 0.4 + contrast * (images - 0.4), f"{BATCH}|{CHANCE}")


def test_other_rows_are_compared_for_a_dim_image_too() -> None:
    full = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).round()
    refused(Before(lambda x: x / x.abs().max()), full, BATCH)


def test_a_model_that_takes_valid_pixels_only_is_checked(images) -> None:
    def gamma(x):
        return (x + 0.4).pow(1 / 2.2)  # NaN below the pixels of black

    class Dropout(Before):
        def forward(self, x):
            return F.dropout(super().forward(x), 0.5, True)

    class Statistics(Before):
        def forward(self, x):
            z = super().forward(x)
            return z - z.mean(0) * (len(z) > 1)

    refused(Dropout(gamma), images, "other numbers each time")
    refused(Statistics(gamma), images, BATCH)
    classifier = toy(Before(gamma))
    classifier.require_own_rows(images)
    assert classifier.has_own_rows


@pytest.mark.parametrize("lacks", ["memory", "numbers"])
def test_nothing_compared_is_nothing_checked(lacks, images) -> None:
    def change(x):
        if lacks == "memory" and len(x) > 1:
            raise MemoryError
        return x * (torch.nan if lacks == "numbers" else 1)

    classifier = toy(Before(change))
    classifier.require_own_rows(images)
    assert not classifier.has_own_rows


@pytest.mark.parametrize("row", [0, 1])
def test_nan_beside_others_is_a_difference(row, images) -> None:
    def spoiled(z):
        place = torch.arange(len(z))[:, None] == row
        return torch.where(place & torch.tensor(len(z) > 1), torch.nan, z)

    refused(After(spoiled), images, BATCH)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("quantised", [False, True])
def test_ordinary_networks_are_accepted(quantised, images) -> None:
    network = nn.Sequential(Convolutional(32), nn.ReLU(), nn.Linear(32, 5)).eval()
    if quantised:
        network = torch.ao.quantization.quantize_dynamic(network, {nn.Linear}, torch.qint8)
    classifier = toy(network)
    classifier.require_own_rows(images)
    assert classifier.has_own_rows


def rarely(draw):
    return lambda x: x.flip(3) if draw() < 1e-9 else x


def reseeded(x):
    torch.manual_seed(0)
    return x + 1e-6 * torch.randn(1)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (rarely(lambda: torch.rand(())), "torch"),
        (rarely(np.random.random), "NumPy"),
        (rarely(random.random), "Python"),
        (reseeded, "torch"),
    ],
    ids=["torch", "NumPy", "Python", "seeded"],
)
def test_a_pass_that_draws_is_refused_and_the_generators_restored(change, name, images) -> None:
    model = Before(change)
    before = RandomState(CPU)
    refused(model, images, rf"{CHANCE}.*\({name}\)")
    assert set(before.changed()) <= {"Python"}  # type checks of the tests draw from it


def test_a_draw_in_the_first_pass_only_is_no_chance(images) -> None:
    first = []

    def change(x):
        if not first:
            first.append(torch.rand(()))
        return x

    classifier = toy(Before(change))
    classifier.require_own_rows(images)
    assert classifier.has_own_rows


def test_checks_of_types_are_no_draws() -> None:
    from tests.typechecker import checked

    @checked
    def function(values: list[int]) -> None:
        random.getstate()

    before = random.getstate()
    assert not draws_in_python(lambda: function([1, 2, 3]))
    assert random.getstate() != before  # the type checker has drawn
    assert draws_in_python(lambda: random.choice([1, 2]))
    assert draws_in_python(lambda: random.seed(1))
    assert not draws_in_python(lambda: check_images(torch.rand(1, 3, 2, 2), 3))


class Stateful(Convolutional):
    """Has a buffer that each pass changes in a way that outputs show hardly or not at all."""

    def __init__(self, update) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(5))
        self.update = update

    def forward(self, x):
        z = super().forward(x)
        with torch.no_grad():
            self.update(self, z)
        return z - self.centre


def replaced(network, z):
    network.centre = network.centre + 1e-6


UPDATES = {
    "in place": lambda network, z: network.centre.mul_(1 - 1e-5).add_(1e-5 * z.mean(0)),
    "data": lambda network, z: network.centre.data.add_(1e-6),
    "replaced": replaced,
    "parameter": lambda network, z: network.head.bias.data.mul_(1 + 1e-6),
    "not the first pass": lambda network, z: network.centre.add_(1e-6 * (len(z) > 1)),
}


@pytest.mark.parametrize("kind", UPDATES)
def test_a_pass_that_changes_the_model_is_refused_and_the_model_restored(kind, images) -> None:
    model = Stateful(UPDATES[kind]).eval()
    buffer, bias = model.centre, model.head.bias
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    name = "head.bias" if kind == "parameter" else "centre"
    refused(model, images, rf"{STATE} {name} in a pass")
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert model.centre is buffer
    assert model.head.bias is bias


def test_a_buffer_of_nan_has_not_changed(images) -> None:
    model = Convolutional()
    model.register_buffer("unused", torch.full((3,), torch.nan))
    toy(model).require_own_rows(images)


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (lambda z, y: (z.cumsum(0) / torch.arange(1, len(z) + 1)[:, None])[:, 1], "beside others"),
        (lambda z, y: (z / z.norm(dim=1).max())[:, 1], "beside others"),
        (lambda z, y: (z / z.norm(dim=1).min())[:, 1], "beside others"),
        (lambda z, y: z[:, 1] * (torch.rand(()) > 1e-9), r"draws random numbers.*\(torch\)"),
        (lambda z, y: z[:, 1] * (random.random() > 1e-9), r"draws random numbers.*\(Python\)"),
    ],
)
def test_measures_that_see_other_rows_or_chance(measure, words, images) -> None:
    classifier, before = toy(Convolutional()), RandomState(CPU)
    with pytest.raises(InputError, match=words):
        explain(classifier, images[:1], "rise", samples=4, measure=measure)
    assert "torch" not in before.changed()
