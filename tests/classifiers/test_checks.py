"""What a model, a measure or a batch may not return or be."""

import copy
import dataclasses

import pytest
import torch
from torch import nn

from tests.conftest import Convolutional, small, toy
from unsee import Classifier, Framing, InputError, Study, black_box, create, explain
from unsee.classifiers.chunked import map_chunks
from unsee.classifiers.measures import log_odds, probability


class Returning(nn.Module):
    """A network whose outputs are changed by a function."""

    def __init__(self, change) -> None:
        super().__init__()
        self.network, self.change = Convolutional(), change

    def forward(self, x):
        return self.change(self.network(x))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"chunk": 0}, "chunk as a whole number above zero, got 0"),
        ({"chunk": -1}, "chunk as a whole number above zero, got -1"),
        ({"chunk": "a"}, "chunk as a whole number above zero, got 'a'"),
        ({"name": b"net"}, "expected name as a text, got bytes b'net'"),
        ({"name": None}, "expected name as a text, got NoneType"),
        ({"framing": "crop"}, "framing as a Framing, got 'crop'"),
        ({"data_mean": (0.5,), "data_std": (0.5, 0.5)}, "data_mean has 1 channels, data_std has 2"),
        ({"data_std": (0.0,) * 3}, "above zero as data_std"),
        ({"mean": (123.675, 116.28, 103.53), "std": (58.4, 57.1, 57.4)}, "std by 255 if they are"),
        ({"mean": (0.0,) * 3, "std": (255.0,) * 3}, r"expected std for pixels in \[0, 1\], got"),
        ({"data_mean": (127.0,) * 3}, "expected data_mean for pixels in"),
    ],
)
def test_settings_that_cannot_be_used(settings, words, unchecked) -> None:
    with pytest.raises(InputError, match=words):
        dataclasses.replace(toy(Convolutional()), **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": (0, 5)}, r"expected size=\(height, width\) in pixels, got \(0, 5\)"),
        ({"size": (5, -1)}, r"got \(5, -1\)"),
        ({"size": (10**9, 10**9)}, "at most 67,108,864 pixels"),
        ({"size": (1.5, 5)}, r"got \(1.5, 5\)"),
        ({"fit": "cut"}, "unknown fit 'cut'"),
        ({"interpolation": "x"}, "unknown interpolation 'x'"),
        ({"share": 0.0}, "share > 0 and <= 1, got 0.0"),
        ({"share": 2.0}, "got 2.0"),
        ({"share": float("nan")}, "got nan"),
    ],
)
def test_framings_that_cannot_be_used(settings, words, unchecked) -> None:
    with pytest.raises(InputError, match=words):
        Framing(**settings)


def test_layers_without_a_shape_are_refused() -> None:
    with pytest.raises(InputError, match="layers without a shape"):
        Classifier(nn.Sequential(nn.Flatten(), nn.LazyLinear(3)).eval())


@pytest.mark.parametrize(
    "change",
    [torch.Tensor.to_sparse, lambda y: y * 1j, lambda y: y.to("meta")],
    ids=["sparse", "complex", "meta"],
)
def test_outputs_without_real_numbers_are_refused(change, images, recwarn) -> None:
    with pytest.raises(InputError, match="logits as real numbers from the model"):
        toy(Returning(change)).predict(images)
    assert not recwarn


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (lambda logits, targets: "text", r"a tensor \(\d+,\) from the measure"),
        (lambda logits, targets: logits, r"a tensor \(\d+,\) from the measure"),
        (lambda logits, targets: logits[:, 0] * 1j, "floats on cpu from the measure"),
        (lambda logits, targets: 1 / 0, "measure <lambda> failed .ZeroDivisionError"),
        (lambda logits, targets: logits[:, 0].detach(), "has no gradient"),
        (lambda logits, targets: logits[:, 0] - logits[:, 0].mean(), "beside others"),
        (lambda logits, targets: logits.softmax(0)[:, 0], "beside others"),
        (lambda logits, targets: torch.rand(len(logits)) + 0 * logits[:, 0], "beside others"),
    ],
)
def test_measures_that_cannot_be_used(measure, words, images) -> None:
    method = small("bbmp", steps=1)
    with pytest.raises(InputError, match=words):
        explain(toy(Convolutional()), images, method, measure=measure)


