"""Numbers in the guides stand in the result files and pages that they are taken from."""

import re

import pytest

from tests.evaluation.runs import ROOT

SOURCES = (
    "docs/truth.md", "docs/results.md", "benchmarks/results/passes.md",
    "benchmarks/results/infill.md", "benchmarks/results/infill-speed.md",
)  # fmt: skip
"""Files with numbers of runs."""
MEASURED = re.compile(r"(?<![\d.])0?\.(\d{3})(?!\d)")
"""A number with three decimals, as the pages cite them."""
GIVEN = re.compile(r"(?<![\d.])0?\.(\d{2,3})(?!\d)")
"""A number with two or three decimals, as the sources write them."""


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["docs/choose.md", "docs/trust.md"])
def test_numbers_are_those_of_the_sources(page) -> None:
    cited = set(MEASURED.findall(text_of(page)))
    given = {
        number.ljust(3, "0") for source in SOURCES for number in GIVEN.findall(text_of(source))
    }
    assert cited
    assert cited <= given


def test_ranks_are_those_of_the_table() -> None:
    ranks = dict(re.findall(r"^\| (\w+) \| (\d+\.\d)", text_of("docs/truth.md"), re.MULTILINE))
    rows = re.findall(
        r"^\| [^|]+ \| ((?:`\w+`(?:, )?)+) \| ([\d., ]+)[ (|]",
        text_of("docs/choose.md"),
        re.MULTILINE,
    )  # fmt: skip
    cited = {}
    for names, numbers in rows:
        values = [number.strip() for number in numbers.split(",")]
        cited |= dict(zip(re.findall(r"`(\w+)`", names), values, strict=True))
    assert len(cited) > 12
    assert cited.items() <= ranks.items()


def test_run_times_of_in_fillers_are_those_of_the_table() -> None:
    measured = {
        name: (float(ms), float(passes))
        for name, ms, passes in re.findall(
            r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \|",
            text_of("benchmarks/results/infill-speed.md"), re.MULTILINE,
        )
    }  # fmt: skip
    rows = re.findall(
        r"^\| `(\w+)` \| \.\d{3} \| \.\d{3} \| ([\d.]+) \| ([\d.]+) \|",
        text_of("docs/choose.md"), re.MULTILINE,
    )  # fmt: skip
    assert len(rows) == 6
    for name, *cited in rows:
        assert [float(f"{value:.3g}") for value in measured[name]] == pytest.approx(
            [float(value) for value in cited], rel=0.005
        )
