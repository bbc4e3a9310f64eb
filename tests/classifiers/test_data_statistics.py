"""Mean colour and deviation of the data, also of models that take pixels as they are."""

import numpy as np
import pytest
import torch
from torch import nn

import unsee
from tests.conftest import Convolutional
from unsee import Classifier, Framing, InputError, create, explain, load
from unsee.classifiers.normalisation import IMAGENET_MEAN, IMAGENET_STD
from unsee.study import Study

FRAMING = Framing((32, 32))
PIXELS = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
STATED = {"data_mean": (0.3, 0.4, 0.5), "data_std": (0.1, 0.2, 0.3)}


def normalised(images):
    mean, std = (images.new_tensor(v).view(-1, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (images - mean) / std


class Inside(nn.Module):
    """A network whose normalisation is a part of it."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.network, self.factor = Convolutional(), factor

    def forward(self, x):
        return self.network(normalised(x / self.factor))


def of_bytes():
    """A network that takes pixels from 0 to 255, as ONNX files of Keras do."""
    return Classifier(
        Inside(255.0).eval(), mean=(0.0,) * 3, std=(1 / 255,) * 3, framing=FRAMING, chunk=16
    )


def make_classifier():
    return Classifier(Convolutional().eval(), framing=FRAMING)


@torch.no_grad()
def probabilities(images):
    return Convolutional().eval()(normalised(torch.from_numpy(images))).softmax(1).numpy()


UNNORMALISED = {
    "module": lambda: Classifier(Inside().eval(), **PIXELS, framing=FRAMING, chunk=16),
    "pixels to 255": of_bytes,
    "black box": lambda: unsee.black_box(probabilities, size=(32, 32)),
    "specification": lambda: load(f"blackbox:{__name__}:probabilities", size=(32, 32)),
}


@pytest.mark.parametrize("kind", UNNORMALISED)
def test_a_network_has_the_same_map_and_areas_with_its_normalisation_inside(kind, images) -> None:
    own = Classifier(Convolutional().eval(), framing=FRAMING, chunk=16)
    results = []
    for classifier in (own, UNNORMALISED[kind]()):
        study = Study.of(classifier, images, "rise:samples=200", targets=[1, 2, 0])
        saliency = study.finish().saliency
        areas = [
            create("metrics", area, protocol=protocol).rate(study.score, saliency)
            for area in ("deletion", "insertion")
            for protocol in ("rise", "clean")
        ]
        results.append((saliency, torch.stack(areas)))
    for first, second in zip(*results, strict=True):
        torch.testing.assert_close(first, second, atol=1e-3, rtol=1e-3)


def test_noise_has_the_same_scale_with_the_normalisation_inside(images) -> None:
    method = "igos_pp:steps=2,sparsity=0,smoothness=0"
    own, inside = (
        explain(classifier, images, method, targets=[1, 2, 0]).saliency
        for classifier in (
            Classifier(Convolutional().eval(), framing=FRAMING, chunk=16),
            UNNORMALISED["module"](),
        )
    )
    torch.testing.assert_close(own, inside, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("channels", "std", "expected"),
    [
        (3, 1.0, (IMAGENET_MEAN, IMAGENET_STD)),
        (3, 1 / 255, (IMAGENET_MEAN, IMAGENET_STD)),
        (1, 1.0, ((0.5,), (0.25,))),
        (4, 1.0, ((0.5,) * 4, (0.25,) * 4)),
    ],
)
def test_a_mean_of_zero_is_not_that_of_the_data(channels, std, expected) -> None:
    settings = {"mean": (0.0,) * channels, "std": (std,) * channels}
    for classifier in (Classifier(len, **settings), unsee.black_box(len, **settings)):
        assert (classifier.data_mean, classifier.data_std) == expected
        assert (classifier.mean, classifier.std) == tuple(settings.values())


@pytest.mark.parametrize("mean", [(0.4,) * 3, (0.0, 0.0, 0.1)])
def test_another_mean_is_that_of_the_data(mean) -> None:
    classifier = Classifier(len, mean=mean, std=(1.0,) * 3)
    assert (classifier.data_mean, classifier.data_std) == (mean, (1.0,) * 3)


def test_what_is_stated_is_that_of_the_data() -> None:
    black = Classifier(len, **PIXELS, data_mean=(0.0,) * 3)
    assert (black.data_mean, black.data_std) == ((0.0,) * 3, IMAGENET_STD)


@pytest.mark.parametrize("values", [np.array, torch.tensor, list])
def test_statistics_may_be_any_sequence(values, unchecked) -> None:
    classifier = Classifier(len, **{name: values(numbers) for name, numbers in STATED.items()})
    assert classifier.data_mean == pytest.approx(STATED["data_mean"])
    assert classifier.data_std == pytest.approx(STATED["data_std"])


@pytest.mark.parametrize("nothing", [None, (), []])
def test_statistics_may_be_left_out(nothing, unchecked) -> None:
    for settings, mean in (
        ({}, IMAGENET_MEAN),
        (PIXELS, IMAGENET_MEAN),
        ({"mean": (0.4,) * 3}, (0.4,) * 3),
    ):
        assert Classifier(len, **settings, data_mean=nothing, data_std=nothing).data_mean == mean


@pytest.mark.parametrize(
    "spec",
    [
        "file:{}/w.pt,architecture=tests.conftest:Convolutional",
        "tests.conftest:Convolutional",
        f"{__name__}:make_classifier",
        f"blackbox:{__name__}:probabilities",
    ],
)
def test_the_data_is_a_setting_of_models_without_preprocessing(spec, tmp_path) -> None:
    torch.save(Convolutional().state_dict(), tmp_path / "w.pt")
    settings = "data_mean=0.3,0.4,0.5,data_std=0.1,0.2,0.3"
    plain, stated = load(spec.format(tmp_path)), load(f"{spec.format(tmp_path)},{settings}")
    assert (plain.data_mean, plain.data_std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert {name: getattr(stated, name) for name in STATED} == STATED
    assert (stated.mean, stated.std) == (plain.mean, plain.std)
    both = load(spec.format(tmp_path), **PIXELS, data_mean=(0.1, 0.2, 0.3))
    assert (both.mean, both.data_mean) == ((0.0,) * 3, (0.1, 0.2, 0.3))
    assert both.data_std == IMAGENET_STD


def test_the_data_is_a_setting_of_black_boxes() -> None:
    box = unsee.black_box(probabilities, **STATED)
    assert {name: getattr(box, name) for name in STATED} == STATED


def test_statistics_of_another_number_of_channels_are_refused() -> None:
    for settings in (
        {"data_mean": (0.5,), "data_std": (0.2,)},
        {"mean": (0.5,), "std": (0.2,), **STATED},
    ):
        with pytest.raises(InputError, match=r"data_mean has \d channels, mean has \d"):
            unsee.black_box(len, **settings)
