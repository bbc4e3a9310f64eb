"""Take segments of the photo in place of the cells of a method."""

from dataclasses import fields, replace
from typing import Any

from unsee.cells.base import Cells
from unsee.errors import InputError
from unsee.masking.slots import Slots
from unsee.registry import name_of, resolve, settings_of, usable_parts

GRID = "grid"
"""Name of the cells that are the grid of each method."""
CELLS_PER_SIDE = ("grid", "cells")
"""Settings that count cells along each side of a mask; a cell has at least one pixel."""


def check_cells(method: Any, spec: Cells | str | None) -> None:
    """Check cells, and that a method can take them.

    Raises:
        InputError: A setting is invalid, a file cannot be read, the method has no cells, or a
            setting of the method says which.
    """
    cells: Cells = resolve("cells", GRID if spec is None else spec)
    cells.check()
    if name_of(cells) != GRID:
        _check_replaced(method, name_of(cells))


def with_cells(method: Any, slots: Slots | None) -> Any:
    """Return a method with as many cells along each side as the segments have slots.

    Raises:
        InputError: The method has no cells, or its settings say which.
    """
    if slots is None:
        return method
    sides = {name: slots.side for name in method.traits.cells if name in CELLS_PER_SIDE}
    if not sides or any(getattr(method, name) != side for name, side in sides.items()):
        _check_replaced(method, name_of(slots.cells))
    return replace(method, **sides)


def provenance_of(slots: Slots | None) -> dict[str, Any]:
    """Return the cells as plain values, and for segments their number in each image."""
    if slots is None:
        return {"cells": {"name": GRID}}
    return {"cells": settings_of(slots.cells), "segments": slots.counts}


def _check_replaced(method: Any, cells: str) -> None:
    """Check that a method has cells, and that none of its settings says which."""
    name, replaced = name_of(method), method.traits.cells
    if not replaced:
        names = [name for name, cls in usable_parts("methods") if cls.traits.cells]
        raise InputError(f"{name} has no cells for {cells}; methods that have: {', '.join(names)}")
    for field in fields(method):
        value = getattr(method, field.name)
        if field.name in replaced and value != field.default:
            raise InputError(
                f"{name}: {field.name}={value} is for the grid, which cells={cells} replaces; "
                "omit one of both"
            )
