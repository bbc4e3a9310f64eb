"""What a classifier's numbers mean, and the measures, probabilities and names that follow."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.conftest import Convolutional, masked_score, toy
from unsee import Against, Classifier, InputError, explain
from unsee.classifiers.detection import determine
from unsee.classifiers.measures import MEASURES, first_answer, log_odds, logit, margin, probability
from unsee.classifiers.outputs import Outputs
from unsee.classifiers.randomisation import randomise_layers
from unsee.registry import create

P = torch.tensor([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05]])
"""Probabilities of three classes for two images."""
TARGETS = torch.tensor([0, 2])


class Ending(nn.Module):
    """A network with another last operation."""

    def __init__(self, end, classes: int = 3, scale: float = 1.0) -> None:
        super().__init__()
        self.network, self.end, self.scale = Convolutional(classes), end, scale

    def forward(self, x):
        return self.end(self.scale * self.network(x))


class BrightnessOf40(nn.Module):
    """One number, 40 times the mean pixel; its only layer leaves the pixels unchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1, groups=3, bias=False)
        nn.init.ones_(self.layer.weight)

    def forward(self, x):
        return 40 * (self.layer(x) + 0.4).mean((1, 2, 3))


def kind_of(model: nn.Module, images, **settings) -> Outputs:
    classifier = toy(model, **settings)
    classifier.predict(images)
    return classifier.kind


@pytest.mark.parametrize(
    ("end", "classes", "kind"),
    [
        (nn.Identity(), 3, "softmax"),
        (nn.Identity(), 1, "binary"),
        (lambda z: z[:, 0], 1, "binary"),
        (nn.Softmax(1), 3, "probabilities"),
        (nn.Sigmoid(), 3, "sigmoid_probabilities"),
        (nn.Sigmoid(), 1, "probabilities"),
        (lambda z: torch.stack([z[:, 0].sigmoid(), z[:, 1].sigmoid()], 1), 2,
         "sigmoid_probabilities"),
        (lambda z: torch.cat([1 - z.sigmoid(), z.sigmoid()], 1), 1, "probabilities"),
        (lambda z: 0.5 + 0 * z, 3, "softmax"),
        (lambda z: 3 + 0 * z, 1, "binary"),
        (lambda z: (500 + z).sigmoid(), 1, "probabilities"),
        (lambda z: (10 * z).to(torch.int8), 3, "softmax"),
    ],
)  # fmt: skip
def test_kind_is_determined_at_the_first_pass(end, classes, kind, images) -> None:
    classifier = toy(Ending(end, classes))
    assert classifier.settings()["outputs"] == "auto"
    classifier.predict(images)
    assert classifier.kind == kind
    assert classifier.settings()["outputs"] == kind


@pytest.mark.parametrize(
    ("end", "classes", "words"),
    [
        (lambda z: z.sigmoid().clamp(0, 1), 3, "may be logits or probabilities; set"),
        (lambda z: z.sigmoid().detach(), 1, "outputs=probabilities"),
        (lambda z: 1000 + z, 1, "outputs=regression"),
        (lambda z: 33 + z, 1, "here 3[0-9.]+ to 3[0-9.]+; set outputs=regression"),
        (lambda z: 100 * z.softmax(1), 3, "sum to 100 for each image"),
        (lambda z: z.argmax(1), 3, "one torch.int64 for each image"),
        (lambda z: z.argmax(1, keepdim=True), 3, "before the most probable class is selected"),
        (lambda z: z.argmax(1).float(), 3, "one whole number for each image"),
        (lambda z: z.round(), 1, "one whole number for each image"),
        (lambda z: z.topk(2).indices, 3, r"torch.int64 \(3, 2\), as numbers of classes are"),
        (lambda z: z.argsort(1).int(), 3, "torch.int32"),
        (lambda z: torch.complex(z, z), 3, "as real numbers"),
    ],
)
def test_unclear_kinds_are_asked_for(end, classes, words, images) -> None:
    with pytest.raises(InputError, match=words):
        toy(Ending(end, classes)).predict(images)


