import contextlib
import gzip
import struct

import numpy as np
import pytest

from tests.damage import damaged
from unsee import InputError
from unsee.datasets._loading import load_data


@pytest.mark.parametrize("gzipped", [False, True])
def test_idx_files(tmp_path, gzipped) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (3, 28, 28), np.uint8)
    files = {
        "t10k-images-idx3-ubyte": struct.pack(">IIII", 0x803, 3, 28, 28) + pictures.tobytes(),
        "t10k-labels-idx1-ubyte": struct.pack(">II", 0x801, 3) + bytes([7, 0, 9]),
    }
    for name, content in files.items():
        path = tmp_path / (f"{name}.gz" if gzipped else name)
        path.write_bytes(gzip.compress(content) if gzipped else content)
    samples = load_data(str(tmp_path))
    assert [(s.id, s.target) for s in samples] == [
        ("test-00000", 7), ("test-00001", 0), ("test-00002", 9),
    ]  # fmt: skip
    assert samples.classes[9] == ("Ankle boot",)
    assert samples[2].read(3).shape == (3, 28, 28)
    np.testing.assert_allclose(samples[2].read(1)[0] * 255, pictures[2], atol=1e-3)
    path.write_bytes(b"\x1f")
    with pytest.raises(InputError, match="not an IDX file"):
        load_data(str(tmp_path))


def write(folder, pictures: bytes, labels: bytes) -> str:
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(pictures))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    return str(folder)


PICTURES = struct.pack(">IIII", 0x803, 2, 3, 3) + bytes(18)
LABELS = struct.pack(">II", 0x801, 2) + bytes([7, 0])


def test_files_that_decompress_to_too_many_bytes_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("unsee.datasets.fashion_mnist.MAX_BYTES", 1000)
    with pytest.raises(InputError, match="more than the 1,000 bytes allowed"):
        load_data(write(tmp_path, PICTURES + bytes(1000), LABELS))


def test_other_shapes_than_the_files_have_are_refused(tmp_path) -> None:
    for head in ((0x803, 2**31, 2**31, 4), (0x803, 2, 0, 0), (0x801, 2, 3, 3), (0xD03, 2, 3, 3)):
        with pytest.raises(InputError, match="not an IDX file"):
            load_data(write(tmp_path, struct.pack(">IIII", *head) + bytes(18), LABELS))


def test_damaged_files_are_read_or_refused(tmp_path) -> None:
    for variant in damaged(PICTURES, 60):
        with contextlib.suppress(InputError):
            load_data(write(tmp_path, variant, LABELS))
    compressed = gzip.compress(PICTURES)
    for variant in damaged(compressed, 60):
        (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(variant)
        with contextlib.suppress(InputError):
            load_data(str(tmp_path))
