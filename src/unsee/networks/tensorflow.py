"""Read TensorFlow checkpoints (NAME.index and NAME.data-...) without TensorFlow.

The index is a LevelDB table from variable names to protocol buffers (`BundleEntryProto`), which
locate each variable in the data files.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unsee.errors import InputError
from unsee.storage.files import check_file, read_bytes

TABLE_MAGIC = 0xDB4775248B80FB57
"""The last eight bytes of a LevelDB table."""
FOOTER_BYTES = 48
"""Length of a LevelDB table's footer."""
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "|u1", 9: "<i8", 19: "<f2"}
"""NumPy's name for TensorFlow's numbers of types."""
MAX_SHARDS = 100_000
"""Largest number of data files: the number of a checkpoint has five digits."""
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
"""Wire types of protocol buffers."""

Fields = dict[int, list[int | bytes]]
"""A protocol buffer: all values of each field number."""


def read(prefix: str | Path) -> dict[str, Tensor]:
    """Read all variables of a checkpoint by name.

    Args:
        prefix: The checkpoint's path without `.index`, or with it.

    Raises:
        InputError: The checkpoint or a part of it is missing, or damaged.
    """
    index = Path(str(prefix).removesuffix(".index") + ".index")
    table = read_bytes(index, description="TensorFlow checkpoint")
    try:
        entries = dict(_table(table))
        header = _fields(entries.pop(b""))
        count = min(int(header[1][0]), MAX_SHARDS)
        stem = str(index).removesuffix(".index")
        shards = [Path(f"{stem}.data-{i:05d}-of-{count:05d}") for i in range(count)]
        return {name.decode(): _variable(_fields(value), shards) for name, value in entries.items()}
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{index}: a part of the checkpoint cannot be read: {error}") from error
    except (ValueError, KeyError, IndexError, struct.error, TypeError, OverflowError) as error:
        raise InputError(
            f"{index} is no TensorFlow checkpoint, or it is damaged: {error}"
        ) from error


def _variable(entry: Fields, shards: list[Path]) -> Tensor:
    """Read the variable that an entry describes from its data file."""
    dtype = DTYPES[int(entry[1][0])]
    dimensions = _fields(entry[2][0]).get(2, []) if 2 in entry else []
    shape = [int(_fields(dimension).get(1, [0])[0]) for dimension in dimensions]
    number, start, size = (int(entry.get(field, [0])[0]) for field in (3, 4, 5))
    with check_file(shards[number], "part of the checkpoint").open("rb") as file:
        file.seek(start)
        content = file.read(min(size, shards[number].stat().st_size))
    return torch.from_numpy(np.frombuffer(content, dtype).reshape(shape).copy())


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a LevelDB table."""
    if struct.unpack("<Q", content[-8:])[0] != TABLE_MAGIC:
        raise ValueError("the end of the table is missing")
    place = len(content) - FOOTER_BYTES
    for _ in range(2):  # handles of the meta index, which is not needed, and of the index
        start, place = _varint(content, place)
        size, place = _varint(content, place)
    for _, handle in _block(content, start, size):
        block_start, place = _varint(handle, 0)
        yield from _block(content, block_start, _varint(handle, place)[0])


def _block(content: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block; a key shares its beginning with the one before."""
    if content[start + size] != 0:
        raise ValueError("the table is compressed")
    block = content[start : start + size]
    end = size - 4 * (1 + struct.unpack("<I", block[-4:])[0])
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        unshared, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + unshared]
        place += unshared
        yield key, block[place : place + length]
        place += length


def _fields(message: int | bytes) -> Fields:
    """Parse a protocol buffer."""
    content, fields, place = _bytes(message), Fields(), 0
    while place < len(content):
        tag, place = _varint(content, place)
        wire_type = tag & 7
        value: int | bytes
        if wire_type == VARINT:
            value, place = _varint(content, place)
        elif wire_type == BYTES:
            length, place = _varint(content, place)
            value, place = content[place : place + length], place + length
        elif wire_type in {FIXED_64, FIXED_32}:
            length = 8 if wire_type == FIXED_64 else 4
            value, place = content[place : place + length], place + length
        else:
            raise ValueError(f"unknown wire type {wire_type}")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise TypeError("expected a message, got a number")
    return value


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """Return a number stored in seven bits a byte, and the place after it."""
    number = shift = 0
    while True:
        byte = content[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place
