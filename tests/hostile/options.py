"""Values of options that are hostile, for every command; arguments that are none."""

from functools import partial

from tests.hostile import toy
from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, Command, case

FAMILY = "options"
HUGE, LONG = "9" * 5000, "x" * 100_000
ODD = ("-1", "0", "nan", "inf", "-inf", "1e999", "\u00b2", "\u0665", "", " ", "1_0", "0x10", HUGE,
LONG,
       "\x1b[2J", "a\nb", "\ud800", "[/b]", "{overwrite}", "None", "none", "true")  # fmt: skip
"""Values of options that expect something else."""
VALUES = {
    "explain": {
        "--top": ("0", "1", "-0.1", "nan", "inf", "1e-300", "x", ""),
        "--size": ("0", "-1", "99999", "1", "7", "\u0665", "1x0", "0x1", "224x", HUGE,
        "1x99999999", "nan"),
        "--device": ("meta", "cuda:99", "cuda", "nothing", "cpu:5", "", "mps", "xpu", "vulkan",
        LONG,
                     "cpu:-1", "privateuseone", "\x1b[2J"),
        "--seed": ("-1", "nan", "1e3", HUGE, "18446744073709551616", "\u00b2", ""),
        "--repeats": ("0", "-1", "nan", "1e9", "1.5", HUGE),
        "--budget": ("0", "-1", "nan", "inf", "fastest", "1e3", HUGE, "\u00b2", ""),
        "--target": ("99", "-1", "cat", "", "nan", HUGE, LONG, "[/b]", "1.0", "\u0661", "top1 "),
        "--contrast": ("99", "-1", "top1", "", HUGE),
        "--measure": ("none", "margins", "", "__class__", LONG),
        "--cells": ("", "sliq", "slic:n=0", f"slic:n={HUGE}", "slic:n=nan", "slic:sigma=inf",
                    "slic:compactness=1e-300", "felzenszwalb:scale=1e300", "grid:n=3", "labels",
                    "labels:/dev/zero", "labels:.", "labels:none.npy", "labels:a\0b", LONG,
                    f"labels:{LONG}", "felzenszwalb:least=9223372036854775807"),
        "--fit": ("cut", "", LONG), "--precision": ("int8", "float64", "", "float16"),
        "--infiller": ("none", "", LONG, "own"), "--picture-infiller": ("nothing", "",
        "blur:sigma=-1"),
        "--out": ("", LONG, "a\0b"),
    },
    "evaluate": {
        "--batch": ("0", "-1", "nan", HUGE, "1000000000"), "--shard": ("0", "-1", HUGE),
        "--limit": ("0", "-1", HUGE, "nan"), "--chunk": ("0", "-1", HUGE, "nan"),
        "--threads": ("0", "-1", "1000000000", HUGE), "--part": ("0/1", "2/1", "1/0",
        "\u00b2/\u00b2", "/",
                      "1", "1/1/1", f"{HUGE}/{HUGE}", "-1/-1"),
        "--budget": ("0", "x", HUGE), "--device": ("meta", "cuda:99", "x"), "--target": ("x", ""),
        "--seed": (HUGE, "-1"), "--engine": ("x", ""), "--measure": ("x",), "--data": ("", "x:y",
        LONG, "a\0b"),
        "--metric-infiller": ("x", ""), "--workers": ("-1",), "--precision": ("int8",),
    },
    "compare": {"--methods": ("", "x", "rise:samples=0"), "--infillers": ("x",),
    "--budget": ("nan",)},
    "sweep": {
        "--seeds": ("0", "-1", HUGE, "nan"),
        "--setting": ("", "x", "patch=", "patch=1,,2", "patch=nan", "x=1", "patch=0,8", "=",
        "patch=" + LONG),
    },
    "sanity": {"--layers": ("0", "-1", HUGE, "nan"), "--order": ("x", "")},
    "counterfactual": {
        "--contrast": ("", "x", HUGE, "-1"), "--samples": ("0", "-1", "nan"),
        "--largest": ("0", "nan", "inf", "-1", "2"), "--picture-infiller": ("", "x", LONG),
    },
    "bench": {
        "--rounds": ("0", "-1"), "--seconds": ("nan", "-1", "inf"), "--chunks": ("0", "-1", "x"),
        "--batch": ("0", "-1"), "--extra-precisions": ("x", ""), "--photo": ("none.png", "",
        "/dev/zero"),
    },
    "sanity-labels": {"--photos": ("0", "-1"), "--explained": ("0", "-1", HUGE),
                      "--training.epochs": ("0", "-1", "nan")},
    "evaluate-infill": {
        "--share": ("0", "1", "nan", "inf", "-1"), "--grid": ("0", "-1", HUGE), "--limit": ("0",
        "-1"),
        "--tasks": ("x", ""), "--baseline": ("x",), "--infillers": ("x", ""), "--pictures": ("-1",),
        "--perceptual": ("none.pth", "/dev/zero", "."),
    },
    "train infiller": {
        "--steps": ("0", "-1", HUGE), "--batch": ("0", "-1"), "--size": ("0", "-1", "3"),
        "--held-out": ("-1",), "--precision": ("x",), "--workers": ("-1",), "--save-every": ("0",
        "-1"),
        "--minutes": ("nan", "-1", "inf"), "--stored-size": ("0", "-1"), "--trunk": ("none.pth",
        "/dev/zero"),
    },
    "report": {"--plan": ("", "x", LONG), "--out": ("", "a\0b")},
    "list": {},
    "demo": {"--out": ("", "a\0b")},
}  # fmt: skip
"""For each command the options and their values."""


