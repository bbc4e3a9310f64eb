"""The files of extend.md are the parts of a package, which its entry points name."""

import shutil
import tomllib

import pytest

import unsee
from tests.docs import running
from tests.docs.pages import blocks
from tests.docs.test_commands import commands
from tests.evaluation.runs import ROOT
from unsee.cli import main
from unsee.registry import names, part, plug_ins

PAGE = ROOT / "docs" / "extend.md"
PROJECT = tomllib.loads(blocks(PAGE, "toml")[0].text)["project"]
COMMANDS = [command for page, command in commands() if page == PAGE.name]


@pytest.fixture
def package(tmp_path, folder_of_a_reader, monkeypatch):
    """Install the package of the page."""
    site = tmp_path / "site"
    info = site / f"{PROJECT['name']}-{PROJECT['version']}.dist-info"
    info.mkdir(parents=True)
    running.write_files(PAGE, site)
    head = f"Metadata-Version: 2.1\nName: {PROJECT['name']}\nVersion: {PROJECT['version']}\n"
    (info / "METADATA").write_text(head)
    lines = []
    for group, points in PROJECT["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(site))
    photos = folder_of_a_reader / "photos"
    photos.mkdir()
    shutil.copy(folder_of_a_reader / "dog.jpg", photos)
    shutil.copy(folder_of_a_reader / "b.png", photos)
    (photos / "photos.csv").write_text("dog.jpg,1\nb.png,0\n")
    _clear()
    yield site
    _clear()


def _clear() -> None:
    for function in (plug_ins.plug_ins, plug_ins._installed, names.available):
        function.cache_clear()


def test_each_file_is_a_part_of_the_package(package) -> None:
    points = {
        (group.removeprefix("unsee."), name)
        for group, named in PROJECT["entry-points"].items()
        for name in named
    }
    files = {path.stem for path in (package / "our_parts").glob("*.py")}
    assert {name for _, name in points} == files
    assert {kind for kind, _ in points} == set(unsee.registry.kinds.KINDS)
    for kind, name in points:
        assert part(kind, name).__doc__


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_run(command) -> None:
    assert main(command.split()[1:]) == 0