PLANES = torch.rand(3, 5, 4, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
"""Outputs in [0, 1] for each class and place, whose rows do not sum to 1."""
WEIGHT = torch.eye(5, requires_grad=True)


@pytest.mark.parametrize(
    "end",
    [
        lambda p: p.amax((2, 3)),
        lambda p: p.flatten(2).max(2).values,
        lambda p: F.adaptive_max_pool2d(p, 1).flatten(1),
        lambda p: F.avg_pool2d(p, 4).flatten(1),
        lambda p: p.mean((2, 3)),
        lambda p: p.flatten(2).topk(3).values.mean(2),
        lambda p: 1 - (1 - p).flatten(2).prod(2),
        lambda p: torch.nan_to_num(p[..., 0, 0]),
        lambda p: p[..., 0, 0].index_select(1, torch.tensor([0, 2])),
        lambda p: p[..., 0, 0].split(3, 1)[0],
        lambda p: p[..., 0, 0].masked_fill(torch.tensor([False] * 4 + [True]), 0),
        lambda p: p[..., 0, 0] @ torch.eye(5),
        lambda p: (1 - p[..., 0, 0]) @ torch.eye(5),
        lambda p: torch.einsum("nk,kj->nj", p[..., 0, 0], torch.eye(5)),
        lambda p: torch.lerp(p[..., 0, 0], p[..., 1, 1], 0.5),
        lambda p: p[..., 0, 0].relu(),
    ],
)
def test_what_is_made_of_probabilities_is_not_taken_for_logits(end) -> None:
    output = end(F.conv2d(PLANES, torch.eye(5)[..., None, None]).sigmoid())
    with pytest.raises(InputError, match="may be logits or probabilities; set"):
        determine("auto", output.detach(), lambda: output)


@pytest.mark.parametrize(
    "end",
    [
        lambda z: z.mean((2, 3)),
        lambda z: z.amax((2, 3)),
        lambda z: z.relu().mean((2, 3)),
        lambda z: F.adaptive_avg_pool2d(z, 1)[..., 0, 0],
        lambda z: F.adaptive_avg_pool2d(z, 2).mean((2, 3)),
        lambda z: F.adaptive_max_pool2d(z, 1).flatten(1),
        lambda z: F.avg_pool2d(z, 4).squeeze(-1).squeeze(-1),
        lambda z: F.max_pool2d(z, 4).view(-1, 5),
        lambda z: 0.5 * z.mean((2, 3)) * WEIGHT[0, 0],
        lambda z: (z.mean((2, 3)) + z.amax((2, 3))) / 2,
        lambda z: F.hardtanh(z, 0, 6).mean((2, 3)) @ torch.eye(5),
        lambda z: F.linear(z.mean((2, 3)), WEIGHT),
        lambda z: F.linear(z.mean((2, 3)), WEIGHT, WEIGHT[0] * 0),
        lambda z: F.linear(z.mean((2, 3)).sigmoid(), WEIGHT),
        lambda z: F.linear((z * z.sigmoid()).mean((2, 3)), torch.eye(5)),
        lambda z: F.linear(z.flatten(2).transpose(1, 2), WEIGHT).mean(1),
        lambda z: torch.cat([z.mean((2, 3)).split(3, 1)[0], z[:, 3:, 0, 0]], 1),
        lambda z: (z.flatten(2).softmax(2) * 1 @ z.flatten(2).transpose(1, 2))[:, 0],
    ],
)
def test_ordinary_heads_whose_logits_are_small_are_not_asked_about(end) -> None:
    output = end(F.conv2d(PLANES, torch.eye(5)[..., None, None]))
    assert 0 <= output.min() <= output.max() <= 1
    assert determine("auto", output.detach(), lambda: output) is Outputs.SOFTMAX


@pytest.mark.parametrize(
    ("kind", "classes", "words"),
    [
        ("softmax", 1, "set outputs=binary"),
        ("binary", 3, "single logit"),
        ("probabilities", 3, "set outputs=logits"),
        ("sigmoid_probabilities", 3, r"each in \[0, 1\]"),
    ],
)
def test_kinds_that_do_not_fit_are_refused(kind, classes, words, images, unchecked) -> None:
    with pytest.raises(InputError, match=words):
        toy(Convolutional(classes), outputs=kind).predict(images)
    with pytest.raises(InputError, match="unknown kind of outputs 'softmaxx'"):
        toy(Convolutional(), outputs="softmaxx")


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        (Outputs.SOFTMAX, P.log() + 3),
        (Outputs.PROBABILITIES, P),
        (Outputs.SIGMOID, P.logit()),
        (Outputs.SIGMOID_PROBABILITIES, P),
    ],
)
def test_every_kind_has_the_same_probabilities(kind, numbers) -> None:
    logits = kind.logits(numbers)
    torch.testing.assert_close(kind.probabilities(logits), P)
    p = P.gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(kind.measure(probability)(logits, TARGETS), p)
    torch.testing.assert_close(kind.measure(log_odds)(logits, TARGETS), p.logit())


