"""Read and write arrays in files of NumPy; nothing in them is executed or larger than it claims."""

import io
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unsee.errors import InputError, as_input_error
from unsee.storage.files import MAX_BYTES, check_file, read_bytes

MAX_RATIO = 64
"""Size of the arrays of a file, as a multiple of the file's size, if they exceed `MAX_BYTES`."""
MAX_ARRAYS = 1_000_000
"""Number of arrays in a file."""
SUFFIX = ".npy"

Arrays = dict[str, NDArray[Any]]


def read_arrays(path: str | Path, names: Collection[str] | None = None) -> Arrays:
    """Return arrays of an `.npz` file by name.

    Args:
        path: The file.
        names: Names of the arrays to read, where the file has them; by default all.

    Raises:
        InputError: It is no such file, is damaged, has Python objects, or is too large.
    """
    path = check_file(path, "file of arrays")
    limit = max(MAX_BYTES, MAX_RATIO * path.stat().st_size)
    with as_input_error(f"{path}: not arrays that can be read"), zipfile.ZipFile(path) as archive:
        members = [
            member
            for member in archive.infolist()
            if member.filename.endswith(SUFFIX)
            and (names is None or member.filename.removesuffix(SUFFIX) in names)
        ]
        size = sum(member.file_size for member in members)
        if size > limit or len(members) > MAX_ARRAYS:
            raise InputError(
                f"{path}: {len(members):,} arrays of {size:,} bytes are more than the {limit:,} "
                "bytes allowed"
            )
        return {
            member.filename.removesuffix(SUFFIX): _array(archive.read(member), path)
            for member in members
        }


def read_array(path: str | Path) -> NDArray[Any]:
    """Return the array of an `.npy` file.

    Raises:
        InputError: It is no such file, is damaged, has Python objects, or is too large.
    """
    content = read_bytes(path)
    with as_input_error(f"{path}: not an array that can be read"):
        return _array(content, Path(path))


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as `np.savez_compressed` does; they may have any name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = archive.open(f"{name}{SUFFIX}", "w", force_zip64=True)
            with member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def _array(content: bytes, path: Path) -> NDArray[Any]:
    """Return the array in a file's content; its header is read before memory is reserved."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise InputError(f"{path}: arrays of format {version}, expected 1.0 or 2.0")
    shape, _, dtype = readers[version](stream)
    size = dtype.itemsize
    for length in shape:  # integers of Python: no overflow
        size *= length
    if dtype.hasobject or size > len(content):
        raise InputError(f"{path}: holds Python objects or fewer numbers than it claims")
    stream.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array
