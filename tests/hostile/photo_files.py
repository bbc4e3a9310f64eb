"""Photos that are hostile as files: metadata, compressions, pipes, devices, links, globs."""

import os
import socket
import struct
from functools import partial
from pathlib import Path

from tests.hostile.cases import (
    ACCEPTED,
    EITHER,
    REFUSED,
    REST,
    Command,
    case,
    explain,
    explained,
    with_options,
)
from tests.hostile.photos import both, encoded

FAMILY = "photo_files"


def exif(orientation: int, kind: int = 3, count: int = 1) -> bytes:
    """Return an EXIF block with one entry."""
    entry = struct.pack(">HHIHH", 0x0112, kind, count, orientation, 0)
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 1) + entry + bytes(4)


BLOCKS = {
    "exif orientation 0": {"exif": exif(0)},
    "exif orientation 9": {"exif": exif(9)},
    "exif orientation 65535": {"exif": exif(65535)},
    "exif orientation as text": {"exif": exif(0x4141, kind=2, count=4)},
    "exif of a million orientations": {"exif": exif(6, count=10**6)},
    "exif of noise": {"exif": b"Exif\0\0" + bytes(range(256)) * 8},
    "exif that ends early": {"exif": exif(6)[:15]},
    "exif whose folder points to itself": {"exif": exif(6)[:-4] + b"\0\0\0\x08"},
    "icc profile of noise": {"icc_profile": bytes(range(256)) * 40},
    "icc profile of zeros": {"icc_profile": bytes(128)},
}  # fmt: skip
for _name, _settings in BLOCKS.items():

    def _block(arena, settings=_settings):
        return both(arena, arena.write("in/bad.jpg", encoded(arena, "JPEG", **settings)), ACCEPTED)

    case(FAMILY, _name, ACCEPTED)(_block)


COMPRESSIONS = {
    "tiff_lzw": "RGB", "tiff_adobe_deflate": "RGB", "jpeg": "RGB", "packbits": "RGB",
    "group3": "1", "group4": "1",
}  # fmt: skip
"""Compressions of TIFF, which libtiff decodes, and the modes that they store."""


def _compressed(arena, compression: str, damage: str):
    mode = COMPRESSIONS[compression]
    content = bytearray(encoded(arena, "TIFF", mode=mode, compression=compression))
    start = struct.unpack("<I", content[4:8])[0]
    area = {"strips": (8, start, 20), "directory": (start, min(len(content), start + 200), 3)}
    low, high, count = area[damage]
    for place in arena.random.integers(low, high, count):
        content[place] ^= 1 << int(arena.random.integers(8))
    return both(arena, arena.write("in/bad.tif", bytes(content)), EITHER)


for _compression in COMPRESSIONS:
    for _damage in ("strips", "directory"):
        case(FAMILY, f"tiff in {_compression} with damaged {_damage}", EITHER)(
            partial(_compressed, compression=_compression, damage=_damage)
        )


def special(name: str, expected: str = REFUSED):
    """Register a function that makes a file with this name, beside a good photo."""

    def register(make):
        def build(arena):
            (arena.work / "in").mkdir()
            return both(arena, make(arena), expected)

        case(FAMILY, name, expected)(build)
        return make

    return register


@special("pipe that nobody writes to")
def _(arena):
    os.mkfifo(arena.work / "in" / "pipe.png")
    return "in/pipe.png"


@special("socket")
def _(arena):
    before = Path.cwd()
    os.chdir(arena.work / "in")  # a socket's path is at most 108 bytes
    try:
        socket.socket(socket.AF_UNIX).bind("s.png")
    finally:
        os.chdir(before)
    return "in/s.png"


LINKS = {
    "an endless device": ("zero", "/dev/zero", REFUSED),
    "a terminal": ("tty", "/dev/tty", REFUSED),
    "memory of the process": ("mem", "/proc/self/mem", EITHER),
    "itself": ("loop", "loop.png", REFUSED),
    "nothing": ("gone", "nowhere.png", REFUSED),
}
"""Name of a link, where it leads, and the expectation."""


def link(name, target, expected, where):
    @special(f"link to {where}", expected)
    def _(arena):
        (arena.work / "in" / f"{name}.png").symlink_to(target)
        return f"in/{name}.png"


for where, values in LINKS.items():
    link(*values, where)


@special("link to a good photo", ACCEPTED)
def _(arena):
    arena.photo("in/there.png")
    (arena.work / "in" / "here.png").symlink_to("there.png")
    return "in/here.png"