@pytest.mark.parametrize(
    ("kind", "number"),
    [(Outputs.BINARY, 1.5), (Outputs.PROBABILITIES, 1 / (1 + 2.718281828**-1.5))],
)
def test_one_number_becomes_two_classes(kind, number) -> None:
    logits = kind.logits(torch.tensor([[number]]))
    p = torch.tensor(1.5).sigmoid().item()
    torch.testing.assert_close(kind.probabilities(logits), torch.tensor([[1 - p, p]]))
    for target, sign in ((1, 1.5), (0, -1.5)):
        odds = kind.measure(log_odds)(logits, torch.tensor([target])).item()
        assert odds == pytest.approx(sign, abs=1e-5)
        assert margin(logits, torch.tensor([target])).item() == pytest.approx(sign, abs=1e-5)


def test_labels_that_do_not_exclude_each_other() -> None:
    z = torch.tensor([[6.0, 5.0, -3.0]])
    first, second, third = torch.tensor([0]), torch.tensor([1]), torch.tensor([2])
    measure = Outputs.SIGMOID.measure
    assert measure(probability)(z, second).item() == pytest.approx(0.9933, abs=1e-4)
    assert [measure(first_answer)(z, t).item() for t in (first, second, third)] == [1, 1, 0]
    assert measure(Against(0))(z, second).item() == -1
    assert measure(logit)(z, third).item() == measure(log_odds)(z, third).item() == -3


def test_a_regression_has_a_value_and_no_probability(images) -> None:
    classifier = toy(Convolutional(2), outputs="regression")
    with pytest.raises(InputError, match="name the output with targets"):
        explain(classifier, images, create("methods", "rise", samples=20))
    explained = explain(classifier, images, create("methods", "rise", samples=20), targets=1)
    assert explained.provenance["measure"] == "logit"
    assert explained.provenance["classifier"]["outputs"] == "regression"
    for name in ("probability", "log_odds", "margin"):
        with pytest.raises(InputError, match="has none"):
            explain(classifier, images, "rise", targets=1, measure=name)
    with pytest.raises(InputError, match="has none"):
        classifier.probabilities(images)
    score = masked_score(classifier, images, measure=MEASURES["logit"])
    with pytest.raises(InputError, match="the measure probability needs"):
        replace(score, measure=probability)(torch.ones(3, 1, 1, 32, 32))


@pytest.mark.parametrize("end", [nn.Softmax(1), nn.LogSoftmax(1)])
def test_a_network_that_ends_in_a_softmax_has_the_map_of_its_logits(end, images) -> None:
    rise = create("methods", "rise", samples=30)
    expected = explain(toy(Ending(nn.Identity())), images, rise)
    explained = explain(toy(Ending(end)), images, rise)
    torch.testing.assert_close(explained.saliency, expected.saliency, atol=1e-5, rtol=1e-4)


def test_a_single_logit_has_the_map_of_two_classes(images) -> None:
    rise, two = create("methods", "rise", samples=30), Ending(lambda z: torch.cat([0 * z, z], 1), 1)
    expected = explain(toy(two), images, rise, targets=1)
    explained = explain(toy(Ending(nn.Identity(), 1)), images, rise, targets=1)
    assert torch.equal(explained.saliency, expected.saliency)
    assert explained.saliency.flatten(1).std(1).min() > 0


def test_a_measure_of_a_user_gets_the_number_that_it_expects(images) -> None:
    def number(logits, targets):
        return logits[:, 0]

    rise = create("methods", "rise", samples=20)
    with pytest.raises(InputError, match="outputs=regression if your measure takes that number"):
        explain(toy(Convolutional(1)), images, rise, measure=number)
    value = explain(toy(Convolutional(1), outputs="regression"), images, rise, measure=number)
    assert value.saliency.flatten(1).std(1).min() > 0
    second = toy(Convolutional(1), outputs="binary")
    with pytest.raises(InputError, match="the score does not change"):  # class 0 is constant
        explain(second, images, rise, measure=number)


