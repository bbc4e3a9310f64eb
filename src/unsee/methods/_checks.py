"""Checks of the settings of methods."""

from typing import Any, Literal, get_args, get_origin, get_type_hints

from unsee.errors import InputError, unknown
from unsee.masking.score import MaskedScore


def check_grid(method: str, cells: int, score: MaskedScore) -> None:
    """Raise `InputError` if a mask has more cells a side than the image has pixels."""
    side = min(score.images.shape[-2:])
    if not 1 <= cells <= side:
        raise InputError(f"{method}: expected a grid of 1 to {side} cells a side, got {cells}")


def check_choices(part: Any) -> None:
    """Raise `InputError` if a setting of type Literal has a value that is no choice of it.

    Each value of a tuple must be one.
    """
    for name, hint in get_type_hints(type(part)).items():
        literal = next((h for h in (hint, *get_args(hint)) if get_origin(h) is Literal), None)
        if literal is None:
            continue
        value, optional = getattr(part, name, None), literal is not hint
        values = value if get_origin(hint) is tuple else (value,)
        for one in values or ():
            if one not in get_args(literal) and not (optional and one is None):
                raise unknown(f"{name} of {type(part).__name__}", str(one), get_args(literal))


def check_not_negative(method: str, **settings: float | None) -> None:
    """Raise `InputError` if a setting is below zero; None counts as not given."""
    for name, value in settings.items():
        if value is not None and not value >= 0:
            raise InputError(f"{method}: expected {name} >= 0, got {value}")


def check_positive(method: str, **settings: float | None) -> None:
    """Raise `InputError` if a setting is not above zero; None counts as not given."""
    for name, value in settings.items():
        if value is not None and not value > 0:
            raise InputError(f"{method}: expected {name} > 0, got {value}")
