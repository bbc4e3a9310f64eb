import contextlib

import pytest

from tests.damage import damaged
from tests.datasets.conftest import save, voc_xml
from unsee import InputError
from unsee.datasets._imagenet import imagenet_numbers
from unsee.datasets._loading import load_data

WNIDS = list(imagenet_numbers())


@pytest.fixture
def imagenet(tmp_path, pixels):
    """Two photos, stored at half the size that they were annotated at."""
    path = tmp_path / "imagenet"
    for number in (1, 2):
        save(pixels, path / "val" / f"ILSVRC2012_val_0000000{number}.JPEG")
    lines = [f"{wnid} thing, object" for wnid in imagenet_numbers()]
    (path / "LOC_synset_mapping.txt").write_text("\n".join(lines))
    return path


def test_boxes_from_xml_are_scaled_to_the_stored_photo(imagenet) -> None:
    folder = imagenet / "Annotations" / "CLS-LOC" / "val"
    folder.mkdir(parents=True)
    for number in (1, 2):
        text = voc_xml(WNIDS[number + 5])
        (folder / f"ILSVRC2012_val_0000000{number}.xml").write_text(text)
    first, second = load_data(str(imagenet))
    assert (first.id, first.target, second.target) == ("ILSVRC2012_val_00000001.JPEG", 6, 7)
    assert first.boxes_in(first.read(3)).tolist() == [[10, 8, 30, 24]]


def test_boxes_from_kaggles_table(imagenet) -> None:
    (imagenet / "LOC_val_solution.csv").write_text(
        "ImageId,PredictionString\n"
        f"ILSVRC2012_val_00000002,{WNIDS[3]} 1 2 30 20 {WNIDS[3]} 5 6 7 8 \n"
        f"ILSVRC2012_val_00000001,{WNIDS[999]} 0 0 10 10 \n"
    )
    first, second = load_data(f"imagenet:{imagenet}")
    assert (first.target, second.target) == (999, 3)
    assert second.boxes_in(second.read(3)).tolist() == [[1, 2, 30, 20], [5, 6, 7, 8]]


@pytest.mark.parametrize(
    "line", ["ILSVRC2012_val_00000001,", "ILSVRC2012_val_00000001,n00000003 1 2 3",
             "ILSVRC2012_val_00000001,n00000003 1 2 x 4"],
)  # fmt: skip
def test_malformed_line_of_kaggles_table_is_named(imagenet, line) -> None:
    table = imagenet / "LOC_val_solution.csv"
    table.write_text(f"ImageId,PredictionString\n{line}\n")
    with pytest.raises(InputError, match=r"LOC_val_solution\.csv, line 2: expected"):
        load_data(f"imagenet:{imagenet}")
    table.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="line 2: expected ImageId,PredictionString"):
        load_data(f"imagenet:{imagenet}")


def test_missing_labels_and_classes_are_refused(imagenet) -> None:
    with pytest.raises(InputError, match="no label"):
        load_data(f"imagenet:{imagenet}")
    (imagenet / "LOC_synset_mapping.txt").write_text("n00000001 thing")
    with pytest.raises(InputError, match="1 classes; expected LOC_synset_mapping"):
        load_data(f"imagenet:{imagenet}")
    others = [f"n{number:08d} thing" for number in range(1000)]
    (imagenet / "LOC_synset_mapping.txt").write_text("\n".join(others))
    with pytest.raises(InputError, match="the WordNet ids of ImageNet's 1000 classes"):
        load_data(f"imagenet:{imagenet}")


def test_a_thousand_numbered_folders_are_not_taken_for_wordnet_ids(tmp_path, pixels) -> None:
    for number in range(1000):
        (tmp_path / "val" / str(number)).mkdir(parents=True)
    save(pixels, tmp_path / "val" / "388" / "panda.png")
    (sample,) = load_data(str(tmp_path))
    assert sample.target == 388  # the 321st in the order of the texts
    with pytest.raises(InputError, match="expected LOC_synset_mapping"):
        load_data(f"imagenet:{tmp_path}")


def test_a_table_with_a_field_that_is_too_long_is_refused(imagenet) -> None:
    table = imagenet / "LOC_val_solution.csv"
    table.write_text("ImageId,PredictionString\na," + "9" * 200_000)
    with pytest.raises(InputError, match=r"not a table that can be read .*field larger than"):
        load_data(f"imagenet:{imagenet}")
    table.write_bytes(b"ImageId,PredictionString\n\xff\xff")
    with pytest.raises(InputError, match="not UTF-8 text"):
        load_data(f"imagenet:{imagenet}")


def test_damaged_tables_are_read_or_refused(imagenet) -> None:
    table = imagenet / "LOC_val_solution.csv"
    content = b"ImageId,PredictionString\nILSVRC2012_val_00000002,n00000003 1 2 30 20\n"
    for variant in damaged(content, 60):
        table.write_bytes(variant)
        with contextlib.suppress(InputError):
            load_data(f"imagenet:{imagenet}")
