"""Reads TensorFlow checkpoints (NAME.index and NAME.data-...), without TensorFlow."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unsee.errors import InputError

MAGIC = 0xDB4775248B80FB57
"""At the end of an index, which is a table of LevelDB."""
KINDS = {1: "<f4", 2: "<f8", 3: "<i4", 4: "|u1", 9: "<i8", 19: "<f2"}
"""TensorFlow's number for each kind of number."""

Fields = dict[int, list[int | bytes]]
"""Of a protocol buffer: all values of each field."""


def read(prefix: str | Path) -> dict[str, Tensor]:
    """All variables of a checkpoint by name, as they are stored.

    `prefix` is the checkpoint's name, or its index. Raises `InputError` for what is no checkpoint.
    """
    index = Path(str(prefix).removesuffix(".index") + ".index")
    try:
        table = index.read_bytes()
    except OSError as error:
        raise InputError(f"no TensorFlow checkpoint: {error}") from error
    try:
        entries = dict(_table(table))
        header = _fields(entries.pop(b""))
        count = int(header[1][0])
        stem = str(index).removesuffix(".index")
        shards = [Path(f"{stem}.data-{i:05d}-of-{count:05d}") for i in range(count)]
        return {name.decode(): _variable(_fields(value), shards) for name, value in entries.items()}
    except OSError as error:
        raise InputError(f"a part of the checkpoint is missing: {error}") from error
    except (ValueError, KeyError, IndexError, struct.error, TypeError) as error:
        raise InputError(
            f"{index} is no TensorFlow checkpoint, or it is damaged: {error}"
        ) from error


def _variable(entry: Fields, shards: list[Path]) -> Tensor:
    """One variable out of its shard."""
    kind = KINDS[int(entry[1][0])]
    dimensions = _fields(entry[2][0]).get(2, []) if 2 in entry else []
    shape = [int(_fields(dimension).get(1, [0])[0]) for dimension in dimensions]
    number, start, size = (int(entry.get(field, [0])[0]) for field in (3, 4, 5))
    with shards[number].open("rb") as file:
        file.seek(start)
        content = file.read(size)
    return torch.from_numpy(np.frombuffer(content, kind).reshape(shape).copy())


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a LevelDB table."""
    if struct.unpack("<Q", content[-8:])[0] != MAGIC:
        raise ValueError("the end of the table is missing")
    place = len(content) - 48
    for _ in range(2):  # of the meta index, which is not needed, and of the index
        start, place = _varint(content, place)
        size, place = _varint(content, place)
    for _, handle in _block(content, start, size):
        at, rest = _varint(handle, 0)
        yield from _block(content, at, _varint(handle, rest)[0])


def _block(content: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys, which share their beginning with the one before, and values of a block."""
    if content[start + size] != 0:
        raise ValueError("the table is compressed")
    block = content[start : start + size]
    end = size - 4 * (1 + struct.unpack("<I", block[-4:])[0])
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        fresh, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + fresh]
        place += fresh
        yield key, block[place : place + length]
        place += length


def _fields(message: int | bytes) -> Fields:
    """A protocol buffer's fields."""
    content, found, place = _bytes(message), Fields(), 0
    while place < len(content):
        tag, place = _varint(content, place)
        kind = tag & 7
        value: int | bytes
        if kind == 0:
            value, place = _varint(content, place)
        elif kind == 2:
            length, place = _varint(content, place)
            value, place = content[place : place + length], place + length
        elif kind in {1, 5}:
            length = 8 if kind == 1 else 4
            value, place = content[place : place + length], place + length
        else:
            raise ValueError(f"field of kind {kind}")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise TypeError("a number where a message should be")
    return value


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A number in seven bits a byte, and where it ends."""
    number = shift = 0
    while True:
        byte = content[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place
