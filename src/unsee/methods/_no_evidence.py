"""Say where a map shows no evidence: why, and what to try."""

from collections.abc import Sequence

from unsee.classifiers.measures import Logits, probability
from unsee.classifiers.outputs import Outputs
from unsee.errors import Note, cut
from unsee.masking.score import MaskedScore
from unsee.methods._constant import MEASURE_TO_TRY, NO_EVIDENCE, are_constant
from unsee.methods.base import Method
from unsee.types import Saliency

NEAR_CHANCE = 2.0
"""A probability of at most this many times 1 / classes is near chance."""
LARGEST_NEAR_CHANCE = 0.5
"""No larger probability is near chance; that of a predicted class of two or three is not."""
MAX_NAME = 40
"""Characters of a class name in a note."""


def causes_of(
    method: Method, score: MaskedScore, logits: Logits, saliency: Saliency
) -> list[list[str]]:
    """Return for each image why its map shows no evidence; an empty list where it may show some.

    A map shows none if it has the same value everywhere, or if the probability of its class is near
    chance. Labels, of which several may hold, and regressions have no chance level, and a control
    shows no evidence for any class.

    Args:
        method: Method that made the maps.
        score: Score that it explained.
        logits: Outputs for the images, (b, classes).
        saliency: The maps (b, h, w).
    """
    causes: list[list[str]] = [[] for _ in saliency]
    if not method.shows_evidence:
        return causes
    kind, classes = score.classifier.kind, logits.shape[1]
    has_chance = not (kind.is_multilabel or kind is Outputs.REGRESSION)
    if has_chance and method.traits.uses_classifier:
        near = min(NEAR_CHANCE / classes, LARGEST_NEAR_CHANCE)
        for i, p in enumerate(probability(logits, score.targets).tolist()):
            if p <= near:
                causes[i].append(
                    f"its probability in the photo, {_percentage(p)}, is near chance "
                    f"or below ({_percentage(1 / classes)} for {classes} classes)"
                )
    omits = ", as the method omits negative evidence" if method.traits.may_be_empty else ""
    for i in are_constant(method, saliency).nonzero()[:, 0].tolist():
        causes[i].append(f"the map has the same value everywhere{omits}")
    return causes


def note_of(
    method: Method, score: MaskedScore, row: int, causes: Sequence[str], larger: Method,
    further: Sequence[str] = (),
) -> Note | None:  # fmt: skip
    """Return a note that the map of an image shows no evidence; None without causes.

    Args:
        method: Method that made the map.
        score: Score that it explained.
        row: Number of the image.
        causes: Why the map shows no evidence.
        larger: The method with the largest budget, which is suggested if it differs.
        further: Further suggestions.
    """
    if not causes:
        return None
    arguments: dict[str, object] = {}
    suggestions = []
    if score.measure is probability:
        arguments |= MEASURE_TO_TRY
        suggestions.append("log-odds ({measure})")
    suggestions.append("another class")
    if larger != method:
        arguments["budget"] = "best"
        suggestions.append("a larger budget ({budget})")
    if method.traits.may_be_empty:
        suggestions.append("another method")
    *first, last = *suggestions, *further
    try_words = f"{', '.join(first)} or {last}" if first else last
    name = cut(score.classifier.label(int(score.targets[row])), MAX_NAME)
    return Note(f"{NO_EVIDENCE} for {name!r}: {'; '.join(causes)}; try {try_words}", arguments)


def _percentage(share: float) -> str:
    return f"{100 * share:.2g}%"
