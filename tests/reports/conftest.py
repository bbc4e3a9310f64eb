"""Runs whose rows are written by hand."""

import numpy as np
import pytest

from unsee.evaluation import paper_tables
from unsee.evaluation.columns import columns_of
from unsee.evaluation.plan import Plan
from unsee.evaluation.store import Store

ALPHAS = "localisation:threshold=max,alpha=0:0.9:0.3"
TUNED = "localisation:threshold=max,alpha=tuned"


@pytest.fixture
def write_run(tmp_path):
    """Write a run in which deletion increases by about 0.1 from method to method; return rows.

    Options are the number of photos, the error of all, the numbers of the photos that fail by
    method, those that lack the deletion by method, the first method's deletion on each photo,
    further settings, and digests of files.
    """

    def write(name, methods=("fido", "rise"), metrics=("deletion", "insertion"), **options):
        photos, error = options.get("photos", 20), options.get("error")
        g = np.random.default_rng(1)
        store = Store(tmp_path / name)
        settings = {
            "data": "d", "classifiers": ["c"], "methods": list(methods), "infillers": ["own"],
            "metrics": list(metrics), "target": "label", "seed": 0, "budget": None,
            "judge": None, "precision": "float32",
        } | options.get("settings", {})  # fmt: skip
        store.begin({
            "settings": settings, "photos": photos, "threads": 1,
            "versions": {"unsee": "0", "torch": "0"}, "files": options.get("files"),
        })  # fmt: skip
        level = options.get("level", g.uniform(0.2, 0.5, photos))
        for number, method in enumerate(methods):
            rows = []
            for i in range(photos):
                values = {
                    "deletion": level[i] + 0.1 * number + g.normal(0, 0.01),
                    "insertion": g.uniform(),
                    "pointing_game": float(g.uniform() < 0.5),
                    "scatter": float(number),
                }
                row = {"photo": str(i), "classifier": "c", "method": method, "infiller": "own"}
                reason = error or (
                    "why" if i in options.get("failed", {}).get(method, ()) else None
                )
                if i in options.get("missing", {}).get(method, ()):
                    values["deletion"] = None
                row |= {"forwards": 10.0 * (number + 1), "backwards": 0.0, "error": reason}
                rows.append(row | {key: None if reason else values[key] for key in metrics})
            store.write(number, 0, rows, {}, seconds=2.0 * photos)
        return store.read()

    return write


@pytest.fixture
def paper_run(tmp_path):
    """A run that reproduces a paper's table: fido is good at alpha 0.3, rise at 0.6."""
    table = paper_tables.Table.of({
        "summary": "Table 9 of nobody",
        "names": [{"method": "rise", "label": "RISE"}],
        "paper": [{"method": "fido", "metric": TUNED, "value": 0.25}],
        "claims": [
            {
                "better": "fido", "worse": "rise", "metrics": [TUNED, "deletion"], "source": "p. 3",
                "paper": [[0.21, 0.34], [0.17, 0.19]],
            },
            {"better": "rise", "worse": "fido", "metrics": [TUNED]},
            {"better": "tide", "worse": "fido", "metrics": [TUNED]},
        ],
    })  # fmt: skip
    g, folder = np.random.default_rng(0), tmp_path / "paper-run"
    store = Store(folder)
    settings = Plan(data="d", methods=("fido", "rise"), metrics=(ALPHAS, "deletion")).settings()
    store.begin({
        "settings": {**settings, "precision": "float32"}, "photos": 40, "threads": 1,
        "table": table.plain(), "versions": {"unsee": "0", "torch": "0"},
    })  # fmt: skip
    columns = columns_of([ALPHAS])
    for number, method in enumerate(("fido", "rise")):
        rows = []
        for i in range(40):
            row = {"photo": f"{i:02d}", "classifier": "efficientnet_lite0", "method": method}
            row |= {"infiller": "own", "forwards": 1.0, "backwards": 0.0, "error": None}
            row |= {column: float(g.uniform() < 0.9) for column in columns}
            row[columns[1 + number]] = float(g.uniform() < (0.2, 0.7)[number])
            row["deletion"] = g.uniform()
            rows.append(row)
        store.write(number, 0, rows, {}, seconds=1.0)
    return folder
