import os
import subprocess
import sys

import pytest
import torch

from tests.training import small
from unsee.training import trainer
from unsee.training.crops import Crops
from unsee.training.photos import PhotoSet
from unsee.training.trainer import split_photos

FAST_RATES = {
    "casm": ["--rate", "0.05", "--mask-rate", "0.03", "--fade", "0"],
    "variational": ["--rate", "0.03"],
    "distilled": ["--rate", "0.03"],
    "infiller": ["--rate", "0.01"],
}
"""Rates with which three steps change the weights visibly."""
TRAINED = {
    "casm": "decoder", "variational": "encoder", "distilled": "decoder", "infiller": "painter",
}  # fmt: skip
"""Key of the trained network in a checkpoint."""


def test_validation_photos_are_spread_evenly() -> None:
    numbers = torch.arange(100, dtype=torch.uint8)
    photos = PhotoSet(numbers[:, None, None, None].expand(-1, 3, 2, 2), numbers.long())
    training, held_out = split_photos(photos, 10)
    assert held_out.targets.tolist() == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert sorted([*training.targets.tolist(), *held_out.targets.tolist()]) == list(range(100))
    assert torch.equal(training.pictures[:, 0, 0, 0].long(), training.targets)
    parts = split_photos(PhotoSet(photos.pictures[:1], None), 10)
    assert [len(part.pictures) for part in parts] == [1, 1]


def test_workers_start_without_the_modules_of_the_working_folder(monkeypatch, tmp_path) -> None:
    paths = []

    def start(self):
        paths.append(os.environ.get("PYTHONSAFEPATH"))
        return iter(())

    monkeypatch.setenv("PYTHONSAFEPATH", "")  # so that its absence is restored
    monkeypatch.delenv("PYTHONSAFEPATH")
    monkeypatch.setattr(trainer.DataLoader, "__iter__", start)
    crops = Crops(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 4, 0)
    assert list(trainer._loader(small.config("casm", tmp_path, tmp_path), crops, 0, 0, 4)) == []
    assert paths == ["1"]
    assert "PYTHONSAFEPATH" not in os.environ


def largest_difference(some, others) -> float:
    return max((some[key].float() - others[key].float()).abs().max() for key in some)


@pytest.mark.parametrize("network", small.IN_PROCESSES)
def test_two_processes_train_as_one(folder, tmp_path, network) -> None:
    flags = small.command(
        network, folder, "--steps", "3", "--save-every", "3", *FAST_RATES[network]
    )
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launcher, *flags, str(tmp_path / "two")],
        env=small.environment(ACCELERATE_USE_CPU="1"), capture_output=True, text=True,
        cwd=small.ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:3000] + done.stderr[-1000:]
    small.run(flags, tmp_path / "one")
    small.run([*flags[:-1], "--steps", "1", "--save-every", "1", flags[-1]], tmp_path / "first")
    one, two, first = (
        small.checkpoint_states(tmp_path / name)[TRAINED[network]]
        for name in ("one", "two", "first")
    )
    assert one.keys() == two.keys()
    difference = largest_difference(one, two)
    assert difference < 5e-4
    assert largest_difference(one, first) > 20 * difference  # two steps change far more
