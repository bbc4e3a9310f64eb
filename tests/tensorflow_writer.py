"""Writes checkpoints as TensorFlow 1 does, enough of them to test the reader at full size."""

import struct
from pathlib import Path

import numpy as np

KINDS = {"float32": 1, "int64": 9}


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Keys share what they can with the one before; one restart, at the beginning."""
    out, last = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(last)) and key[shared] == last[shared]:
            shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out, last = out + key[shared:] + value, key
    return out + struct.pack("<II", 0, 1)


def write(prefix: Path, variables: dict[str, np.ndarray]) -> None:
    data, entries = b"", [(b"", field(1, 1))]
    for name in sorted(variables):
        value = variables[name]
        shape = b"".join(field(2, field(1, side)) for side in value.shape)
        entry = field(1, KINDS[str(value.dtype)]) + field(2, shape)
        entry += field(4, len(data)) + field(5, value.nbytes)
        entries.append((name.encode(), entry))
        data += value.tobytes()
    half = len(entries) // 2  # two blocks
    table, handles = b"", []
    for part in (entries[:half], entries[half:]):
        made = block(part)
        handles.append((part[-1][0], varint(len(table)) + varint(len(made))))
        table += made + b"\0" + b"\0\0\0\0"
    index, meta = block(handles), block([])
    footer = varint(len(table)) + varint(len(meta))
    table += meta + b"\0" * 5
    footer += varint(len(table)) + varint(len(index))
    table += index + b"\0" * 5 + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    Path(f"{prefix}.index").write_bytes(table)
    Path(f"{prefix}.data-00000-of-00001").write_bytes(data)
