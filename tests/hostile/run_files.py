"""Files in the folder of a run that are hostile: rows, maps, views of classifiers."""

import io
import json
from functools import partial

import numpy as np

from tests.hostile import payloads, toy
from tests.hostile.cases import EITHER, REFUSED, case
from tests.hostile.payloads import npz
from tests.hostile.runs import REPORT, copied

FAMILY = "run_files"


def _rows(arena, content: bytes):
    rows = copied(arena) / "rows" / "0000-000000.parquet"
    rows.write_bytes(content)
    return REPORT


for _name, _content in {
    "nothing": b"", "noise": bytes(range(256)), "only the ends": b"PAR1PAR1",
    "ends around noise": b"PAR1" + bytes(range(256)) * 8 + b"PAR1",
    "a footer of 4 GB": b"PAR1" + b"\xff\xff\xff\xff" + b"PAR1",
}.items():  # fmt: skip
    case(FAMILY, f"report: rows of {_name}")(partial(_rows, content=_content))


def table(columns) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def row(**changes):
    """Return the columns of one row of a run."""
    columns = {
        "photo": "0.png", "classifier": toy.NAME, "method": toy.METHOD, "infiller": "own",
        "target": 1, "predicted": 1, "probability": 0.5, "forwards": 5.0, "backwards": 0.0,
        "gini": 0.3, "error": None,
    }  # fmt: skip
    return {k: [v] for k, v in (columns | changes).items() if v != "absent"}


ROWS = {
    "other columns": {"a": [1]}, "no photo": row(photo="absent"), "no error": row(error="absent"),
    "no method": row(method="absent"), "a photo of numbers": row(photo=3),
    "a photo of null": row(photo=None), "a metric of text": row(gini="high"),
    "a metric of lists": row(gini=[1.0]), "a metric of infinity": row(gini=float("inf")),
    "a metric that is missing": row(gini="absent"), "passes of text": row(forwards="many"),
    "passes of null": row(forwards=None), "a method of numbers": row(method=3),
    "an error of numbers": row(error=5), "a script": row(photo="<script>alert(1)</script>"),
    "a method of markup": row(method="[/b]<script>$x_{"), "no rows": {k: v[:0] for k,
    v in row().items()},
    "a target of text": row(target="a"),
}  # fmt: skip
MAY = {
    "a metric of infinity", "a script", "a method of markup", "an error of numbers",
    "passes of null",
    "a photo of numbers", "a target of text", "a photo of null", "a method of numbers", "no error",
    "passes of text",
}  # fmt: skip
for _name, _columns in ROWS.items():
    case(FAMILY, f"report: rows with {_name}", EITHER if _name in MAY else REFUSED)(
        lambda arena, columns=_columns: _rows(arena, table(columns))
    )


def _archive(arena, content: bytes):
    (copied(arena) / "rows.parquet").write_bytes(content)
    return REPORT


for _name, _content in {"nothing": b"", "noise": bytes(99), "no units": None}.items():
    case(FAMILY, f"report: archive of {_name}")(
        lambda arena, content=_content: _archive(
            arena, table(row()) if content is None else content
        )
    )


def _maps(arena, content):
    run = copied(arena)
    path = run / "maps" / "0000-000000.npz"
    assert path.exists()
    path.write_bytes(content(arena))
    return REPORT


MAPS = {
    "pickles": lambda arena: payloads.pickled_arrays(arena.canary, "0.png", "1.png"),
    "nothing": lambda arena: b"",
    "noise": lambda arena: bytes(range(256)),
    "a pickle": lambda arena: payloads.plain_pickle(arena.canary),
    "text": lambda arena: npz(**{"0.png": np.array("x"), "1.png": np.array("y")}),
    "another shape": lambda arena: npz(**{"0.png": np.zeros(3), "1.png": np.zeros((2, 2, 2))}),
    "NaN": lambda arena: npz(**{f"{n}.png": np.full((32, 32), np.nan) for n in (0, 1)}),
    "complex numbers": lambda arena: npz(**{f"{n}.png": np.full((32, 32), 1j) for n in (0, 1)}),
    "a header of a terabyte": lambda arena: payloads.npz_claims(10**12),
}


for _name, _content in MAPS.items():
    case(FAMILY, f"report: maps of {_name}", EITHER)(partial(_maps, content=_content))
VIEW = {"framing": {"size": [32, 32]}, "channels": 3, "labels": []}
VIEWS = {
    "nothing": "", "a list": "[]", "no framing": "{}", "deep": "[" * 100_000,
    "a size of text": json.dumps(VIEW | {"framing": {"size": "big"}}),
    "a size of a billion": json.dumps(VIEW | {"framing": {"size": [10**9, 10**9]}}),
    "a size of -1": json.dumps(VIEW | {"framing": {"size": [-1, -1]}}),
    "channels of a billion": json.dumps(VIEW | {"channels": 10**9}),
    "labels of markup": json.dumps(VIEW | {"labels": ["$x_{", "$^", "a", "b", "c"]}),
    "labels null": json.dumps(VIEW | {"labels": None}),
}  # fmt: skip
for _name, _text in VIEWS.items():

    def _view(arena, text=_text):
        (copied(arena) / "classifier-0.json").write_text(text)
        return REPORT

    case(FAMILY, f"report: a view of {_name}", EITHER)(_view)
