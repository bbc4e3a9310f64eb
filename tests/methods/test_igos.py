import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.methods.conftest import mean_square_variation, probabilities
from unsee import InputError, create


def test_loss_is_the_mean_over_the_path(image) -> None:
    score = masked_score(toy(Convolutional()), image, "blur")
    method = create("methods", "igos", grid=8, path=3, noise=0.0, sparsity=0.5, smoothness=2.0)
    theta = torch.rand(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    m = theta[0, 0, 0].double().numpy()
    fine = torch.nn.functional.interpolate(theta[0], (32, 32), mode="bilinear", align_corners=True)
    x, blurred = image[0].numpy(), score.pictures(torch.zeros(1, 1, 1, 32, 32))[0].numpy()
    keep = fine[0].numpy()
    path = [t * keep * x + (1 - t * keep) * blurred for t in (1 / 3, 2 / 3, 1)]
    p = probabilities(score.classifier, path).mean()
    expected = p + 0.5 * (1 - m).mean() + 2 * mean_square_variation(m)
    assert method.loss(score, 0, theta).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["igos", "igos_pp"])
@pytest.mark.parametrize(
    ("optimizer", "rate"), [("line_search", 1000.0), ("nesterov", 1.0), ("adam", 0.1)]
)
def test_default_rate_is_that_of_the_optimizer(name, optimizer, rate) -> None:
    default = create("methods", name, optimizer=optimizer)
    assert default.rate is None
    assert (
        default.update_rule == create("methods", name, optimizer=optimizer, rate=rate).update_rule
    )


def test_budgets_keep_settings_that_are_not_at_their_defaults() -> None:
    default = create("methods", "igos_pp").with_budget(300, (224, 224))
    assert (default.path, default.points, default.optimizer, default.noise) == (
        2, "drawn", "adam", 0.0,
    )  # fmt: skip
    assert default.steps == 300 // 8
    settings = {"path": 3, "optimizer": "nesterov", "rate": 2.0, "noise": 0.1}
    method = create("methods", "igos_pp", **settings).with_budget(300, (224, 224))
    assert {name: getattr(method, name) for name in settings} == settings
    assert method.steps == 300 // 12
    assert create("methods", "igos", path=5).with_budget(300, (224, 224)).steps == 60


@pytest.mark.parametrize("name", ["igos", "igos_pp"])
@pytest.mark.parametrize("setting", [{"rate": 500.0}, {"regrow": 0.0}])
def test_budgets_do_not_replace_a_line_search_that_is_set(name, setting) -> None:
    (text,) = (f"{key}={value}" for key, value in setting.items())
    with pytest.raises(InputError, match=f"line search, for which {text} is set; omit one of both"):
        create("methods", name, **setting).with_budget(300, (224, 224))
