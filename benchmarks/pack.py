"""Move the rows of finished runs into one Parquet file per run.

    python benchmarks/pack.py benchmarks/runs/igos_pp-3 benchmarks/runs/casm-1

`unsee evaluate` writes one file per unit of work, so that runs can be interrupted. A run that is
kept under version control is smaller and tidier as a single file; `unsee report` reads both.
"""

import argparse
from pathlib import Path

from unsee.evaluation.store import Store


def main() -> None:
    """Pack the folders of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders that `unsee evaluate` wrote")
    for folder in parser.parse_args().folders:
        store = Store(folder)
        store.manifest()
        store.pack()
        print(f"{folder}: {store.units()} units in {store.archive.path}")


if __name__ == "__main__":
    main()
