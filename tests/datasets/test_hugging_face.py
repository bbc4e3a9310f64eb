import contextlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tests.damage import damaged
from unsee import InputError
from unsee.datasets._imagenet import imagenet_classes
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


@pytest.mark.parametrize("place", ["schema", "info"])
def test_names_of_the_classes_are_those_of_the_library(table, tmp_path, place) -> None:
    def classes(names):
        features = {"label": {"names": names, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
        content = json.dumps({"info": {"features": features}} if place == "schema" else {})
        write(table.replace_schema_metadata({"huggingface": content}), tmp_path)
        if place == "info":
            (tmp_path / "dataset_info.json").write_text(json.dumps({"features": features}))
        return load_data(str(tmp_path))

    samples = classes(["ant", "bee", "cat", "dog", "eel"])
    assert (samples.classes[4], samples.of_imagenet) == (("eel",), False)
    imagenet = classes([names[1] for names in imagenet_classes().values()])
    assert imagenet.of_imagenet
    assert not classes(None).classes


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


def test_the_label_minus_one_means_none_and_other_negative_ones_are_refused(
    table, tmp_path
) -> None:
    write(table.set_column(1, "label", pa.array([-1, 4, None])), tmp_path)
    samples = load_data(str(tmp_path))
    assert [sample.target for sample in samples] == [None, 4, None]
    assert samples.notes[0].endswith("1 photos have the label -1, which means none")
    for labels in ([-2, 4, 5], [0, 10**9, 1], [0.5, 1.0, 2.0], [True, False, True]):
        write(table.set_column(1, "label", pa.array(labels)), tmp_path)
        with pytest.raises(InputError, match="expected class indices in 'label'"):
            load_data(str(tmp_path))


def test_photos_that_are_stored_as_paths_are_inside_the_folder(table, tmp_path, pixels) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    secret = tmp_path / "secret.png"
    Image.fromarray(pixels).save(secret)
    names = ["a.png", str(secret), "../a.png"]
    column = pa.array([{"bytes": None, "path": name} for name in names])
    write(table.set_column(0, "image", column), tmp_path)
    first, *others = load_data(str(tmp_path))
    assert first.photo(3).shape == (3, 40, 60)
    for sample in others:
        with pytest.raises(InputError, match="leads out of the data set"):
            sample.photo(3)


@pytest.mark.parametrize("name", ["../data.arrow", "/etc/hostname", "pipe", "none"])
def test_files_outside_of_the_folder_and_pipes_are_refused(table, tmp_path, name) -> None:
    write(table, tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(InputError, match=r"leads out|is a device or a pipe|no such file"):
        load_data(str(tmp_path))


def test_rows_without_a_photo_are_refused_when_they_are_read(table, tmp_path) -> None:
    for column in ([None] * 3, [{"bytes": None, "path": None}] * 3, ["a"] * 3):
        write(table.set_column(0, "image", pa.array(column)), tmp_path)
        with pytest.raises(InputError, match="000000"):
            load_data(str(tmp_path))[0].photo(3)


@pytest.mark.parametrize("name", ["data.arrow", "state.json"])
def test_damaged_files_are_read_or_refused(table, tmp_path, name) -> None:
    write(table, tmp_path)
    for variant in damaged((tmp_path / name).read_bytes(), 100):
        (tmp_path / name).write_bytes(variant)
        with contextlib.suppress(InputError):
            for sample in load_data(str(tmp_path)):
                sample.photo(3)
