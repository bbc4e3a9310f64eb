"""Parts of other packages, by their entry points."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import unsee
from tests.conftest import masked_score, small
from unsee import registry
from unsee.cli import main
from unsee.cli.list import entries
from unsee.registry import kinds, names, plug_ins
from unsee.registry.names import name_of, packages_of, usable_parts

HALVES = '''
from dataclasses import dataclass
import torch
from unsee.methods.base import Method, Progress, Traits, fixed_maps

@dataclass(frozen=True)
class Halves(Method):
    """Rate the left half of the image above the right half."""

    share: float = 0.5
    """Share of the width that is rated higher."""

    def iterate(self, score):
        """Yield one map."""
        maps = torch.zeros_like(score.images[:, 0])
        maps[..., : int(self.share * maps.shape[-1])] = 1
        yield Progress(1, 1, fixed_maps(maps))
'''
WRONG = """
from dataclasses import dataclass
from unsee.methods.base import Method

class Bare(Method):
    def iterate(self, score): ...

@dataclass
class Thawed(Bare):
    pass

@dataclass(frozen=True)
class Unfinished(Method):
    '''Do nothing.'''

count = 3
"""
BLACK = '''
from dataclasses import dataclass
from unsee.infillers.base import Infiller

@dataclass(frozen=True)
class Black(Infiller):
    """Black pixels."""

    def bind(self, batch):
        """Return black images."""
        return lambda keep, rows: rows.of(batch.images) * 0
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a package with modules and entry points of methods."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    caches = (plug_ins.plug_ins, plug_ins._installed, names.available)

    def clear() -> None:
        for function in caches:
            function.cache_clear()

    def write(package: str, source: str, points: dict[str, str], kind: str = "methods") -> Path:
        (folder / f"{package}.py").write_text(source)
        info = folder / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = "".join(f"{name} = {value}\n" for name, value in points.items())
        (info / "entry_points.txt").write_text(f"[unsee.{kind}]\n{lines}")
        clear()
        return folder

    yield write
    clear()
    for name in [name for name in sys.modules if name.startswith("plug_")]:
        del sys.modules[name]


def test_method_is_listed_and_used_by_name(install, classifier, images, capsys) -> None:
    install("plug_halves", HALVES, {"halves": "plug_halves:Halves"})
    assert "halves" in unsee.available("methods")
    assert main(["list", "methods", "halves"]) == 0
    assert "share: float = 0.5" in " ".join(capsys.readouterr().out.split())
    explanation = unsee.explain(classifier, images, "halves:share=0.25")
    assert explanation.saliency[0].mean() == 0.25
    assert explanation.provenance["method"] == {"name": "halves", "share": 0.25}
    assert explanation.provenance["versions"]["plug_halves"] == "1.2"


def test_in_filler_is_used_by_name(install, classifier, images) -> None:
    install("plug_black", BLACK, {"black": "plug_black:Black"}, "infillers")
    explanation = unsee.explain(classifier, images, small("rise"), infiller="black")
    assert explanation.provenance["infiller"] == {"name": "black"}
    score = masked_score(classifier, images, "black")
    assert not score.pictures(score.images.new_zeros(3, 1, 1, 32, 32)).any()


def test_instances_have_the_name_of_their_entry_point(install) -> None:
    install("plug_halves", HALVES, {"halves": "plug_halves:Halves"})
    import plug_halves

    assert name_of(plug_halves.Halves()) == "halves"
    assert packages_of(plug_halves.Halves(), small("rise")) == {"plug_halves": "1.2"}


@pytest.mark.parametrize(
    ("points", "name", "message"),
    [
        (
            {"rise": "plug_halves:Halves"},
            "rise",
            "which unsee itself has too; uninstall plug_halve",
        ),
        ({"gone": "plug_none:Halves"}, "gone", "cannot import plug_none:Halves of plug_halves"),
        ({"gone": "plug_halves:Wholes"}, "gone", "cannot import plug_halves:Wholes"),
        ({"gone": "plug_halves"}, "gone", "a subclass of unsee.methods.base.Method, got module"),
        ({"b:c": "plug_halves:Halves"}, "b:c", "expected a letter, then letters, digits"),
        ({"bare": "plug_halves:Bare"}, "bare", r"decorate it with @dataclass\(frozen=True\)"),
        ({"thawed": "plug_halves:Thawed"}, "thawed", "a frozen dataclass"),
        ({"part": "plug_halves:Unfinished"}, "part", "does not define iterate"),
        ({"number": "plug_halves:count"}, "number", "unsee.methods.base.Method, got int"),
    ],
)
def test_plug_ins_that_cannot_be_used_are_refused_in_one_line(
    install, points, name, message
) -> None:
    install("plug_halves", HALVES + WRONG, points)
    with pytest.raises(unsee.InputError, match=message) as error:
        registry.part("methods", name)
    assert "\n" not in str(error.value)
    summaries = {row["name"]: row["summary"] for row in entries("methods")}
    assert summaries[name].startswith("cannot be used: ")
    assert name not in dict(usable_parts("methods"))
    assert summaries["lime"] == registry.summary("methods", "lime")


def test_two_packages_with_one_name_are_refused(install) -> None:
    install("plug_halves", HALVES, {"halves": "plug_halves:Halves"})
    install("plug_more", HALVES, {"halves": "plug_more:Halves"})
    with pytest.raises(unsee.InputError, match=r"which plug_(more|halves) has too"):
        unsee.create("methods", "halves")


def test_package_of_the_working_folder_is_left_out(install, monkeypatch) -> None:
    folder = install("plug_halves", HALVES, {"halves": "plug_halves:Halves"})
    monkeypatch.chdir(folder)
    assert "halves" not in unsee.available("methods")


def test_plug_in_that_fails_to_import_does_not_break_the_command_line(install) -> None:
    folder = install("plug_broken", "import a_missing_module", {"broken": "plug_broken:Any"})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    words = [sys.executable, "-m", "unsee"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, *arguments], capture_output=True, text=True, env=environment, check=False
        )

    listed = run("list", "methods", "--json")
    assert listed.returncode == 0
    assert "cannot be used: broken: cannot import plug_broken:Any of plug_broken" in listed.stdout
    used = run("list", "methods", "broken")
    assert used.returncode == 2
    assert used.stderr.count("\n") == 1
    assert "No module named 'a_missing_module'" in used.stderr


def test_names_of_the_package_are_those_of_its_files() -> None:
    for kind in kinds.KINDS:
        assert kinds.own_names(kind) <= set(names.available(kind))
        assert issubclass(registry.part(kind, min(kinds.own_names(kind))), kinds.base_class(kind))
