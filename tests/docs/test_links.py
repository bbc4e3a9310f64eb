"""Relative links of the documentation, and the pages that the site makes of the registry."""

import json

import pytest
from docs.site import contents, links, papers, parts, reference

from tests.docs.pages import PAGES
from tests.evaluation.runs import ROOT
from unsee import available
from unsee.recipes import recipes

SOURCES = ROOT / "src" / "unsee"
DOCUMENTS = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_files_and_headings(page) -> None:
    assert links.problems(page) == []


def test_broken_links_are_seen(tmp_path) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "a.png").touch()
    page.write_text(
        "# A heading, with `code` & more\n[a](#a-heading-with-code--more) ![b](a.png)\n"
        "`[c](none.md)`\n"
        "[d](none.md) [e](page.md#none) [![f](none.png)](a.png) [g](https://none.example)\n"
        "```text\n[h](none.md)\n```\n"
    )
    assert links.problems(page) == [
        "page.md: no file none.md", "page.md: no heading page.md#none", "page.md: no file none.png",
    ]  # fmt: skip


def test_links_out_of_the_site_lead_to_the_repository() -> None:
    page = links.DOCS / "infillers.md"
    text = links.for_site(page, lambda path: path.suffix == ".md" and path.parent == links.DOCS)
    assert "(https://github.com/unsee/unsee/blob/main/benchmarks/results/infill.md)" in text
    assert "](usage.md#your-classifier)" in text
    assert "](../" not in text


@pytest.mark.parametrize("is_in_site", [set(), {links.DOCS / "truth.png"}])
def test_pictures_that_the_site_lacks_are_copied(is_in_site) -> None:
    page = links.DOCS / "truth.md"
    names = {path.name for path in links.pictures_elsewhere(page, is_in_site.__contains__)}
    assert names == {"passes.png", "truth.png"} - {path.name for path in is_in_site}
    text = links.for_site(page, is_in_site.__contains__)
    assert all(f"](elsewhere/{name})" in text for name in names)
    assert ("](truth.png)" in text) == bool(is_in_site)


def test_each_page_is_in_the_navigation() -> None:
    listed = {page for pages in contents.SECTIONS.values() for page in pages}
    assert {page.name for page in PAGES[1:]} == {page for page in listed if "/" not in page}


def test_each_part_has_a_page_or_a_section() -> None:
    pages = {page.path: page.text for page in parts.pages()}
    for name in available("methods"):
        text = pages[f"parts/methods/{name}.md"]
        assert "::: unsee.methods." in text
        assert f"](methods/{name}.md)" in pages["parts/methods.md"]
    for kind, folder in [("infillers", "infillers"), ("metrics", "metrics"), ("cells", "cells"),
                         ("datasets", "datasets"), ("classifiers", "sources")]:  # fmt: skip
        assert all(f"\n## {name}\n" in pages[f"parts/{kind}.md"] for name in available(folder))
    assert all(f"\n## {name}\n" in pages["parts/recipes.md"] for name in recipes())
    assert "<code>fixed &#124; drawn</code>" in pages["parts/methods/igos_pp.md"]


def test_pages_of_the_papers_methods_link_their_comparison() -> None:
    pages = {page.path: page.text for page in parts.pages()}
    assert set(papers.SECTIONS) == {
        anchor for anchor in links.anchors(links.DOCS / "fidelity.md") if "-papers-" not in anchor
    }
    for anchor, names in papers.SECTIONS.items():
        for name in names:
            text = pages[f"parts/methods/{name}.md"]
            assert f"](../../fidelity.md#{anchor})" in text
            assert "](../../papers.md)" in text
    assert "fidelity.md" not in pages["parts/methods/grad_cam.md"]


def test_pictures_are_small_and_passes_are_counted_for_each_method() -> None:
    passes = json.loads(parts.PASSES.read_text())
    pictures = {path.stem: path.stat().st_size for path in parts.PICTURES.glob("*.jpg")}
    assert set(passes) == set(pictures) == set(available("methods"))
    assert max(pictures.values()) < 25_000


def test_reference_has_the_modules_that_programs_import() -> None:
    listed = {module for _, modules in reference.MODULES.values() for module in modules}
    assert len(listed) == sum(len(modules) for _, modules in reference.MODULES.values())
    wanted = {f"unsee.integrations.{path.stem}" for path in SOURCES.glob("integrations/[!_]*.py")}
    wanted |= {f"unsee.audits.{path.stem}" for path in SOURCES.glob("audits/[!_]*.py")}
    wanted |= {f"unsee.reports.{name}" for name in ("results", "summary", "tables", "figures")}
    assert wanted | {"unsee.output.trackers"} <= listed
