"""Plans in the documentation can be loaded."""

from tests.docs.pages import PAGES, blocks
from unsee.evaluation.paper_tables import load


def test_plans_of_the_pages_are_plans(tmp_path) -> None:
    texts = [b.text for page in PAGES for b in blocks(page, "toml") if "pyproject" not in b.text]
    assert texts
    for text in texts:
        (tmp_path / "plan.toml").write_text(text)
        assert load(str(tmp_path / "plan.toml")).stages