def test_a_measure_of_a_user_gives_the_score(images) -> None:
    network, targets = toy(Convolutional()), torch.tensor([0, 1, 2])
    own = network.score(images, targets, lambda logits, y: probability(logits, y))
    assert torch.equal(own, network.score(images, targets, probability))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory")])
def test_any_lack_of_memory_halves_the_batch(error) -> None:
    sizes = []

    def function(rows, part):
        sizes.append(len(rows))
        if len(rows) > 2:
            raise error
        return rows[:, 0]

    rows = torch.rand(4, 3)
    assert torch.equal(map_chunks(function, rows, 4), rows[:, 0])
    assert sizes == [4, 2, 2]


class Spoiling(Convolutional):
    """A network that returns NaN for bright images, or only for those with a masked part."""

    def __init__(self, when_masked: bool) -> None:
        super().__init__()
        self.when_masked = when_masked

    def forward(self, x):
        wrong = x.amax((1, 2, 3)) > 0.3
        if self.when_masked:
            wrong &= x.amin((1, 2, 3)) < 0.1
        return torch.where(wrong[:, None], torch.nan, super().forward(x))


@pytest.mark.parametrize("when_masked", [False, True])
@pytest.mark.parametrize("deterministic", [False, True])
def test_an_image_is_named_by_its_number_in_the_batch(deterministic, when_masked) -> None:
    batch = torch.tensor([0.3, 0.9, 0.3]).view(3, 1, 1, 1).expand(3, 3, 32, 32)
    method = small("sliding_patch")
    with pytest.raises(InputError, match="NaN or infinity for image 1 "):
        explain(toy(Spoiling(when_masked)), batch, method, deterministic=deterministic)


def test_training_mode_is_noticed_whenever_it_is_set(images) -> None:
    classifier = toy(Convolutional())
    study = Study.of(classifier, images, "rise", samples=4)
    mean = classifier.network.features[1].running_mean
    before = mean.clone()
    classifier.network.train()
    for use in (
        lambda: explain(classifier, images, "rise", samples=4),
        lambda: classifier.predict(images),
        study.finish,
        lambda: study.score(torch.ones(len(images), 1, 1, *images.shape[-2:])),
        lambda: create("metrics", "deletion").rate(study.score, images.mean(1)),
        lambda: classifier.score(images, study.score.targets, log_odds),
        lambda: classifier.logits(images),
        lambda: classifier.features(images, ["features"]),
    ):
        with pytest.raises(InputError, match=r"training mode; call model.eval\(\) first"):
            use()
    assert torch.equal(mean, before)


@pytest.mark.parametrize("of", [lambda model: model, lambda model: model.forward])
def test_a_black_box_that_is_a_module_in_training_mode_is_refused(of, images) -> None:
    model, settings = Convolutional(), {"size": (32, 32), "tensors": True, "outputs": "logits"}
    with pytest.raises(InputError, match="training mode"):
        black_box(of(model.train()), **settings)
    box = black_box(of(model.eval()), **settings)
    assert len(box.predict(images)) == 3
    model.train()
    with pytest.raises(InputError, match="training mode"):
        box.predict(images)


def plain(model: nn.Module) -> Classifier:
    """A classifier as that of `toy`, without a call of `eval`."""
    return Classifier(model, mean=(0.4,) * 3, std=(1.0,) * 3, framing=Framing((32, 32)), chunk=16)


def exported(batch) -> nn.Module:
    shapes = ({0: torch.export.Dim("n")},)
    return torch.export.export(Convolutional().eval(), (batch,), dynamic_shapes=shapes).module()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("kind", ["exported", "frozen"])
def test_programs_whose_mode_is_fixed_are_accepted(kind, copied, images) -> None:
    network = Convolutional().eval()
    expected = toy(network).predict(images)
    if kind == "exported":
        program = exported(images[:2])
    else:
        program = torch.jit.freeze(torch.jit.trace(network, images[:1]))
    program = copy.deepcopy(program) if copied else program
    torch.testing.assert_close(plain(program).predict(images), expected)


def test_layers_beside_an_exported_program_need_evaluation_mode(images) -> None:
    network = nn.Sequential(exported(images[:2]), nn.Dropout())
    with pytest.raises(InputError, match=r"set part.training = False for each part in"):
        plain(network)
    for part in network.modules():
        part.training = False
    assert len(plain(network).predict(images)) == len(images)
