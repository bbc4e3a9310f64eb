"""Print the tables of `unsee evaluate-infill` again, from the rows that it wrote.

    python benchmarks/infill_tables.py docs/results/fido-12/rows.csv --baseline painter patchmatch

For each task the means, and the paired differences of each baseline from the other in-fillers.
"""

import argparse
from pathlib import Path

import _rows

from unsee.reports import infilling

TEXTS = {"photo", "task", "infiller", "trunk"}
"""Columns of the rows that are not numbers."""


def rows_of(path: Path) -> list[infilling.Row]:
    """Return the rows of a file, with numbers where there are any; `seconds` is left out."""
    return [
        {k: v if k in TEXTS else float(v) for k, v in row.items() if v and k != "seconds"}
        for row in _rows.read(path)
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=Path, help="rows.csv of `unsee evaluate-infill`")
    parser.add_argument("--baseline", nargs="+", required=True, help="in-fillers")
    options = parser.parse_args()
    rows = rows_of(options.rows)
    for task in dict.fromkeys(str(row["task"]) for row in rows):
        chosen = [row for row in rows if row["task"] == task]
        first, *others = options.baseline
        print(infilling.markdown(task, chosen, first))
        for name in others:
            print(f"{name} minus each other in-filler, paired over photos:\n")
            print(infilling.differences(chosen, name).markdown())


if __name__ == "__main__":
    main()
