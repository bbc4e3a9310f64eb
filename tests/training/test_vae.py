"""Training of the completion autoencoder, and the in-filler with its weights."""

import pytest
import torch
from accelerate import Accelerator
from torch.distributions import Normal, kl_divergence

from tests.conftest import Convolutional, toy
from tests.training.small import equal, weights
from unsee import InputError
from unsee.masking.score import MaskedScore
from unsee.noise import seeds_of
from unsee.registry import resolve
from unsee.training.crops import resize_whole
from unsee.training.task import Batch
from unsee.training.vae import VAETask, VAETraining, train


def settings(folder, out, **more):
    plain = {
        "steps": 4, "batch": 2, "size": 32, "stored_size": 40, "workers": 0, "save_every": 2,
        "held_out": 1, "width": 4, "latent": 3,
    }  # fmt: skip
    return VAETraining(data=(str(folder),), out=out, **plain | more)


def test_stopped_run_resumes_bitwise(colours, tmp_path) -> None:
    whole = list(train(settings(colours, tmp_path / "whole")))
    assert whole[-1].keys() == {"reconstruction", "divergence", "step"}
    steps = train(settings(colours, tmp_path / "parts"))
    next(steps), next(steps), next(steps)
    steps.close()
    resumed = list(train(settings(colours, tmp_path / "parts")))
    assert [losses["step"] for losses in resumed] == [3, 4]
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    assert (tmp_path / "parts" / "step-000004.jpg").is_file()


def test_divergence_is_that_of_torch(colours, tmp_path) -> None:
    task = VAETask(settings(colours, tmp_path / "run"), Accelerator())
    x, keep = torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32)
    keep[..., 8:24, 8:24] = 0
    mean, log_variance = task.network.encode(x, keep)
    expected = kl_divergence(
        Normal(mean, (log_variance / 2).exp()), Normal(torch.zeros(()), torch.ones(()))
    )
    losses = task._losses(x, keep, None)
    total = expected.sum((1, 2, 3)).mean() / (3 * 32 * 32)
    torch.testing.assert_close(losses["divergence"], total)


def test_training_fills_stripes_and_the_infiller_reads_the_weights(stripes, tmp_path) -> None:
    config = settings(stripes, tmp_path / "run", steps=80, batch=4, rate=1e-2, width=8, kl=1e-4)
    task = VAETask(config, Accelerator())
    pictures = resize_whole(config.photos().pictures, 32)
    before = task.validation_loss(Batch(pictures, None, 0, 4))
    losses = list(train(config))
    assert losses[-1]["reconstruction"] < 0.8 * losses[0]["reconstruction"]
    keep = torch.ones(1, 1, 1, 32, 32)
    keep[..., 10:20, 10:20] = 0
    errors = []
    for spec in ("vae:weights=random", f"vae:{tmp_path / 'run/completion_vae.safetensors'}"):
        score = MaskedScore(
            toy(Convolutional()), resolve("infillers", spec), pictures[:1],
            torch.zeros(1).long(), seeds_of(pictures[:1], 0),
        )  # fmt: skip
        errors.append((score.pictures(keep) - pictures[:1]).abs().mean().item())
    assert errors[1] < 0.9 * errors[0]
    assert before > 0


@pytest.mark.parametrize("size", [8, 30, 64])
def test_sizes_that_do_not_fit_are_refused(colours, tmp_path, size) -> None:
    with pytest.raises(InputError, match="a multiple of 4"):
        list(train(settings(colours, tmp_path / "run", size=size)))
