"""Tables of in-fillers: means, and paired differences from a baseline."""

from typing import Any

from unsee.evaluation.infilling import TASKS
from unsee.output import escaping
from unsee.output.table import Cell, Column, Table
from unsee.reports import bootstrap

MEASUREMENTS = ("probability", "recognised", "distance", "similarity", "l1", "seconds")
"""Numbers of a row that tables show, where a row has them."""
Row = dict[str, Any]


def means(rows: list[Row]) -> Table:
    """Return a row for each in-filler with the means of its measurements."""
    names = list(dict.fromkeys(row["infiller"] for row in rows))
    keys = _keys(rows)
    table_rows = [
        [name, *(_cell([r[key] for r in rows if r["infiller"] == name]) for key in keys)]
        for name in names
    ]
    return Table(_columns("in-filler", keys), table_rows)


def numbers(rows: list[Row]) -> Table:
    """Return a row for each in-filler and measurement, for programs."""
    names = list(dict.fromkeys(row["infiller"] for row in rows))
    table_rows = [
        [name, key, *bootstrap.mean([r[key] for r in rows if r["infiller"] == name])]
        for name in names
        for key in _keys(rows)
    ]
    columns = ("infiller", "measurement", "mean", "low", "high", "photos")
    return Table([Column(name) for name in columns], table_rows)


def differences(rows: list[Row], baseline: str) -> Table:
    """Return the measurements of the baseline minus those of each other in-filler, by photo."""
    by_photo = {(row["infiller"], row["photo"]): row for row in rows}
    names = list(dict.fromkeys(row["infiller"] for row in rows))
    photos = list(dict.fromkeys(row["photo"] for row in rows))
    keys = _keys(rows)
    table_rows = [
        [
            name,
            *(
                _cell([by_photo[baseline, p][key] - by_photo[name, p][key] for p in photos])
                for key in keys
            ),
        ]
        for name in names
        if name != baseline
    ]
    return Table(_columns(f"{baseline} minus", keys), table_rows)


def markdown(task: str, rows: list[Row], baseline: str) -> str:
    """Return the tables of a task as Markdown."""
    photos = len({row["photo"] for row in rows})
    network = (
        f" with {escaping.markdown(str(rows[0]['trunk']))}" if rows and "trunk" in rows[0] else ""
    )
    blocks = [
        f"## {task}: {TASKS[task]}",  # type: ignore[index]
        f"{photos} photos; mean [95 % bootstrap interval (BCa)]. probability: of the labelled "
        "class; recognised: share of photos whose class the recognition classifier predicts; "
        f"distance: ST-LPIPS{network}; similarity: MS-SSIM; l1: mean absolute difference within "
        "the hole; seconds: for one picture.",
    ]
    if rows:
        blocks.append(means(rows).markdown())
        blocks.append(
            f"{escaping.markdown_line(baseline)} minus each other in-filler, paired over photos:"
        )
        blocks.append(differences(rows, baseline).markdown())
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _keys(rows: list[Row]) -> list[str]:
    return [key for key in MEASUREMENTS if rows and key in rows[0]]


def _columns(first: str, keys: list[str]) -> list[Column]:
    return [Column(first, align="left"), *(Column(key, spec=".3f") for key in keys)]


def _cell(values: list[float]) -> Cell:
    mean = bootstrap.mean(values)
    return Cell(mean.value, mean.interval() if mean.has_interval else "")
