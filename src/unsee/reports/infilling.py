"""Tables of in-fillers: means, and differences photo by photo."""

from typing import Any

from unsee.evaluation.infilling import TASKS
from unsee.reports import bootstrap
from unsee.reports.markdown import table_head, table_row

SHOWN = ("probability", "recognised", "distance", "similarity", "l1", "seconds")
"""Of a row."""
Row = dict[str, Any]


def summary(rows: list[Row]) -> dict[str, dict[str, bootstrap.Mean]]:
    """A mean with its interval for each in-filler and number."""
    names = list(dict.fromkeys(row["infiller"] for row in rows))
    return {
        name: {
            key: bootstrap.mean([row[key] for row in rows if row["infiller"] == name])
            for key in SHOWN
            if key in rows[0]
        }
        for name in names
    }


def differences(rows: list[Row], against: str) -> dict[str, dict[str, bootstrap.Mean]]:
    """One in-filler's numbers less those of each other, paired over photos."""
    by = {(row["infiller"], row["photo"]): row for row in rows}
    names = list(dict.fromkeys(row["infiller"] for row in rows))
    photos = list(dict.fromkeys(row["photo"] for row in rows))
    return {
        name: {
            key: bootstrap.mean([by[against, p][key] - by[name, p][key] for p in photos])
            for key in SHOWN
            if key in rows[0]
        }
        for name in names
        if name != against
    }


def markdown(task: str, rows: list[Row], against: str) -> str:
    """The tables of a task."""
    count = len({row["photo"] for row in rows})
    trunk = f" with {rows[0]['trunk']}" if rows and "trunk" in rows[0] else ""
    lines = [
        f"## {task}: {TASKS[task]}",  # type: ignore[index]
        "",
        f"{count} photos; mean [95 % bootstrap interval]. probability of the right class; "
        "recognised: share that the second classifier still gets right; distance: ST-LPIPS"
        f"{trunk}, similarity: MS-SSIM, l1 within the hole; seconds of one picture at a time.",
        "",
    ]
    if rows:
        lines += _lines("in-filler", summary(rows))
        lines += ["", f"{against} less each other, photo by photo:", ""]
        lines += _lines(f"{against} less", differences(rows, against))
    return "\n".join(lines) + "\n"


def _lines(first: str, found: dict[str, dict[str, bootstrap.Mean]]) -> list[str]:
    keys = list(next(iter(found.values())))
    rows = [table_row([name, *map(str, numbers.values())]) for name, numbers in found.items()]
    return [*table_head([first, *keys]), *rows]
