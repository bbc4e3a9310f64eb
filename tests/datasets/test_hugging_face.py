import io
import json

import numpy as np
import pytest
from PIL import Image

from unsee import InputError
from unsee.datasets._loading import load_data


def test_saved_data_set_and_what_is_refused(tmp_path, pixels) -> None:
    import pyarrow as pa

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    photo = {"bytes": content.getvalue(), "path": None}
    table = pa.table({"image": [photo] * 3, "label": [4, 0, 2]})
    folder = tmp_path / "validation"
    folder.mkdir()
    with (
        pa.OSFile(str(folder / "data.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as writer,
    ):
        writer.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["validation"]}))
    for path in (tmp_path, folder):
        samples = load_data(str(path))
        assert [sample.target for sample in samples] == [4, 0, 2]
        np.testing.assert_allclose(samples[1].read(3).permute(1, 2, 0) * 255, pixels, atol=1e-3)
    state = folder / "state.json"
    for content in (
        "[{",
        "{}",
        '{"_data_files": 3}',
        '{"_data_files": [{"filename": "state.json"}]}',
    ):
        state.write_text(content)
        with pytest.raises(InputError, match="the data set cannot be read"):
            load_data(str(folder))
    for column, words in (("image", "'image'"), ("label", "expected class indices")):
        changed = table.set_column(1, "label", pa.array(["cat"] * 3))
        changed = changed.drop_columns("image") if column == "image" else changed
        with (
            pa.OSFile(str(folder / "data.arrow"), "wb") as sink,
            pa.ipc.new_stream(sink, changed.schema) as writer,
        ):
            writer.write_table(changed)
        state.write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
        with pytest.raises(InputError, match=words):
            load_data(str(folder))
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["train"]}))
    with pytest.raises(InputError, match="no split 'validation'; choose from train"):
        load_data(str(tmp_path))
