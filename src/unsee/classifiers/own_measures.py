"""Call a user's measure, and refuse one that cannot be used."""

import torch
from torch import Tensor

from unsee.classifiers.checks import GRADIENT_HINT
from unsee.classifiers.measures import Measure
from unsee.classifiers.passes import has_values
from unsee.classifiers.random_state import RandomState, draws_in_python
from unsee.errors import InputError, is_out_of_memory, reason, shown

TOLERANCE = 1e-3
"""Largest accepted change of a value beside other rows, as a share of its magnitude."""


def call_measure(measure: Measure, logits: Tensor, targets: Tensor) -> Tensor:
    """Call a user's measure; its errors, and values that cannot be used, become one line."""
    name = getattr(measure, "__name__", type(measure).__name__)
    try:
        values = measure(logits, targets)
    except (InputError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            raise
        raise InputError(
            f"the measure {name} failed ({type(error).__name__}: {reason(error)})"
        ) from error
    count = len(logits)
    if not isinstance(values, Tensor) or values.shape != (count,):
        actual = tuple(values.shape) if isinstance(values, Tensor) else shown(values)
        raise InputError(f"expected a tensor ({count},) from the measure {name}, got {actual}")
    if not values.is_floating_point() or not has_values(values) or values.device != logits.device:
        kind = f"{values.dtype}, {values.layout} on {values.device}"
        raise InputError(f"expected floats on {logits.device} from the measure {name}, got {kind}")
    if torch.is_grad_enabled() and logits.requires_grad and not values.requires_grad:
        raise InputError(
            f"the measure {name} has no gradient (detached, or an argmax?); {GRADIENT_HINT}"
        )
    return values


def check_rows(measure: Measure, logits: Tensor, targets: Tensor) -> None:
    """Check that a user's measure rates each row by itself.

    Args:
        measure: The measure, as it is called.
        logits: The outputs for at least one image. The first row is rated alone, and as the first,
            the second and the last row beside its reverse, halved and doubled.
        targets: The class of each image.

    Raises:
        InputError: The value depends on other rows or on chance, or cannot be used.
    """
    name = getattr(measure, "__name__", type(measure).__name__)
    first, target = logits[:1].detach(), targets[:1]
    others = [first.flip(1) / 2, 2 * first.flip(1)]
    generators = RandomState(logits.device)
    with torch.no_grad():
        alone = call_measure(measure, first, target)[0].item()
        changed = generators.changed()
        values = [
            call_measure(measure, torch.cat(rows), target.repeat(3))[place].item()
            for place in range(3)
            for rows in [[*others[:place], first, *others[place:]]]
        ]
        if "Python" in changed and not draws_in_python(lambda: measure(first, target)):
            changed.remove("Python")
    for value in values:
        if abs(value - alone) > TOLERANCE * max(abs(value), abs(alone)):  # False for NaN
            generators.restore(changed)
            raise InputError(
                f"the measure {name} rates the same outputs by {alone:.6g} alone and by "
                f"{value:.6g} beside others; it must rate each row (n, classes) by itself: check "
                "for means, sums and largest values over the first axis, and for chance"
            )
    if changed:
        generators.restore(changed)
        raise InputError(
            f"the measure {name} draws random numbers, or seeds their generator "
            f"({', '.join(changed)}), so maps would be chance; it must rate outputs by themselves"
        )
