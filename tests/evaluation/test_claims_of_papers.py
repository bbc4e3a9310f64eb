"""Claims of the tables and benchmarks, compared with the papers' texts where these are at hand."""

import re
import tomllib
import unicodedata
from itertools import chain
from pathlib import Path

import pytest

from tests.evaluation.runs import ROOT
from unsee import InputError
from unsee.evaluation import paper_tables
from unsee.evaluation.columns import metric_of
from unsee.evaluation.paper_tables import Claim, Table

PAPERS = {
    "fido": ("000_*.txt", None),
    "g-methods": ("001_*.txt", (0, 6)),
    "igos": ("002_*.txt", (-12, 1)),
    "casm": ("004_*.txt", None),
}
"""Text of each paper, and the lines of a table as seen from its caption; None is all lines."""
BELOW = (0, 13)
"""Lines of a table of a supplement, which stand below its caption."""
SOURCE = re.compile(r"Tables? (?P<tables>[\dS, and]*\d)(?:, (?P<part>[^:]+))?: (?P<cells>[^;,]+)")
"""Source of a claim with numbers: tables, a part of them, and two cells."""
ABBREVIATIONS = {"Agarwal": "g-methods", "Khorram": "igos", "Chang": "fido", "CASM": "casm"}


def claims_of_benchmarks() -> dict[str, list[Claim]]:
    """Return the claims of the benchmarks that name a table of a paper."""
    claims = []
    for name in ("orderings", "networks"):
        content = tomllib.loads((ROOT / "benchmarks" / f"{name}.toml").read_text())
        claims += content.get("claims", [])
        claims += chain.from_iterable(
            table.get("claims", []) for table in content.get("tables", {}).values()
        )
    by_paper: dict[str, list[Claim]] = {}
    for claim in claims:
        for word, paper in ABBREVIATIONS.items():
            if word in claim["source"]:
                plain = {"metrics": (), **claim}
                by_paper.setdefault(paper, []).append(Table.of({"claims": [plain]}).claims[0])
    return by_paper


def all_claims() -> dict[str, list[Claim]]:
    """Return the claims of the package and of the benchmarks by their paper."""
    claims = claims_of_benchmarks()
    budgets = {path.stem: str(path) for path in (ROOT / "benchmarks" / "tables").glob("*.toml")}
    for name, plan in [*((name, name) for name in paper_tables.tables()), *budgets.items()]:
        for paper in PAPERS:
            if name.startswith(paper) or (name.startswith("g-") and paper == "g-methods"):
                claims.setdefault(paper, []).extend(paper_tables.load(plan).table.claims)
    return claims


CLAIMS = [(paper, claim) for paper, claims in all_claims().items() for claim in claims]


def plain(text: str) -> str:
    """Return a label without citations, accents and signs, in lower case."""
    text = re.sub(r"\(ours\)|\([^()]*\d{4}[^()]*\)|\[[^\]]*\]|<[^>]*>", "", text)
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9+()]", "", folded.lower())


def numbers_of(label: str, part: str | None, lines: list[list[str]]) -> set[float]:
    """Return the numbers in the rows with a label, or in its columns, in the row of a part."""
    texts: list[str] = []
    for number, row in enumerate(lines):
        labels = [plain(cell) for cell in row]
        rows = [*lines[number + 1 : number + 3], []]
        below = next((other for other in rows if part in other), rows[0])
        if label in labels[:3] and len(row) > 1 and re.search(r"\d\.\d", " ".join(row[1:])):
            texts += row
        elif label in labels and len(below) == len(row):
            texts.append(below[labels.index(label)])
    signs = r"<[^>]*>|%|\$|(\\pm|±).*"
    numbers = [re.sub(signs, "", text).strip() for text in texts]
    return {float(text) for text in numbers if re.fullmatch(r"-?\d+\.\d+", text)}


def table_of(text: str, number: str, span: tuple[int, int] | None) -> list[list[str]]:
    """Return the cells of the lines around a table's caption."""
    lines = text.splitlines()
    if span is not None:
        (caption,) = (i for i, line in enumerate(lines) if line.startswith(f"Table {number}:"))
        lines = lines[max(0, caption + span[0]) : caption + span[1]]
    lines = [line for line in lines if line.strip()]
    return [[cell.strip() for cell in re.split(r"\t|\s{2,}|\xa0+", line.strip())] for line in lines]


@pytest.fixture(scope="module")
def papers() -> Path:
    folders = [parent / "shared" / "papers" for parent in ROOT.parents]
    existing = [folder for folder in folders if folder.is_dir()]
    if not existing:
        pytest.skip("the texts of the papers are not beside the repository")
    return existing[0]


@pytest.mark.parametrize(("paper", "claim"), CLAIMS, ids=lambda value: getattr(value, "worse", ""))
def test_claims_name_two_numbers_of_a_table_or_their_source(paper, claim) -> None:
    if not claim.paper:
        assert re.search(r"Figure|section|this project", claim.source)
        return
    match = SOURCE.search(claim.source)
    assert match is not None
    assert len(match["cells"].split(" and ")) == 2
    for metric, (better, worse) in zip(claim.metrics, claim.paper, strict=True):
        assert (better > worse) == metric_of(metric.replace(",alpha=tuned", "")).higher_is_better


@pytest.mark.parametrize(
    ("paper", "claim"), [pair for pair in CLAIMS if pair[1].paper],
    ids=lambda value: getattr(value, "worse", ""),
)  # fmt: skip
def test_numbers_of_claims_are_those_of_the_papers(papers, paper, claim) -> None:
    pattern, span = PAPERS[paper]
    (path,) = papers.glob(pattern)
    text = path.read_text().replace("**", "")
    match = SOURCE.search(claim.source)
    tables = re.findall(r"S?\d+", match["tables"])
    tables = tables if len(tables) > 1 else tables * len(claim.metrics)
    labels = [plain(label) for label in match["cells"].split(" and ")]
    for table, pair in zip(tables, claim.paper, strict=True):
        lines = table_of(text, table, BELOW if table.startswith("S") else span)
        for label, value in zip(labels, pair, strict=True):
            numbers = numbers_of(label, match["part"], lines)
            assert any(
                value == pytest.approx(number / scale, abs=1e-9)
                for number in numbers
                for scale in (1, 100)
            ), (label, value, numbers)


def test_published_numbers_are_in_the_papers(papers) -> None:
    for name in paper_tables.tables():
        for row in paper_tables.load(name).table.paper:
            pattern, _ = next(PAPERS[paper] for paper in PAPERS if name.startswith(paper))
            (path,) = papers.glob(pattern)
            text = path.read_text()
            numbers = {float(n) for n in re.findall(r"\d+\.\d+", text)}
            numbers |= {float(n) for n in re.findall(r"-\d+\.\d+", text)}
            assert {row.value, round(100 * row.value, 6)} & numbers


def test_a_claim_has_numbers_for_each_metric() -> None:
    claim = {"better": "a", "worse": "b", "metrics": ["deletion", "insertion"]}
    with pytest.raises(InputError, match=r"claims\[0\].paper to be a pair of numbers for each of"):
        Table.of({"claims": [{**claim, "paper": [[0.1, 0.2]]}]})
    with pytest.raises(InputError, match=r"claims\[0\].paper\[0\]"):
        Table.of({"claims": [{**claim, "paper": [0.1, 0.2]}]})
