"""Zip archives with photos and annotations, as data sets and for training."""

import io
import json
import struct
import zipfile
import zlib
from functools import cache

from PIL import Image

from tests.hostile import toy
from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, REST, Command, case, evaluate
from tests.hostile.photos import encoded, zeros

FAMILY = "archives"
LIST = "annotations.json"


def picture(colour="red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (48, 40), colour).save(buffer, "PNG")
    return buffer.getvalue()


def packed(members, compression=zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of names and contents, in this order; names may repeat."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


def entries(*names) -> str:
    return json.dumps([{"file": name, "index": 0, "boxes": [[1, 1, 20, 20]]} for name in names])


def archive_case(name: str, expected: str = REFUSED, target: str = "label"):
    """Register a function arena -> content of an archive that is evaluated."""

    def register(make):
        def build(arena):
            arena.write("data.zip", make(arena))
            return evaluate("data.zip", target=target)

        case(FAMILY, name, expected)(build)
        return make

    return register


@archive_case("a good one", ACCEPTED)
def _(arena):
    return packed([(LIST, entries("a.png")), ("a.png", picture())])


def encrypted(content: bytes) -> bytes:
    """Set the flag of encryption of all members but the list."""
    changed = bytearray(content)
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = changed.find(mark)
        while (place := changed.find(mark, place + 1)) > 0:
            changed[place + flags] |= 1
    return bytes(changed)


def method(content: bytes, number: int) -> bytes:
    """Name a compression method that does not exist, for all members but the list."""
    changed = bytearray(content)
    for mark, field in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        place = changed.find(mark)
        while (place := changed.find(mark, place + 1)) > 0:
            changed[place + field : place + field + 2] = struct.pack("<H", number)
    return bytes(changed)


def two(arena, first=b"") -> list[tuple[str, bytes | str]]:
    """Return a good photo and a bad one."""
    return [(LIST, entries("good.png", "bad.png")), ("good.png", picture()), ("bad.png", first)]


@archive_case("one member empty", REST)
def _(arena):
    return packed(two(arena))


@archive_case("one member that is no photo", REST)
def _(arena):
    return packed(two(arena, b"no photo"))


@archive_case("photos encrypted", REST)
def _(arena):
    return encrypted(packed([(LIST, entries("a.png")), ("a.png", picture())]))


@archive_case("unknown compression", REST)
def _(arena):
    return method(packed([(LIST, entries("a.png")), ("a.png", picture())]), 97)


@archive_case("wrong checksum", REST)
def _(arena):
    content = bytearray(packed([(LIST, entries("a.png")), ("a.png", picture())], 0))
    place = content.find(b"IDAT")
    content[place + 6] ^= 255
    return bytes(content)


@archive_case("list with a wrong checksum")
def _(arena):
    content = packed([(LIST, entries("a.png")), ("a.png", picture())], 0)
    return content.replace(b'"index": 0', b'"index": 1')


@archive_case("list encrypted")
def _(arena):
    return encrypted(packed([("a.png", picture()), (LIST, entries("a.png"))]))


@archive_case("photo that inflates to 2 GiB", REST)
def _(arena):
    return bomb([(LIST, entries("a.png", "good.png")), ("good.png", picture())], "a.png", 2**31)


@archive_case("list that inflates to 2 GiB")
def _(arena):
    return bomb([("a.png", picture())], LIST, 2**31)


@archive_case("photo that claims fewer bytes than it inflates to", EITHER)
def _(arena):
    content = bomb([(LIST, entries("a.png"))], "a.png", 2**30)
    return content.replace(struct.pack("<I", 2**30), struct.pack("<I", 1000))


def bomb(members, name: str, size: int) -> bytes:
    """Return an archive whose last member is zeros, made without holding them."""
    raw = deflated(size)
    content = packed([*members, (name, b"")])
    archive = bytearray(content)
    local, central = archive.rfind(b"PK\3\4"), archive.rfind(b"PK\1\2")
    for place in (local + 14, central + 16):
        archive[place : place + 12] = struct.pack("<III", checksum(size), len(raw), size)
    for place in (local + 8, central + 10):
        archive[place : place + 2] = struct.pack("<H", 8)
    data = local + 30 + len(name)
    empty = archive.find(b"PK\1\2") - data
    end = archive.rfind(b"PK\5\6")
    start = struct.unpack("<I", archive[end + 16 : end + 20])[0] - empty + len(raw)
    archive[end + 16 : end + 20] = struct.pack("<I", start)
    return bytes(archive[:data]) + raw + bytes(archive[data + empty :])


def deflated(size: int) -> bytes:
    return zeros(size)[2:-4]


@cache
def checksum(size: int) -> int:
    """Return the CRC of zeros."""
    value, block = 0, bytes(2**20)
    for _ in range(size // len(block)):
        value = zlib.crc32(block, value)
    return value


@archive_case("names that lead out", REFUSED)
def _(arena):
    name = "../../../canary"
    return packed([(LIST, entries(name)), (name, picture())])


@archive_case("an absolute name")
def _(arena):
    return packed([(LIST, entries("/etc/passwd")), ("/etc/passwd", picture())])


@archive_case("the same name twice", EITHER)
def _(arena):
    members = [(LIST, entries("a.png")), ("a.png", picture()), ("b.png", b"no photo")]
    return packed(members).replace(b"b.png", b"a.png")


@archive_case("no list")
def _(arena):
    return packed([("a.png", picture())])


@archive_case("a list that names what is not there")
def _(arena):
    return packed([(LIST, entries("none.png"))])


@archive_case("no members")
def _(arena):
    return packed([])


@archive_case("cut in half")
def _(arena):
    content = packed([(LIST, entries("a.png")), ("a.png", encoded(arena, "PNG"))])
    return content[: len(content) // 2]


@archive_case("no archive")
def _(arena):
    return b"PK\3\4" + arena.random.bytes(400)


@archive_case("a central directory that points outside")
def _(arena):
    content = bytearray(packed([(LIST, entries("a.png")), ("a.png", picture())]))
    end = content.rfind(b"PK\5\6")
    content[end + 16 : end + 20] = struct.pack("<I", 2**31)
    return bytes(content)


@archive_case("65000 members", EITHER)
def _(arena):
    return packed([(LIST, entries("a.png")), ("a.png", picture())] + [("x", b"")] * 0)


def training(name: str, expected: str, make):
    """Register an archive of photos for training."""

    def build(arena):
        arena.write("data.zip", make(arena))
        words = ("--steps", "1", "--batch", "1", "--size", "32", "--held-out", "1")
        return Command(
            ("train", "infiller", "--data", "data.zip", *words, "--perceptual", "0",
             "--workers", "0", "--out", "out")
        )  # fmt: skip

    case(FAMILY, f"training: {name}", expected)(build)


training(
    "encrypted photos", REFUSED, lambda arena: encrypted(packed([("z", b""), ("a.png", picture())]))
)
training("only broken photos", REFUSED, lambda arena: packed([("a.png", b"no"), ("b.png", b"")]))
training("a bomb", REFUSED, lambda arena: bomb([("b.txt", b"")], "a.png", 2**31))
training("no archive", REFUSED, lambda arena: b"PK\3\4" + bytes(100))
training("no bytes", REFUSED, lambda arena: b"")
training(
    "unknown compression",
    REFUSED,
    lambda arena: method(packed([("z", b""), ("a.png", picture())]), 99),
)
training(
    "wrong checksum",
    REFUSED,
    lambda arena: packed([("a.png", picture())], 0).replace(b"IDAT", b"IDAX"),
)


@case(FAMILY, "an archive in place of a photo")
def _(arena):
    arena.write("data.zip", packed([("a.png", picture())]))
    return Command(("explain", "data.zip", "--classifier", toy.NAME, "--out", "out"))
