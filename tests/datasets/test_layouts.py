"""Published layouts of data sets, in small."""

import gzip
import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

from unsee import InputError
from unsee.datasets._loading import load_data

VOC_XML = """<annotation><size><width>120</width><height>80</height><depth>3</depth></size>
<object><name>{name}</name><bndbox><xmin>20</xmin><ymin>16</ymin><xmax>60</xmax><ymax>48</ymax>
</bndbox></object></annotation>"""


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


def save(pixels, path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def imagenet(tmp_path, pixels):
    """Two photos, stored at half of the size that they were annotated at."""
    path = tmp_path / "imagenet"
    for number in (1, 2):
        save(pixels, path / "val" / f"ILSVRC2012_val_0000000{number}.JPEG")
    lines = [f"n{number:08d} thing, object" for number in range(1000)]
    (path / "LOC_synset_mapping.txt").write_text("\n".join(lines))
    return path


def test_imagenet_with_xml(imagenet) -> None:
    folder = imagenet / "Annotations" / "CLS-LOC" / "val"
    folder.mkdir(parents=True)
    for number in (1, 2):
        text = VOC_XML.format(name=f"n{number + 5:08d}")
        (folder / f"ILSVRC2012_val_0000000{number}.xml").write_text(text)
    one, other = load_data(str(imagenet))
    assert (one.id, one.target, other.target) == ("ILSVRC2012_val_00000001.JPEG", 6, 7)
    assert one.boxes_in(one.read(3)).tolist() == [[10, 8, 30, 24]]


def test_imagenet_with_kaggles_table(imagenet) -> None:
    (imagenet / "LOC_val_solution.csv").write_text(
        "ImageId,PredictionString\n"
        "ILSVRC2012_val_00000002,n00000003 1 2 30 20 n00000003 5 6 7 8 \n"
        "ILSVRC2012_val_00000001,n00000999 0 0 10 10 \n"
    )
    one, other = load_data(f"imagenet:{imagenet}")
    assert (one.target, other.target) == (999, 3)
    assert other.boxes_in(other.read(3)).tolist() == [[1, 2, 30, 20], [5, 6, 7, 8]]


@pytest.mark.parametrize(
    "line", ["ILSVRC2012_val_00000001,", "ILSVRC2012_val_00000001,n00000003 1 2 3",
             "ILSVRC2012_val_00000001,n00000003 1 2 x 4"],
)  # fmt: skip
def test_a_bad_line_of_kaggles_table_is_named(imagenet, line) -> None:
    table = imagenet / "LOC_val_solution.csv"
    table.write_text(f"ImageId,PredictionString\n{line}\n")
    with pytest.raises(InputError, match=r"LOC_val_solution\.csv, line 2: expected"):
        load_data(f"imagenet:{imagenet}")
    table.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="line 2: expected ImageId,PredictionString"):
        load_data(f"imagenet:{imagenet}")


def test_imagenet_says_what_it_lacks(imagenet) -> None:
    with pytest.raises(InputError, match="class of this photo is not known"):
        load_data(f"imagenet:{imagenet}")
    (imagenet / "LOC_synset_mapping.txt").write_text("n00000001 thing")
    with pytest.raises(InputError, match="1 classes; expected LOC_synset_mapping"):
        load_data(f"imagenet:{imagenet}")


def test_places365(tmp_path, pixels) -> None:
    save(pixels, tmp_path / "val_256" / "Places365_val_00000001.jpg")
    (tmp_path / "places365_val.txt").write_text("Places365_val_00000001.jpg 165\n")
    (one,) = load_data(str(tmp_path))
    assert (one.id, one.target) == ("Places365_val_00000001.jpg", 165)
    assert one.read(3).shape == (3, 40, 60)
    (tmp_path / "places365_val.txt").write_text("Places365_val_00000009.jpg 1\n")
    with pytest.raises(InputError, match="is not there"):
        load_data(str(tmp_path))


