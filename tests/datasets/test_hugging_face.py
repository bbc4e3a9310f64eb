import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from unsee import InputError
from unsee.datasets._loading import load_data
from unsee.registry import create


def write(table: pa.Table, folder: Path) -> None:
    """Write a table as `Dataset.save_to_disk` does."""
    folder.mkdir(exist_ok=True)
    with (
        pa.OSFile(str(folder / "data.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as writer,
    ):
        writer.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))


@pytest.fixture
def table(pixels):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    photo = {"bytes": content.getvalue(), "path": None}
    return pa.table({"image": [photo] * 3, "label": [4, 0, 2]})


def test_samples_of_a_data_set_and_of_a_split(table, pixels, tmp_path) -> None:
    folder = tmp_path / "validation"
    write(table, folder)
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["validation"]}))
    for path in (tmp_path, folder):
        samples = load_data(str(path))
        assert [sample.target for sample in samples] == [4, 0, 2]
        np.testing.assert_allclose(samples[1].read(3).permute(1, 2, 0) * 255, pixels, atol=1e-3)
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["train"]}))
    with pytest.raises(InputError, match="no split 'validation'; choose from train"):
        load_data(str(tmp_path))


def test_data_set_without_labels(table, tmp_path) -> None:
    write(table.drop_columns("label"), tmp_path)
    samples = create("datasets", "hugging_face", label=None).samples(tmp_path)
    assert [sample.target for sample in samples] == [None] * 3


@pytest.mark.parametrize(
    "state", ["[{", "{}", '{"_data_files": 3}', '{"_data_files": [{"filename": "state.json"}]}']
)
def test_malformed_state_is_refused(table, tmp_path, state) -> None:
    write(table, tmp_path)
    (tmp_path / "state.json").write_text(state)
    with pytest.raises(InputError, match=r"cannot be read|not JSON"):
        load_data(str(tmp_path))


def test_missing_column_and_labels_that_are_text_are_refused(table, tmp_path) -> None:
    write(table.drop_columns("image"), tmp_path)
    with pytest.raises(InputError, match="no column 'image'; choose from label"):
        load_data(str(tmp_path))
    write(table.set_column(1, "label", pa.array(["cat"] * 3)), tmp_path)
    with pytest.raises(InputError, match="expected class indices in 'label', got 'cat'"):
        load_data(str(tmp_path))
