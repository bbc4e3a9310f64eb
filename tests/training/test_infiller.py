import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image

from tests.training.small import equal, weights
from unsee import InputError
from unsee.training import checkpoint
from unsee.training.crops import resize_whole
from unsee.training.infiller import InfillerTask, InfillerTraining, train
from unsee.training.task import Batch


def settings(folder, out, **more):
    plain = {
        "steps": 4, "batch": 2, "size": 32, "stored_size": 40, "perceptual": 0.0, "critic_from": 1,
        "workers": 0, "save_every": 2, "held_out": 1,
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


def test_training_lowers_the_validation_loss(tmp_path) -> None:
    stripes = np.tile(np.arange(40)[:, None, None] // 4 % 2 * 160 + 40, (1, 40, 3))
    for shift in range(4):
        path = tmp_path / "photos" / f"{shift}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.roll(stripes, shift, 0).astype(np.uint8)).save(path)
    config = settings(
        tmp_path / "photos", tmp_path / "run", steps=60, critic_from=1000, variety=0.0, batch=4,
        rate=3e-3, ema=0.8,
    )  # fmt: skip
    task = InfillerTask(config, Accelerator())
    photos = Batch(resize_whole(config.photos().pictures, 32), None, 0, 4)
    before = task.validation_loss(photos)
    list(train(config))
    checkpoint.resume(config, task.accelerator, task)
    assert task.validation_loss(photos) < 0.7 * before


def test_rates_warm_up_and_fall_to_zero() -> None:
    config = InfillerTraining(steps=10_000)
    factors = [config.rate_factor(step) for step in (0, 249, 499, 2500, 6250, 10_000)]
    assert factors == pytest.approx([1 / 500, 0.5, 1, 1, 0.5, 0])
