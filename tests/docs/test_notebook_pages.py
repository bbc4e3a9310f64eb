"""Notebooks as pages of the site: their code, results, pictures and links."""

import json
import re

import pytest
from docs.site import contents, links, notebooks


@pytest.mark.parametrize("path", notebooks.notebooks(), ids=lambda path: path.stem)
def test_notebooks_are_pages_with_their_code_and_pictures(path) -> None:
    page = notebooks.page(path, lambda file: file.suffix == ".md")
    stored = json.loads(path.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in stored if cell["cell_type"] == "code"]
    assert page.text.startswith("# ")
    assert page.text.count("```python\n") == len(code)
    assert all(f"```python\n{text}\n```" in page.text for text in code)
    shown = re.findall(rf"{path.stem}-\d+\.jpg", page.text)
    assert shown == list(page.pictures)
    assert all(content.startswith(b"\xff\xd8\xff") for content in page.pictures.values())
    assert "base64" not in page.text
    targets = [match["target"] for match in links.LINK.finditer(links.CODE.sub("", page.text))]
    assert f"notebooks/{path.stem}.md" in contents.SECTIONS["Start"]
    pages = {notebooks.FOLDER / f"{other.stem}.md" for other in notebooks.notebooks()}
    for target in targets:
        if not target.startswith("https:") and target not in page.pictures:
            file = (notebooks.FOLDER / target.partition("#")[0]).resolve()
            assert file in pages or file.exists(), target


def test_links_to_notebooks_lead_to_their_pages() -> None:
    text = links.for_site(links.DOCS / "index.md", lambda path: path.suffix == ".md")
    assert "](notebooks/first_map.md)" in text
    assert ".ipynb" not in text


def test_results_of_cells_are_text_html_or_pictures() -> None:
    made = notebooks.NotebookPage("n")
    outputs = [
        {"output_type": "stream", "text": ["a ``` b\n", "```\n"]},
        {
            "data": {
                "text/html": '<div>\n\n<img src="data:image/png;base64,iVBO"></div>',
                "text/plain": "no",
            }
        },
        {"data": {"text/plain": "<Figure>", "image/jpeg": "/9j/"}},
        {"data": {"text/html": "", "text/plain": "<HTML>"}},
        {"data": {"text/plain": "x" * 5000}},
    ]
    texts = list(notebooks._results(outputs, made))
    assert texts[0] == "````text\na ``` b\n```\n````"
    assert texts[1] == '<div>\n<img src="n-1.png"></div>'
    assert texts[2].endswith("](n-2.jpg)")
    assert len(texts) == 4
    assert len(texts[3]) < 2000
    assert list(made.pictures) == ["n-1.png", "n-2.jpg"]
