"""Good photos whose names are hostile."""

import os

import unsee
from tests.hostile import toy
from tests.hostile.cases import (
    ACCEPTED,
    REST,
    Call,
    Command,
    case,
    evaluate,
    explain,
)

FAMILY = "photo_names"
NAMES = {
    "a newline": "a\nb.png",
    "a tab and a bell": "a\t\a.png",
    "an escape sequence": "\x1b[31mred\x1b[0m.png",
    "a title of the terminal": "\x1b]0;title\x07.png",
    "a carriage return": "a\rb.png",
    "bytes that are not UTF-8": os.fsdecode(b"caf\xe9\xff.png"),
    "only bytes that are not UTF-8": os.fsdecode(b"\xff\xfe.png"),
    "250 bytes": "x" * 246 + ".png",
    "255 bytes": "x" * 251 + ".png",
    "250 bytes of emoji": "\N{PANDA FACE}" * 61 + ".png",
    "markup of rich": "[/b][red]x.png",
    "a link of rich": "[link=file:///]x[/link].png",
    "unclosed markup": "[/].png",
    "a formula": "$x$.png",
    "a broken formula": "$\\frac{1}{.png",
    "one dollar": "a$b.png",
    "two dots": "..png",
    "three dots": "...png",
    "four dots": "....png",
    "a hidden file": ".png.png",
    "spaces": "   .png",
    "a trailing space": "a .png",
    "a trailing dot": "a..png",
    "a device of Windows": "CON.png",
    "a star": "*.png",
    "brackets": "[a-z].png",
    "a question mark": "what?.png",
    "a backslash": "..\\..\\evil.png",
    "a colon": "C:evil.png",
    "quotes": "\"'`.png",
    "a command": "$(touch canary);.png",
    "a percent sign": "%s%n%d.png",
    "braces": "{overwrite}.png",
    "braces of a format": "{0.__class__}.png",
    "the name of a setting": "rise:samples=5,x.png",
    "a comma": "a,b=c.png",
    "a script": "<script>alert(1)<.png",
    "right to left": "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe.png",
    "an isolate": "\N{FIRST STRONG ISOLATE}x.png",
    "hebrew": "\u05d0\u05d1\u05d2.png",
    "a combining mark": "e\u0301.png",
    "no width": "a\u200bb.png",
    "a line separator": "a\u2028b.png",
    "a next line": "a\x85b.png",
    "a private character": "\ue000.png",
    "no character": "\uffff.png",
    "manifest.json": "manifest.json.png",
    "tilde": "~.png",
    "percent-encoded": "..%2f..%2fevil.png",
}
"""What a name holds, and the name."""


def _complete(arena):
    """Check that the results of both photos are complete folders inside the output."""
    folders = [path for path in (arena.work / "out").iterdir() if path.is_dir()]
    complete = [path for path in folders if (path / "manifest.json").is_file()]
    return None if len(complete) == 2 else f"{len(complete)} complete results of 2 photos"


def _build(arena, name):
    arena.photo()
    path = f"in/{name}"
    good = (arena.work / "in/good.png").read_bytes()
    (arena.work / path).parent.mkdir(exist_ok=True, parents=True)
    (arena.work / path).write_bytes(good)
    hidden = name.startswith(".")  # a folder's hidden photos are left out, named ones are not
    words = ("in/good.png", path) if hidden else ("in",)
    return [
        explain(*words, check=_complete),
        Call(f"unsee.explain({name!r})", lambda: unsee.explain(toy.NAME, path, toy.METHOD)),
    ]


def _broken(arena, name):
    arena.photo()
    arena.write(f"in/{name}", b"\x89PNG broken")
    return [
        evaluate("in", target="top1", expected=REST),
        Call(
            f"unsee.explain({name!r})",
            lambda: unsee.explain(toy.NAME, f"in/{name}", toy.METHOD),
            "refused",
        ),
    ]


for _what, _name in NAMES.items():
    case(FAMILY, f"name with {_what}", ACCEPTED)(lambda arena, name=_name: _build(arena, name))
    if not _name.startswith(("x", " ", ".", "\N{PANDA FACE}")):
        case(FAMILY, f"broken, name with {_what}", REST)(
            lambda arena, name=_name: _broken(arena, name)
        )


@case(FAMILY, "output folder with a newline", ACCEPTED)
def _(arena):
    name = arena.photo()
    command = explain(name)
    return Command(tuple("out/a\nb" if word == "out" else word for word in command.arguments))


@case(FAMILY, "output folder that is not UTF-8", ACCEPTED)
def _(arena):
    name, folder = arena.photo(), os.fsdecode(b"out/\xff")
    command = explain(name)
    return Command(tuple(folder if word == "out" else word for word in command.arguments))