def test_voc(tmp_path, pixels) -> None:
    save(pixels, tmp_path / "JPEGImages" / "2008_1.jpg")
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "2008_1.xml").write_text(VOC_XML.format(name="cat"))
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("2008_1\n")
    segments = np.zeros((40, 60), np.uint8)
    segments[5:9, 10:20] = 8
    segments[20:30] = 3
    save(segments, tmp_path / "SegmentationClass" / "2008_1.png")
    (one,) = load_data(str(tmp_path))
    assert (one.id, one.target) == ("2008_1-cat", 7)
    assert one.boxes_in(one.read(3)).tolist() == [[9.5, 7.5, 30, 24]]  # pixels count from 1
    assert one.outline().sum() == 40
    (tmp_path / "Annotations" / "2008_1.xml").write_text("<annotation>")
    with pytest.raises(InputError, match="cannot read the annotation"):
        load_data(str(tmp_path))


def test_coco(tmp_path, pixels) -> None:
    save(pixels, tmp_path / "val2017" / "7.jpg")
    (tmp_path / "annotations").mkdir()
    content = {
        "images": [{"id": 7, "file_name": "7.jpg", "height": 80, "width": 120}],
        "categories": [{"id": 90}, {"id": 3}],
        "annotations": [
            {"image_id": 7, "category_id": 90, "bbox": [20, 16, 40, 32],
             "segmentation": [[20, 16, 60, 16, 60, 48, 20, 48]]},
            {"image_id": 7, "category_id": 3, "bbox": [0, 0, 10, 10], "iscrowd": 0},
            {"image_id": 7, "category_id": 3, "bbox": [0, 0, 10, 10], "iscrowd": 1},
        ],
    }  # fmt: skip
    listed = tmp_path / "annotations" / "instances_val2017.json"
    listed.write_text(json.dumps(content))
    one, other = load_data(str(tmp_path))
    assert [(s.id, s.target) for s in (one, other)] == [("7-0", 0), ("7-1", 1)]
    assert one.boxes.shape == (1, 4)
    assert other.boxes_in(other.read(3)).tolist() == [[10, 8, 30, 24]]
    assert other.outline().shape == (80, 120)
    assert other.outline().sum() == 40 * 32
    content["annotations"].append({"image_id": 7, "category_id": 90, "bbox": [5, 5, 0, 9]})
    listed.write_text(json.dumps(content))
    assert load_data(str(tmp_path))[1].boxes.shape == (1, 4)  # a box of no width is left out
    for part in ({"image_id": 7, "category_id": 3}, {"image_id": 7, "category_id": 3, "bbox": 1}):
        listed.write_text(json.dumps({**content, "annotations": [part]}))
        with pytest.raises(InputError, match=r"annotations|expected boxes"):
            load_data(str(tmp_path))
    listed.write_text("{}")
    with pytest.raises(InputError, match="not COCO's annotations"):
        load_data(str(tmp_path))


def test_hugging_face(tmp_path, pixels) -> None:
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
        found = load_data(str(path))
        assert [sample.target for sample in found] == [4, 0, 2]
        np.testing.assert_allclose(found[1].read(3).permute(1, 2, 0) * 255, pixels, atol=1e-3)
    state = folder / "state.json"
    for content in (
        "[{",
        "{}",
        '{"_data_files": 3}',
        '{"_data_files": [{"filename": "state.json"}]}',
    ):
        state.write_text(content)
        with pytest.raises(InputError, match="no data set that can be read"):
            load_data(str(folder))
    for column, words in (("image", "'image'"), ("label", "expected class numbers")):
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
    with pytest.raises(InputError, match="no split 'validation'; there are train"):
        load_data(str(tmp_path))


@pytest.mark.parametrize("packed", [False, True])
def test_fashion_mnist(tmp_path, packed) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (3, 28, 28), np.uint8)
    files = {
        "t10k-images-idx3-ubyte": struct.pack(">IIII", 0x803, 3, 28, 28) + pictures.tobytes(),
        "t10k-labels-idx1-ubyte": struct.pack(">II", 0x801, 3) + bytes([7, 0, 9]),
    }
    for name, content in files.items():
        path = tmp_path / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    found = load_data(str(tmp_path))
    assert [(s.id, s.target) for s in found] == [
        ("test-00000", 7), ("test-00001", 0), ("test-00002", 9),
    ]  # fmt: skip
    assert found[2].read(3).shape == (3, 28, 28)
    np.testing.assert_allclose(found[2].read(1)[0] * 255, pictures[2], atol=1e-3)
    path.write_bytes(b"\x1f")
    with pytest.raises(InputError, match="no IDX file"):
        load_data(str(tmp_path))
