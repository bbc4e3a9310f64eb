"""The fewest pixels whose in-filling makes another class the answer."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.conftest import Shifted, toy
from unsee import Against, InputError, Study, create
from unsee.cli import main
from unsee.results.counterfactual import counterfactual, misfit

SIDE = 32
SPEC = "tests.results.test_counterfactual:two_marks"
LEFT, RIGHT, DARK = 0, 1, 2


class TwoMarks(nn.Module):
    """Class 0 is a bright left corner, class 1 a bright right one, class 2 neither."""

    def forward(self, x):
        left, right = x[..., :12, :12].mean((1, 2, 3)), x[..., :12, -12:].mean((1, 2, 3))
        return 20 * torch.stack([left, right, torch.full_like(left, 0.45)], 1)


def two_marks():
    return toy(Shifted(TwoMarks()), size=SIDE, labels=("left", "right", "dark"))


@pytest.fixture
def picture():
    x = 0.1 + 0.05 * torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    x[..., :12, :12] += 0.8
    x[..., :12, -12:] += 0.6
    return x


def study_of(picture, contrast, method="occlusion:patch=4,stride=2", targets=LEFT):
    study = Study.of(
        two_marks(), picture, method, infiller="telea", targets=targets, measure=Against(contrast)
    )
    study.finish()
    return study


def test_the_evidence_alone_is_filled_and_the_other_class_is_the_answer(picture) -> None:
    result = counterfactual(study_of(picture, RIGHT))
    assert result.reached
    assert (result.target, result.wanted) == (LEFT, RIGHT)
    best = result.samples[0]
    assert best.answer == RIGHT
    assert best.probabilities[RIGHT] > best.probabilities[LEFT]
    assert 0 < result.share < 0.2
    assert result.removed[:14, :14].sum() == result.removed.sum()
    outside = ~result.removed
    torch.testing.assert_close(best.picture[0][:, outside], picture[0][:, outside])
    fewer = two_marks().predict(picture)[0].argmax()
    assert fewer == LEFT


def test_samples_differ_and_the_wanted_and_plausible_come_first(picture) -> None:
    study = study_of(picture, RIGHT)
    assert len(counterfactual(study, samples=3).samples) == 1, "telea draws nothing"
    result = counterfactual(study, create("infillers", "noise"), samples=4)
    assert len(result.samples) == 4
    keys = [(s.answer != RIGHT, s.misfit) for s in result.samples]
    assert keys == sorted(keys)
    again = counterfactual(study, create("infillers", "noise"), samples=4)
    for one, other in zip(result.samples, again.samples, strict=True):
        assert torch.equal(one.picture, other.picture)


def test_a_class_that_no_removal_gives_is_not_reached(picture) -> None:
    picture[..., :12, -12:] -= 0.6
    result = counterfactual(study_of(picture, RIGHT))
    assert not result.reached
    assert result.samples[0].answer in {LEFT, DARK}
    assert 0 < result.share <= 0.6


def test_regions_that_are_not_needed_stay(picture) -> None:
    study = study_of(picture, RIGHT)
    saliency = study.explanation.saliency.clone()
    saliency[0, -3:, -3:] = saliency.max() + 1  # no evidence, but ranked first
    study.explanation = replace(study.explanation, saliency=saliency)
    result = counterfactual(study)
    assert result.reached
    assert not result.removed[-3:, -3:].any()


def test_misfit_is_higher_for_what_is_nowhere_else() -> None:
    g = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 3, 8, 8, generator=g).repeat(1, 1, 8, 8) * 0.5
    hole = torch.zeros(64, 64, dtype=torch.bool)
    hole[24:40, 24:40] = True
    odd = picture.clone()
    odd[..., 24:40, 24:40] = 1
    assert misfit(picture, hole) == pytest.approx(0, abs=1e-3)
    assert misfit(odd, hole) > 0.3
    assert np.isnan(misfit(picture[:, :1], hole))
    assert np.isnan(misfit(picture, torch.ones_like(hole)))


def test_wrong_arguments_are_refused(picture) -> None:
    plain = Study.of(two_marks(), picture, "random")
    plain.finish()
    with pytest.raises(InputError, match="against a contrast class"):
        counterfactual(plain)
    study = study_of(picture, RIGHT, "random")
    for settings in ({"samples": 0}, {"largest": 0.001}, {"largest": 1.1}):
        with pytest.raises(InputError, match="expected samples >= 1 and a largest share"):
            counterfactual(study, **settings)


def test_specks_that_are_not_needed_stay_too(picture) -> None:
    study = study_of(picture, RIGHT)
    saliency = study.explanation.saliency.clone()
    saliency[0, 20::2, ::2] = saliency.max() + 1
    study.explanation = replace(study.explanation, saliency=saliency)
    result = counterfactual(study)
    assert result.reached
    assert not result.removed[20:].any()


def test_answer_that_is_given_already_and_unfinished_studies_are_refused(picture) -> None:
    with pytest.raises(InputError, match="answered as left already"):
        counterfactual(study_of(picture, LEFT, "random", targets=RIGHT))
    unfinished = Study.of(two_marks(), picture, "random", targets=LEFT, measure=Against(RIGHT))
    with pytest.raises(InputError, match="expected a finished study"):
        counterfactual(unfinished)


def many_labels():
    return toy(Shifted(TwoMarks()), size=SIDE, outputs="sigmoid")


def test_labels_that_do_not_exclude_each_other_are_refused(picture, tmp_path, capsys) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray((picture[0].permute(1, 2, 0) * 255).byte().numpy()).save(photo)
    words = ["counterfactual", str(photo), "--classifier", f"{SPEC[:-9]}many_labels"]
    assert main([*words, "--contrast", "1", "--out", str(tmp_path / "out")]) == 2
    assert "needs classes of which one is the answer" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_command_writes_pictures_and_says_whether_it_succeeded(picture, tmp_path, capsys) -> None:
    photo = tmp_path / "photo.png"
    pixels = (picture[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(photo)
    words = [
        "counterfactual", str(photo), "--classifier", SPEC, "--method",
        "occlusion:patch=4,stride=2", "--picture-infiller", "telea", "--target", "left",
        "--fit", "resize",
    ]  # fmt: skip
    assert main([*words, "--out", str(tmp_path / "none")]) == 2
    assert "expected --contrast CLASS" in capsys.readouterr().err
    out = tmp_path / "out"
    assert main([*words, "--contrast", "right", "--out", str(out)]) == 0
    assert "of the pixels makes right the answer" in capsys.readouterr().out
    assert {"counterfactual.png", "sample-1.png", "table.csv", "manifest.json"} <= {
        path.name for path in out.iterdir()
    }
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["wanted"] == {"class": RIGHT, "name": "right", "reached": True}
    dark = Image.fromarray(np.clip(pixels.astype(int) - 0, 0, 255).astype(np.uint8))
    dark.paste((30, 30, 30), (20, 0, 32, 12))
    dark.save(photo)
    assert main([*words, "--contrast", "right", "--out", str(tmp_path / "other")]) == 1
    assert "no share of the pixels up to 60% makes right the answer" in capsys.readouterr().err