@pytest.mark.parametrize(
    ("problem", "classes", "kind"),
    [
        ("multi_label_classification", 3, "sigmoid"),
        ("multi_label_classification", 1, "binary"),
        ("single_label_classification", 3, "softmax"),
        ("regression", 1, "regression"),
        (None, 3, "softmax"),
    ],
)
def test_the_configuration_of_a_transformer_states_the_kind(problem, classes, kind, images) -> None:
    network = Convolutional(classes)
    network.config = SimpleNamespace(problem_type=problem)
    assert kind_of(network, images) == kind
    assert kind_of(network, images, outputs="logits") == ("softmax" if classes > 1 else "binary")


def test_another_request_replaces_the_kind_that_was_determined(images) -> None:
    classifier = toy(Convolutional(3))
    assert not classifier.predict(images).isnan().any()
    assert classifier.kind is Outputs.SOFTMAX
    assert replace(classifier, outputs="sigmoid").kind is Outputs.SIGMOID


def test_gradients_pass_through_every_kind(images) -> None:
    for kind, end in (("sigmoid", nn.Identity()), ("probabilities", nn.Softmax(1)),
                      ("sigmoid_probabilities", nn.Sigmoid()), ("auto", nn.Sigmoid())):  # fmt: skip
        classifier = toy(Ending(end, 3, 0.1), outputs=kind)
        x = images.clone().requires_grad_()
        scores = classifier.score(x, torch.tensor([0, 1, 2]), log_odds)
        (gradient,) = torch.autograd.grad(scores.sum(), x)
        assert gradient.isfinite().all()
        assert (gradient.flatten(1).abs().amax(1) > 0).all()


def test_replaced_classifiers_keep_the_kind(images) -> None:
    classifier = toy(Ending(nn.Softmax(1)))
    classifier.predict(images)
    other = replace(classifier, model=Ending(nn.Softmax(1), 3).eval())
    assert other.kind is Outputs.PROBABILITIES


def test_number_of_names_is_compared_with_the_outputs(images) -> None:
    with pytest.raises(InputError, match="3 names for 5 outputs of the model"):
        toy(Convolutional(), labels=("a", "b", "c")).predict(images)
    single = toy(Convolutional(1), labels=("cat",))
    assert (single.index("cat"), single.label(1)) == (1, "cat")
    single.predict(images)
    assert single.index("cat") == 1
    assert [single.label(i) for i in range(2)] == ["not cat", "cat"]
    with pytest.raises(InputError, match="1 names for 2 outputs"):
        toy(Convolutional(2), labels=("cat",)).predict(images)


def test_commas_are_part_of_ordinary_names(images) -> None:
    classifier = toy(Convolutional(2), labels=("Pepper,_bell___healthy", "Corn_(maize)"))
    assert classifier.label(0) == "Pepper,_bell___healthy"
    assert classifier.index("pepper,_bell___healthy") == 0
    with pytest.raises(InputError, match="unknown class"):
        classifier.index("Pepper")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mean": 0.3}, r"mean with one value per channel, got 0.3: \(0.3,\)"),
        ({"std": 0.3}, "std with one value per channel"),
        ({"mean": (0.3, float("nan"), 0.3)}, "finite numbers as mean"),
        ({"std": (0.3, -1.0, 0.3)}, "finite numbers above zero as std"),
        ({"std": (0.3, 0.0, 0.3)}, "finite numbers above zero as std"),
        ({"std": (0.3, float("nan"), 0.3)}, "finite numbers above zero as std"),
        ({"mean": "grey"}, "numbers as mean"),
        ({"mean": ()}, "one value per channel, got none"),
        ({"mean": (0.5,)}, "mean has 1 channels, std has 3"),
        ({"labels": "cat"}, "sequence of names"),
        ({"labels": {"cat": 0}}, "sequence of names"),
        ({"labels": ("cat", 3)}, "labels as texts"),
        ({"precision": torch.int8}, "expected precision"),
        ({"precision": "half"}, "expected precision"),
        ({"model": 3}, "expected a module or a function"),
    ],
)
def test_unfit_settings_are_refused_when_the_classifier_is_made(settings, words, unchecked) -> None:
    with pytest.raises(InputError, match=words):
        Classifier(**{"model": Convolutional().eval(), **settings})


