"""Write the sources of the site, then build it: warnings and broken links are errors."""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from docs.site import messages, notebooks, parts, reference
from docs.site.contents import check_all_listed, llms_text, navigation
from docs.site.links import DOCS, ELSEWHERE, ROOT, for_site, pictures_elsewhere, problems
from docs.site.rendering import differences

BUILD = ROOT / "build"
COPIED = {".md", ".jpg", ".png", ".webp"}
"""Suffixes of the files of `docs` that the site has."""


def main() -> int:
    """Build the site and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources-only", action="store_true", help="do not build the pages")
    options = parser.parse_args()
    sources = BUILD / "docs-sources"
    shutil.rmtree(sources, ignore_errors=True)
    pages = sorted(DOCS.rglob("*.md"))
    if wrong := [line for page in pages for line in (*problems(page), *differences(page))]:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    write_sources(sources)
    configuration = BUILD / "zensical.toml"
    settings = (Path(__file__).parent / "zensical.toml").read_text(encoding="utf-8")
    configuration.write_text(settings.replace("nav = []", f"nav = {toml(navigation())}"))
    if options.sources_only:
        return 0
    words = ["-m", "zensical", "build", "--clean", "--strict", "--config-file", str(configuration)]
    return subprocess.run([sys.executable, *words], check=False).returncode


def write_sources(folder: Path) -> None:
    """Write all Markdown files and pictures of the site to a folder."""
    copied = {path for path in DOCS.rglob("*") if path.suffix in COPIED}
    for path in sorted(copied):
        target = folder / path.relative_to(DOCS)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(for_site(path, copied.__contains__), encoding="utf-8")
            for picture in pictures_elsewhere(path, copied.__contains__):
                (folder / ELSEWHERE).mkdir(exist_ok=True)
                shutil.copyfile(picture, folder / ELSEWHERE / picture.name)
        else:
            shutil.copyfile(path, target)
    for path in notebooks.notebooks():
        write_notebook(folder, notebooks.page(path, copied.__contains__))
    for page in (*parts.pages(), *reference.pages(), *messages.pages()):
        target = folder / page.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page.text, encoding="utf-8")
    for name in ("site.css", "iframe-worker.js"):
        shutil.copyfile(Path(__file__).parent / name, folder / name)
    check_all_listed(folder)
    (folder / "llms.txt").write_text(llms_text(folder), encoding="utf-8")


def write_notebook(folder: Path, page: notebooks.NotebookPage) -> None:
    """Write the page of a notebook, and its pictures beside it."""
    target = folder / notebooks.FOLDER.relative_to(DOCS)
    target.mkdir(exist_ok=True)
    (target / f"{page.name}.md").write_text(page.text, encoding="utf-8")
    for name, content in page.pictures.items():
        (target / name).write_bytes(content)


def toml(value: object) -> str:
    """Return nested lists and tables of strings as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


if __name__ == "__main__":
    sys.exit(main())
