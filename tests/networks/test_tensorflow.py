"""Reading TensorFlow checkpoints."""

import shutil
from pathlib import Path

import pytest
import torch

from unsee import InputError
from unsee.networks import tensorflow

DATA = Path(__file__).parents[1] / "data"


def test_read_a_checkpoint_that_tensorflow_wrote() -> None:
    variables = tensorflow.read(DATA / "tensorflow")
    assert sorted(variables) == [
        "count", "double/scalar", "global_step", "half",
        "inpaint_net/conv1/bias", "inpaint_net/conv1/kernel",
    ]  # fmt: skip
    assert variables["count"].tolist() == [[1, 2], [3, 4]]
    assert variables["global_step"].item() == -7
    assert variables["half"].dtype == torch.float16
    assert variables["double/scalar"].item() == 0.1
    assert variables["inpaint_net/conv1/kernel"].shape == (2, 3, 1, 2)
    assert variables["inpaint_net/conv1/bias"].tolist() == [0, 1, 2, 3]


def test_missing_checkpoint_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no such TensorFlow checkpoint"):
        tensorflow.read(tmp_path / "nowhere")


def test_missing_data_file_is_refused(tmp_path) -> None:
    shutil.copy(DATA / "tensorflow.index", tmp_path / "checkpoint.index")
    with pytest.raises(InputError, match="a part of the checkpoint is missing"):
        tensorflow.read(tmp_path / "checkpoint")


def test_truncated_index_is_refused(tmp_path) -> None:
    content = (DATA / "tensorflow.index").read_bytes()
    (tmp_path / "checkpoint.index").write_bytes(content[:-20])
    with pytest.raises(InputError, match="damaged"):
        tensorflow.read(tmp_path / "checkpoint")