def base(arena, command: str) -> tuple[str, ...]:
    """Return a command that would run, with quick settings."""
    words = tuple(command.split())
    photo = arena.photo("data/a/1.png")
    arena.photo("data/b/2.png")
    quick = ("--classifier", toy.NAME)
    return {
        "explain": (*words, photo, *quick, "--method", toy.METHOD),
        "evaluate": (*words, "--data", "data", *quick, "--methods", toy.METHOD, "--metrics",
        "gini"),
        "compare": (*words, photo, *quick, "--methods", toy.METHOD),
        "sweep": (*words, photo, *quick, "--method", toy.METHOD),
        "sanity": (*words, photo, *quick, "--method", toy.METHOD, "--layers", "1"),
        "counterfactual": (*words, photo, *quick, "--method", toy.METHOD, "--contrast", "0"),
        "bench": (*words, "--photo", photo, *quick, "--methods", toy.METHOD, "--rounds", "1",
                  "--seconds", "0.01", "--chunks", "1", "--batch", "1"),
        "sanity-labels": (*words, "--data", "data", "--methods", "box"),
        "evaluate-infill": (*words, "--data", "data", "--infillers", "grey", *quick,
                            "--recognition-classifier", toy.NAME, "--tasks", "cells"),
        "train infiller": (*words, "--data", "data", "--steps", "1", "--batch", "1", "--held-out",
        "1",
                           "--workers", "0", "--perceptual", "0"),
    }.get(command, words)  # fmt: skip


def _option(arena, command: str, option: str, value: str):
    words = base(arena, command)
    if option in words:
        place = words.index(option)
        words = (*words[:place], *words[place + 2 :])
    out = () if option == "--out" or command == "bench" else ("--out", "out")
    return Command((*words, f"{option}={value}", *out))


for _command, _options in VALUES.items():
    for _option_name, _values in _options.items():
        for _number, _value in enumerate(_values):
            _shown = _value if len(_value) < 20 else f"{_value[0]} x {len(_value)}"
            case(FAMILY, f"{_command} {_option_name}={_shown!r}", EITHER)(
                partial(_option, command=_command, option=_option_name, value=_value)
            )
for _value in ODD:
    _shown = _value if len(_value) < 20 else f"{_value[0]} x {len(_value)}"
    for _where, _words in {
        "a command": (_value,), "an option": ("explain", f"--{_value}"), "a kind": ("list", _value),
        "a name": ("list", "methods", _value), "a photo": ("explain", _value),
        "a run": ("report", _value),
        "a network": ("train", _value),
    }.items():  # fmt: skip

        def _odd(arena, words=_words):
            return Command(words)

        case(FAMILY, f"{_where} called {_shown!r}", EITHER)(_odd)
for _name, _words in {
    "no words": (), "help": ("--help",), "help of all": ("explain", "--help"),
    "version": ("--version",),
    "a list in JSON": ("list", "methods", "--json"),
}.items():  # fmt: skip
    case(FAMILY, _name, ACCEPTED)(lambda arena, words=_words: Command(words))
for _name, _words in {
    "ten thousand options": ("explain", *["--seed=1"] * 10_000), "a file of options": ("explain",
    "@/etc/passwd"),
    "only dashes": ("explain", "--"), "a long option": ("explain", "--" + "a" * 50_000),
    "an option twice": ("explain", "--seed", "1", "--seed", "2"), "two commands": ("explain",
    "compare"),
    "a hundred thousand words": ("list", "methods", *["x"] * 100_000),
}.items():  # fmt: skip
    case(FAMILY, _name, REFUSED)(lambda arena, words=_words: Command(words))