def test_a_quantity_that_starts_small_is_asked_for_later(images) -> None:
    brightness = toy(BrightnessOf40())
    brightness.predict(images * 0.1)
    assert brightness.kind == "binary"
    with pytest.raises(InputError, match="outputs=regression"):
        brightness.predict(images)
    with pytest.raises(InputError, match="outputs=regression"):
        explain(brightness, images, "rise", samples=4)
    assert replace(brightness, outputs="binary").predict(images).max() > 17


def test_random_weights_change_no_kind(images) -> None:
    brightness = toy(BrightnessOf40(), outputs="auto")
    brightness.predict(images * 0.1)
    for _, random in randomise_layers(brightness):
        assert random.predict(images).shape == (3, 2)


def test_numbers_in_percent_may_be_declared_as_logits(images) -> None:
    classifier = toy(Ending(lambda z: 100 * z.softmax(1)), outputs="logits")
    assert classifier.predict(images).max() > 1


@pytest.mark.parametrize(
    "method", [create("methods", "rise", samples=20), create("methods", "fido", steps=2)]
)
def test_the_logit_of_class_0_of_a_single_logit_is_its_negative(method, images) -> None:
    maps = [
        explain(toy(Ending(nn.Identity(), 1)), images[:1], method, targets=0, measure=measure)
        for measure in ("logit", "log_odds")
    ]
    assert maps[0].saliency.std() > 0
    torch.testing.assert_close(maps[0].saliency, maps[1].saliency)


class InPlace(Ending):
    def forward(self, x):
        return super().forward(x.mul_(0.5))


def test_a_network_that_changes_its_input_has_a_kind_and_gradients(images) -> None:
    assert kind_of(InPlace(nn.Sigmoid()), images) == "sigmoid_probabilities"
    classifier = toy(InPlace(nn.Identity()))
    classifier.run_normalised(images, gradient=True)
    read = classifier.features(images, ["network.features"], gradient=True)
    torch.testing.assert_close(read.inputs, classifier.network_input(images))
    assert read.gradient.any()


MASKED = torch.tensor([0.0, 0.0, -1e4])
"""Added to outputs: the last class is never predicted."""


def _state(z):
    _state.passes += 1
    return z * torch.tensor([1.0, _state.passes, 1.0])


_state.passes = 0


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (nn.functional.dropout, "other numbers each time"),
        (lambda z: z + torch.randn_like(z), "other numbers each time"),
        (_state, "other numbers each time"),
        (lambda z: z - z.mean(0), "other images of the batch"),
        (lambda z: z / z.abs().sum(), "other images of the batch"),
        (lambda z: z + torch.randn_like(z) + MASKED, "other numbers each time"),
        (lambda z: z - z.mean(0) + MASKED, "other images of the batch"),
    ],
)
def test_outputs_that_depend_on_chance_or_on_the_batch_are_refused(end, words, images) -> None:
    with pytest.raises(InputError, match=words):
        explain(toy(Ending(end)), images[:1], "rise", samples=4)


@pytest.mark.parametrize(
    "end",
    [
        lambda z: z + MASKED,
        lambda z: z.bfloat16() + MASKED.bfloat16(),
        lambda z: (100 * z).round() / 100 + MASKED,
        lambda z: z - 1e4,
        lambda z: 1e-3 * z + torch.tensor([5.0, 0.0, -5.0]),
        lambda z: (1e-3 * z).bfloat16() + torch.tensor([5.0, 0.1, -5.0], dtype=torch.bfloat16),
        lambda z: torch.tensor([5.0, 0.0, -5.0]) + 0 * z,
    ],
)
def test_constant_parts_of_outputs_are_no_reason_to_refuse(end, images) -> None:
    toy(Ending(end)).require_own_rows(images)


def test_batch_statistics_in_place_of_stored_ones_are_refused(images) -> None:
    network = Convolutional()
    network.features[1] = nn.BatchNorm2d(8, track_running_stats=False)
    with pytest.raises(InputError, match="track_running_stats=False"):
        explain(toy(network), images[:1], "rise", samples=4)


def test_a_black_box_may_be_noisy(images) -> None:
    model = Ending(nn.functional.dropout).eval()
    assert explain(toy(model, differentiable=False), images[:1], "rise", samples=4)
