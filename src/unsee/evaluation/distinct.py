"""Refuse configurations of a plan that are the same under different names."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from unsee.errors import InputError
from unsee.inputs import passes_of
from unsee.methods._defaults import REFERENCE_SIDE
from unsee.parts import OWN, Parts, resolve_parts

if TYPE_CHECKING:
    from unsee.evaluation.plan import Combination

SIZE = (REFERENCE_SIDE, REFERENCE_SIDE)
"""Size of the images that a budget is checked for, before a classifier is loaded."""


def check_distinct(
    combinations: "Iterable[Combination]", measure: str | None, budget: str | None
) -> None:
    """Check that each combination is another configuration, and that a budget can be kept.

    Args:
        combinations: Classifiers, methods and in-fillers of a plan.
        measure: Measure of the plan, or that of each method.
        budget: Budget of the plan, if it has one.

    Raises:
        InputError: Two combinations of a classifier have the same method, in-filler and measure
            once the budget has replaced settings, or a method has a setting that the budget would
            replace.
    """
    earlier: dict[tuple[str, Parts], Combination] = {}
    for combination in combinations:
        parts = resolve_parts(combination.method, combination.infiller, measure)
        if budget is not None:
            try:
                method = parts.method.with_budget(passes_of(budget), SIZE)
            except InputError as error:
                raise error.prefixed(combination.method) from error
            parts = parts._replace(method=method)
        same = earlier.setdefault((combination.classifier, parts), combination)
        if same != combination:
            raise InputError(_message(same, combination, budget))


def _message(first: "Combination", second: "Combination", budget: str | None) -> str:
    """Return why two combinations are the same, and what to do instead."""
    names = [f"{c.method} with the in-filler {c.infiller}" for c in (first, second)]
    if first.infiller == second.infiller:
        names = [first.method, second.method]
    methods = [resolve_parts(c.method).method for c in (first, second)]
    own = [resolve_parts(c.method).infiller for c in (first, second)]
    reason, mend = "their settings are equal", "omit one of them"
    if methods[0] != methods[1]:
        reason = f"the budget {budget} replaces the settings in which they differ"
        mend = "omit one of them or the budget"
    elif first.infiller == second.infiller != OWN and own[0] != own[1]:
        reason = f"the in-filler {first.infiller} replaces that of both"
        mend = f"name one of them alone, such as {second.method}, or omit the in-filler"
    return f"{names[0]} and {names[1]} are the same configuration: {reason}; {mend}"
