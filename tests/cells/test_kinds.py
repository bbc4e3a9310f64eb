"""Segments of each kind of cells, and label maps from files."""

import numpy as np
import pytest
import torch
from PIL import Image

from unsee import Framing, InputError, create
from unsee.cells._merging import merged
from unsee.cells.base import ShownPhoto

SIDE = 32
FRAMING = Framing((SIDE, SIDE))


def photo(image=None, size=None, framing=FRAMING):
    image = torch.rand(3, SIDE, SIDE) if image is None else image
    return ShownPhoto(image, framing, size)


@pytest.fixture
def halves():
    """A photo whose left half is dark, with some noise."""
    image = 0.1 * torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    image[..., SIDE // 2 :] += 0.8
    return image


@pytest.mark.parametrize("name", ["slic", "felzenszwalb"])
def test_segments_follow_edges_and_are_at_most_n(name, halves) -> None:
    cells = create("cells", name, n=12)
    labels = cells.labels(photo(halves))
    count = int(labels.max()) + 1
    assert 2 <= count <= 12
    assert labels.unique().tolist() == list(range(count))
    left = {*labels[:, : SIDE // 2 - 1].flatten().tolist()}
    assert left.isdisjoint(labels[:, SIDE // 2 + 1 :].flatten().tolist())
    assert torch.equal(cells.labels(photo(halves)), labels)


def test_few_segments_are_left_after_merging_the_smallest_with_the_most_similar() -> None:
    labels = np.array([[0, 0, 0, 1, 2, 2, 2, 3]])
    pixels = np.array([0.0, 0, 0, 0.4, 0.5, 0.5, 0.5, 0.9])[None, :, None]
    assert merged(labels, pixels, 4).tolist() == labels.tolist()
    assert merged(labels, pixels, 3).tolist() == [[0, 0, 0, 2, 2, 2, 2, 3]]
    assert merged(labels, pixels, 2).tolist() == [[0, 0, 0, 2, 2, 2, 2, 2]]
    assert len(np.unique(merged(labels, pixels, 1))) == 1


@pytest.mark.parametrize("count", [7, 50])
def test_merging_keeps_segments_connected(count) -> None:
    from skimage.measure import label

    labels = np.random.default_rng(0).integers(0, 3, (24, 24))
    labels = label(labels, connectivity=1, background=-1)
    few = merged(labels, np.random.default_rng(1).random((24, 24, 3)), count)
    assert len(np.unique(few)) == count
    assert label(few, connectivity=1, background=-1).max() == count


def test_a_photo_of_a_single_colour_has_superpixels_but_is_one_segment() -> None:
    grey = photo(torch.full((3, SIDE, SIDE), 0.5))
    assert int(create("cells", "slic", n=16).labels(grey).max()) > 3
    with pytest.raises(InputError, match="the whole photo is one segment"):
        create("cells", "felzenszwalb").labels(grey)


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("name", ["slic", "felzenszwalb"])
def test_images_of_any_number_of_channels_have_segments(name, channels, halves) -> None:
    image = halves[:1].expand(channels, -1, -1)
    assert int(create("cells", name, n=16).labels(photo(image)).max()) > 0


@pytest.mark.parametrize("n", [-1, 0, 1, 2501])
@pytest.mark.parametrize("name", ["slic", "felzenszwalb"])
def test_numbers_of_segments_out_of_range_are_refused(name, n) -> None:
    with pytest.raises(InputError, match="expected n = 2 to 2500 segments"):
        create("cells", name, n=n)


@pytest.mark.parametrize("name", ["slic", "felzenszwalb"])
def test_more_segments_than_fit_on_a_coarser_grid_are_refused(name) -> None:
    with pytest.raises(InputError, match="at most 25 segments for 6 x 6 pixels, got 26"):
        create("cells", name, n=26).labels(photo(torch.rand(3, 6, 6)))


def quarters(side=SIDE, dtype=np.int64):
    rows, columns = np.mgrid[:side, :side] * 2 // side
    return (2 * rows + columns).astype(dtype)


def labels_of(path, shown=None):
    return create("cells", "labels", path=str(path)).labels(shown or photo())


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64, np.uint64])
def test_arrays_of_any_whole_numbers_are_label_maps(tmp_path, dtype) -> None:
    np.save(tmp_path / "map.npy", quarters(dtype=dtype))
    assert torch.equal(labels_of(tmp_path / "map.npy"), torch.from_numpy(quarters()))


def test_zero_negative_and_huge_numbers_are_segments(tmp_path) -> None:
    numbers = np.array([-(2**62), -1, 0, 2**62])
    np.save(tmp_path / "map.npy", numbers[quarters()])
    assert torch.equal(labels_of(tmp_path / "map.npy"), torch.from_numpy(quarters()))


@pytest.mark.parametrize("mode", ["L", "P", "I;16", "RGB", "RGBA"])
def test_grey_values_palette_indices_and_colours_are_numbers(tmp_path, mode) -> None:
    if mode == "I;16":
        picture = Image.fromarray(300 * quarters(dtype=np.uint16))
    elif mode == "P":
        picture = Image.fromarray(quarters(dtype=np.uint8), "L")
        picture.putpalette([0, 0, 0] * 256)  # equal colours, other numbers
    else:
        picture = Image.fromarray(60 * quarters(dtype=np.uint8)).convert(mode)
    picture.save(tmp_path / "map.png")
    assert torch.equal(labels_of(tmp_path / "map.png"), torch.from_numpy(quarters()))


def test_label_maps_of_photos_are_framed_as_the_photo() -> None:
    framing = Framing((SIDE, SIDE), share=0.5)
    rows, columns = torch.meshgrid(torch.arange(96), torch.arange(64), indexing="ij")
    labels = rows // 8 * 8 + columns // 8
    shown = framing.show((labels / 96)[None].float())[0, 0] * 96
    assert torch.equal(framing.labels(labels), shown.round().long())


def test_label_maps_have_the_size_of_the_photo_or_of_the_input(tmp_path) -> None:
    np.save(tmp_path / "map.npy", quarters(64))
    expected = torch.from_numpy(quarters())
    assert torch.equal(labels_of(tmp_path / "map.npy", photo(size=(64, 64))), expected)
    np.save(tmp_path / "map.npy", quarters())
    assert torch.equal(labels_of(tmp_path / "map.npy", photo(size=(64, 64))), expected)
    np.save(tmp_path / "map.npy", quarters(40))
    with pytest.raises(InputError, match=r"64 x 48 or 32 x 32 pixels, .* got 40 x 40"):
        labels_of(tmp_path / "map.npy", photo(size=(48, 64)))
    with pytest.raises(InputError, match=r"label map of 32 x 32 pixels, .* got 40 x 40"):
        labels_of(tmp_path / "map.npy")


def test_a_map_as_large_as_the_photo_is_framed_even_if_the_input_is_as_large(tmp_path) -> None:
    np.save(tmp_path / "map.npy", np.arange(SIDE).repeat(SIDE).reshape(SIDE, SIDE))
    framing = Framing((SIDE, SIDE), share=0.5)
    assert int(labels_of(tmp_path / "map.npy", photo(framing=framing)).max()) == SIDE - 1
    shown = photo(size=(SIDE, SIDE), framing=framing)
    assert int(labels_of(tmp_path / "map.npy", shown).max()) == SIDE // 2 - 1


def test_a_photo_that_was_read_at_half_size_has_a_map_of_its_whole_size() -> None:
    from unsee.cells.labels import _matches

    assert _matches(torch.Size((5000, 6001)), (2500, 3001))
    assert not _matches(torch.Size((5000, 6001)), (2500, 3000))
    assert not _matches(torch.Size((200, 200)), (100, 100))  # too small to have been reduced


BAD = {
    "floats": np.ones((SIDE, SIDE)),
    "stack": np.ones((2, SIDE, SIDE), int),
    "objects": np.full((SIDE, SIDE), None),
    "empty": np.ones((0, SIDE), int),
    "single": np.ones((SIDE, SIDE), int),
    "pixels": np.arange(SIDE * SIDE).reshape(SIDE, SIDE),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_label_maps_are_refused_in_one_line(tmp_path, name) -> None:
    np.save(tmp_path / "map.npy", BAD[name], allow_pickle=True)
    with pytest.raises(InputError, match=r"expected|Python objects") as error:
        labels_of(tmp_path / "map.npy")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"garbage" * 10])
@pytest.mark.parametrize("name", ["map.npy", "map.png"])
def test_damaged_files_are_refused(tmp_path, name, content) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        labels_of(tmp_path / name)


def test_a_missing_file_is_refused_before_a_photo_is_segmented(tmp_path) -> None:
    with pytest.raises(InputError, match="no such label map"):
        create("cells", "labels", path=str(tmp_path / "none.png")).check()
    with pytest.raises(InputError, match="labels:PATH"):
        create("cells", "labels").check()


def test_a_changed_file_is_read_again(tmp_path) -> None:
    np.save(tmp_path / "map.npy", quarters())
    assert labels_of(tmp_path / "map.npy").max() == 3
    np.save(tmp_path / "map.npy", quarters() % 2)
    assert labels_of(tmp_path / "map.npy").max() == 1
