import gzip
import struct

import numpy as np
import pytest

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
    assert samples[2].read(3).shape == (3, 28, 28)
    np.testing.assert_allclose(samples[2].read(1)[0] * 255, pictures[2], atol=1e-3)
    path.write_bytes(b"\x1f")
    with pytest.raises(InputError, match="not an IDX file"):
        load_data(str(tmp_path))
