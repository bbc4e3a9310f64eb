import pytest
import torch
from accelerate import Accelerator

from tests.training.small import equal, weights
from unsee import InputError
from unsee.networks.painter import SIZES, Painter
from unsee.training import checkpoint
from unsee.training.crops import resize_whole
from unsee.training.infiller import InfillerTask, InfillerTraining, train
from unsee.training.infiller_losses import MAX_VARIETY, variety
from unsee.training.task import Batch


def settings(folder, out, **more):
    plain = {
        "steps": 4, "batch": 2, "size": 32, "stored_size": 40, "perceptual": 0.0, "critic_from": 1,
        "workers": 0, "save_every": 2, "held_out": 1, "network": "small",
    }  # fmt: skip
    return InfillerTraining(data=(str(folder),), out=out, **plain | more)


def test_stopped_run_resumes_bitwise(colours, tmp_path) -> None:
    whole = list(train(settings(colours, tmp_path / "whole")))
    assert len(whole) == 4
    assert {"l1", "critic", "adversarial"} <= set(whole[-1])
    steps = train(settings(colours, tmp_path / "parts"))
    next(steps), next(steps), next(steps)  # the checkpoint is of the second
    steps.close()
    resumed = list(train(settings(colours, tmp_path / "parts")))
    assert [losses["step"] for losses in resumed] == [3, 4]
    assert resumed[-1]["l1"] == pytest.approx(whole[-1]["l1"], abs=1e-5)
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    assert torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)["step"] == 4
    assert (tmp_path / "parts" / "step-000004.jpg").is_file()
    with pytest.raises(InputError, match="holds a run with batch = 2, got 3"):
        list(train(settings(colours, tmp_path / "parts", batch=3)))


def test_training_lowers_the_validation_loss(stripes, tmp_path) -> None:
    config = settings(
        stripes, tmp_path / "run", steps=100, adversarial=0.0, variety=0.0, batch=4,
        rate=2e-2, ema=0.8,
    )  # fmt: skip
    task = InfillerTask(config, Accelerator())
    photos = Batch(resize_whole(config.photos().pictures, 32), None, 0, 4)
    before = task.validation_loss(photos)
    list(train(config))
    checkpoint.resume(config, task.accelerator, task)
    assert task.validation_loss(photos) < 0.7 * before


def test_a_network_learns_to_do_as_its_teacher(colours, tmp_path) -> None:
    torch.manual_seed(3)
    teacher = Painter().eval()
    torch.save(teacher.state_dict(), tmp_path / "teacher.pt")
    config = settings(
        colours, tmp_path / "run", steps=60, adversarial=0.0, variety=0.0, rate=1e-2, ema=0.8,
        teacher=tmp_path / "teacher.pt",
    )  # fmt: skip
    task = InfillerTask(config, Accelerator())
    x, keep = torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32)
    keep[..., 4:28, 4:28] = 0
    z = torch.randn(1, *teacher.noise_shape((32, 32)))
    with torch.no_grad():
        expected = teacher.at_one_size(x, keep, z).clamp(0, 1)
        torch.testing.assert_close(task._taught(x, keep, z), expected)
        before = (task.average.module.at_one_size(x, keep, z) - expected).abs().mean()
    list(train(config))
    checkpoint.resume(config, task.accelerator, task)
    with torch.no_grad():
        after = (task.average.module.at_one_size(x, keep, z) - expected).abs().mean()
    assert after < 0.7 * before


def test_weights_of_a_unet_alone_are_enough_to_start(colours, tmp_path) -> None:
    unet = Painter(SIZES["large"]._replace(copies=False))
    torch.save(unet.state_dict(), tmp_path / "unet.pt")
    config = settings(colours, tmp_path / "run", network="large", start=tmp_path / "unet.pt")
    task = InfillerTask(config, Accelerator())
    assert torch.equal(task.painter.stem.weight, unet.stem.weight)
    assert task.painter.refinement is not None


def test_a_run_without_critics_has_no_adversarial_loss(colours, tmp_path) -> None:
    losses = list(train(settings(colours, tmp_path / "run", adversarial=0.0)))
    assert losses[-1].keys() == {"l1", "step"}


def test_samples_are_rewarded_for_colours_far_from_visible_pixels() -> None:
    keep = torch.ones(2, 1, 96, 96)
    keep[..., 8:88, 8:88] = 0
    result = torch.full((2, 3, 96, 96), 0.5)
    shades = result + 0.2 * (torch.arange(96) % 2 * 2 - 1)
    assert variety(result, shades, keep).item() == pytest.approx(0, abs=1e-6)
    assert variety(result, result + 0.03, keep).item() == pytest.approx(0.03, abs=1e-3)
    assert variety(result, result + 0.5, keep).item() == pytest.approx(MAX_VARIETY)
    assert variety(result, result + 0.5, torch.ones_like(keep)).item() == 0


def test_rates_warm_up_and_fall_to_zero() -> None:
    config = InfillerTraining(steps=10_000)
    factors = [config.rate_factor(step) for step in (0, 249, 499, 2500, 6250, 10_000)]
    assert factors == pytest.approx([1 / 500, 0.5, 1, 1, 0.5, 0])
