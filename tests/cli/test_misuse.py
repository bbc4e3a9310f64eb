"""What can be checked before the first pass is: status 2, one line, nothing written."""

import pytest

from tests.cli.conftest import MODEL
from unsee.cli import main

EXPLAINING = ("explain", "compare", "sweep", "sanity", "counterfactual", "bench")
WRITING = ("explain", "compare", "sweep", "sanity", "sanity-labels", "counterfactual", "evaluate",
           "evaluate-infill", "report")  # fmt: skip
MINUS = -1
OF_ALL_THAT_EXPLAIN = [
    "--classifier resnet50",
    "--classifier file:nowhere.pth",
    "--classifier tests.cli.conftest:nobody",
    "--classifier efficientnet_lite9",
    "--measure probabilty",
    "--target espreso",
    "--target 4000",
    "--contrast espreso",
    "--contrast 1 --measure logit",
    "--seed -1",
    "--seed 99999999999999999999",
    "--seed one",
    "--budget 0",
    "--budget -5",
    "--budget fats",
    "--size 0",
    "--size 99999",
    "--size 64x99999",
    "--size 64x",
    "--size 1e3",
    "--fit cut",
    "--precision int8",
    "--device gpu",
    "--device meta",
    "--device cuda:77",
    "--device tpu",
    "--steps 100",
]
OF = {
    "explain": [
        "--top 0", "--top 1", "--top 15", "--top nan", "--top inf", "--top much", "--repeats 0",
        "--repeats 1.5", "--method ryse", "--method rise:samples=0", "--method rise:samples=nan",
        "--method recipe:fido", "--infiller gray", "--infiller blur:sgima=3",
        "--picture-infiller gray", "--picture-infiller blur:sigma=wide", "--out FILE",
        "--out FILE/below", "--out /proc/nowhere/out",
    ],
    "compare": [
        "--methods", "--methods ryse", "--methods rise:sampels=3", "--infillers",
        "--infillers gray", "--infillers blur:sigma=wide", "--out FILE", "--out FOLDER",
        "--out FILE/below", "--methods fido:mode=sdd",
    ],
    "sweep": [
        "--seeds 0", "--seeds -3", "--method ryse", "--infiller gray", "--setting samples=3",
        "--setting grid=", "--setting grid", "--setting grid=x --method random", "--out FOLDER",
        "--out FILE",
    ],
    "sanity": [
        "--layers 0", "--order up", "--method ryse", "--infiller gray", "--out FOLDER",
        "--out FILE",
    ],
    "counterfactual": [
        "--samples 0", "--largest 0", "--largest nan", "--largest 1.5", "--method ryse",
        "--infiller gray", "--picture-infiller gray", "--out FOLDER", "--out FILE",
    ],
    "bench": [
        "--methods ryse", "--infiller gray", "--chunks 0", "--chunks", "--batch 0", "--rounds 0",
        "--seconds nan", "--seconds 0", "--extra-precisions int8", "--photo nowhere.png",
        "--photo FOLDER",
    ],
    "sanity-labels": [
        "--photos 1", "--explained 0", "--methods ryse", "--methods", "--infiller gray",
        "--device gpu", "--device cuda:77", "--training.size 2", "--training.epochs 0",
        "--training.seed -1", "--training.rate nan", "--training.target-accuracy nan",
        "--out FOLDER", "--out FILE", "--data nowhere",
    ],
    "evaluate": [
        "--methods ryse", "--methods", "--infillers gray", "--metrics deletoin",
        "--metrics deletion:protocol=ryse", "--metric-infiller gray", "--classifier resnet50",
        "--classifier file:nowhere.pth", "--reference-classifiers resnet50", "--measure probabilty",
        "--budget 0", "--classes a-b", "--limit 0", "--batch 0", "--shard 0", "--seed -1",
        "--part 3/2", "--part 0/1", "--engine cloud", "--engine ray --workers 0",
        "--engine ray --cpus nan", "--device gpu", "--device meta", "--chunk 0", "--threads 0",
        "--plan nowhere", "--plan nowhere.toml", "--data nowhere", "--out FILE",
        "--out FOLDER", "--out FILE/below", "--target top2", "--methods tide tide:steps=x",
    ],
    "evaluate-infill": [
        "--share 0", "--share nan", "--share 1", "--grid 0", "--limit 0", "--pictures 0",
        "--tasks", "--tasks sky", "--infillers", "--infillers gray", "--baseline telea9",
        "--classifier resnet50", "--recognition-classifier resnet50", "--perceptual nowhere.pth",
        "--perceptual FOLDER", "--seed -1", "--device gpu", "--out FILE", "--out FOLDER",
        "--data nowhere",
    ],
    "report": ["--out FOLDER", "--out FILE", "--plan nowhere", "nowhere", "FOLDER", "LONG"],
    "train casm": [
        "--data nowhere", "--steps 0", "--batch 0", "--held-out -1", "--stored-size 0", "--seed -1",
        "--workers -1", "--save-every 0", "--minutes nan", "--precision int8", "--out FILE",
        "--classifier resnet50", "--area -1", "--volume nan", "--rate nan", "--rate 0",
        "--width 0", "--device gpu",
    ],
    "train infiller": ["--perceptual nan", "--window 0", "--trunk nowhere.pth --perceptual 1"],
    "train": ["casn", "--steps 1"],
    "list": ["", "metods", "methods ryse", "measures logit", "methods --jason"],
    "demo": ["--out FILE", "--out FILE/below", "--photo x"],
}  # fmt: skip
BASE = {
    "explain": ["PHOTO", "--classifier", MODEL, "--method", "random"],
    "compare": ["PHOTO", "--classifier", MODEL, "--methods", "random"],
    "sweep": ["PHOTO", "--classifier", MODEL, "--method", "random"],
    "sanity": ["PHOTO", "--classifier", MODEL, "--method", "random"],
    "counterfactual": ["PHOTO", "--classifier", MODEL, "--method", "random", "--contrast", "1"],
    "bench": ["--classifier", MODEL, "--methods", "random"],
    "sanity-labels": ["--data", "PHOTOS", "--methods", "random"],
    "evaluate": ["--data", "PHOTOS", "--classifier", MODEL, "--methods", "random"],
    "evaluate-infill": ["--data", "PHOTOS", "--classifier", MODEL, "--infillers", "grey"],
    "train casm": ["--data", "PHOTOS", "--classifier", MODEL],
    "train infiller": ["--data", "PHOTOS"],
}
CASES = [(command, options) for command, several in OF.items() for options in several]
CASES += [(command, options) for command in EXPLAINING for options in OF_ALL_THAT_EXPLAIN]
CASES += [(command, "--out LONG") for command in BASE if command != "bench"]
CASES += [(command, "--data LONG") for command in BASE if "PHOTOS" in BASE[command]]
CASES += [(command, "nowhere.png") for command in ("compare", "sweep", "sanity")]


