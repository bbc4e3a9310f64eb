"""Results that several metrics of the same maps share, such as a curve they all read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from unsee.masking.score import MaskedScore

Result = TypeVar("Result")


class _Computed(NamedTuple):
    """A result and what it depends on."""

    score: MaskedScore
    saliency: Tensor
    rules: tuple[object, ...]
    result: Any


_COMPUTED: ContextVar[list[_Computed] | None] = ContextVar("computed", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """Compute each result once within the block: metrics of the same score and maps share it."""
    token = _COMPUTED.set([])
    try:
        yield
    finally:
        _COMPUTED.reset(token)


def once(
    score: MaskedScore, saliency: Tensor, rules: tuple[object, ...], compute: Callable[[], Result]
) -> Result:
    """Return the result for this score, these maps and these rules; compute it if it is new.

    Outside of `shared` it is always computed.
    """
    computed = _COMPUTED.get()
    if computed is None:
        return compute()
    for one in computed:
        if one.score is score and one.rules == rules and torch.equal(one.saliency, saliency):
            return one.result
    result = compute()
    computed.append(_Computed(score, saliency.clone(), rules, result))
    return result