@case(FAMILY, "folder called png")
def _(arena):
    # a folder without photos stops the command: its name is a mistake, not one photo of many
    (arena.work / "in" / "folder.png").mkdir(parents=True)
    return [both(arena, "in/folder.png", EITHER)[1], explain("in/folder.png", arena.photo())]


@special("file that is not there")
def _(arena):
    return "in/none.png"


@special("path below a file")
def _(arena):
    arena.photo("in/a.png")
    return "in/a.png/b.png"


@special("sparse file of 3 GiB")
def _(arena):
    with (arena.work / "in" / "sparse.png").open("wb") as file:
        file.truncate(3 * 2**30)
    return "in/sparse.png"


@special("photo before 3 GiB of nothing", EITHER)
def _(arena):
    name = arena.photo("in/tail.png")
    with (arena.work / name).open("r+b") as file:
        file.truncate(3 * 2**30)
    return name


@special("standard input")
def _(arena):
    return "/dev/stdin"


def _folder(name, expected=REST, words=("in",), status=None):
    """Register a search of a folder that also holds a good photo."""

    def register(make):
        def build(arena):
            arena.photo()
            make(arena)
            return explain(*words, check=explained("good"))

        case(FAMILY, name, expected)(build)
        return make

    return register


@_folder("folder with a pipe", EITHER)
def _(arena):
    os.mkfifo(arena.work / "in" / "pipe.png")


@_folder("folder with an endless device", EITHER)
def _(arena):
    (arena.work / "in" / "zero.png").symlink_to("/dev/zero")


@_folder("folder with a folder called jpg", EITHER)
def _(arena):
    (arena.work / "in" / "x.jpg").mkdir()


@_folder("folder with empty and broken photos")
def _(arena):
    for number in range(20):
        arena.write(f"in/bad{number}.png", b"\x89PNG\r\n" * (number % 3))


@_folder("folder that links to its parent", ACCEPTED)
def _(arena):
    (arena.work / "in" / "up").symlink_to("..", target_is_directory=True)


@_folder("two links to folders that hold each other, and **", EITHER, words=("in/**/*.png",))
def _(arena):
    for name, other in (("a", "b"), ("b", "a")):
        folder = arena.work / "in" / name
        folder.mkdir()
        (folder / "one").symlink_to(f"../{other}", target_is_directory=True)
        (folder / "two").symlink_to(f"../{name}", target_is_directory=True)


@_folder("folder of folders 200 deep", EITHER)
def _(arena):
    arena.photo("in/" + "d/" * 200 + "deep.png")


def _refused(name, *words, **rest):
    def build(arena):
        arena.photo()
        return explain(*words, **rest)

    case(FAMILY, name)(build)


_refused("glob that matches nothing", "in/*.jpg")
_refused("glob with an open bracket", "in/[a")
_refused("no photo at all")
_refused("a null character", "in/\0.png")
_refused("an empty name", "")
_refused("a name of 100000 characters", "x" * 100_000)
_refused("a URL", "https://example.com/a.png")


@case(FAMILY, "glob of ten thousand stars", ACCEPTED)
def _(arena):
    arena.photo()
    return explain("*" * 10_000, check=explained("good"))  # the same as one star


@case(FAMILY, "the same photo three times", ACCEPTED)
def _(arena):
    name = arena.photo()
    return explain(name, f"./{name}", str(arena.work / name), check=explained("good"))


@case(FAMILY, "photos that share a stem", ACCEPTED)
def _(arena):
    names = [arena.photo(f"in/IMG{end}") for end in (".jpg", ".png", "-2.png", ".bmp")]

    def check(arena):
        count = len(list((arena.work / "out").glob("*/manifest.json")))
        return None if count == len(names) else f"{count} results of {len(names)} photos"

    return explain(*names, check=check)


@case(FAMILY, "no permission to read", EITHER)
def _(arena):
    name = arena.photo("in/secret.png")
    (arena.work / name).chmod(0)
    return both(arena, name, EITHER)


@case(FAMILY, "compare, sweep, sanity and bench of a broken photo")
def _(arena):
    bad = arena.write("in/bad.png", b"\x89PNG\r\n\x1a\n")
    commands = (("compare", bad), ("sweep", bad, "--seeds", "2"), ("sanity", bad),
                ("bench", "--photo", bad))  # fmt: skip
    classifier = ("--classifier", "tests.hostile.toy:classifier")
    return [with_options(Command(words), *classifier) for words in commands]