def files(folder):
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.mark.parametrize(("command", "options"), CASES)
def test_a_bad_option_is_one_line_and_writes_nothing(
    command, options, photo, tmp_path, capsys, monkeypatch
) -> None:
    places = {"PHOTO": photo, "PHOTOS": photo.parent, "FILE": tmp_path / "file",
              "FOLDER": tmp_path / "folder", "LONG": tmp_path / ("x" * 300)}  # fmt: skip
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "note.txt").touch()
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)
    words = [*BASE.get(command, []), *options.split()]
    if options == "nowhere.png":
        words = [*words[1:], options]
    for name, path in places.items():
        words = [str(path) if w == name else w.replace(f"{name}/", f"{path}/") for w in words]
    assert main([*command.split(), *words]) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("unsee: ")
    assert "unexpected error" not in line
    assert len(line) < 700
    assert files(tmp_path) == before


def test_there_are_many_cases() -> None:
    assert len(CASES) == len(set(CASES)) > 250
    assert {command.split()[0] for command, _ in CASES} >= {*EXPLAINING, *WRITING}


@pytest.mark.parametrize("word", ["", "a\0b", "x" * 5000])
@pytest.mark.parametrize("command", [["demo", "--out="], ["report", ""]])
def test_a_folder_that_cannot_exist_is_refused_at_once(command, word, capsys) -> None:
    assert main([*command[:-1], command[-1] + word]) in {1, 2}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("unsee: ")
    assert len(line) < 1100


def test_parts_of_a_run_are_plain_numbers(capsys) -> None:
    for text in ("\u00b2/\u00b2", f"{'9' * 5000}/{'9' * 5000}", "1/", "2/1"):
        assert main(["evaluate", "--data", "x", f"--part={text}"]) == 2
        assert "--part: expected NUMBER/COUNT" in capsys.readouterr().err
