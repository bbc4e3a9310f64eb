"""Say in sentences what an explanation found."""

from unsee.results.assessment import INFILLED, Assessment
from unsee.results.regions import SUFFICIENT
from unsee.results.values import percent


def conclude(result: Assessment) -> list[str]:
    """Return what removing and keeping the evidence does, in sentences of plain text."""
    if not result.study.method.shows_evidence:
        return [_photo(result), f"The map is no evidence: {result.study.method.caption[0]}."]
    return [_photo(result), _removed(result), _kept(result)]


def _photo(result: Assessment) -> str:
    value = result.in_words(result.target_probabilities["original"])
    if result.quantity == "value":
        return f"The value of {result.name} in the photo is {value}."
    if result.predicts_target:
        return f"The classifier answers {result.name} ({value})."
    return (
        f"The probability of {result.name} in the photo is {value} "
        f"({result.prediction('original')})."
    )


def _removed(result: Assessment) -> str:
    share = percent(result.shares["removed"])
    value = result.in_words(result.target_probabilities["removed"])
    after = f"{result.quantity} is {value}"
    if result.has_effect["removed"]:
        if result.predicts_target:
            return (
                f"Without the {share} of the pixels that rank highest, the answer changes: the "
                f"{after} ({result.prediction('removed')})."
            )
        return f"Without the {share} of the pixels that rank highest, the {after}."
    return (
        f"No share of the highest-ranked pixels changes the answer when it is removed; without "
        f"{share} of them the {after}."
    )


def _kept(result: Assessment) -> str:
    share = percent(result.shares["kept"])
    value = result.in_words(result.target_probabilities["kept"])
    if result.has_effect["kept"]:
        return f"The {share} that rank highest suffice: alone they give {value}."
    original, background = (result.target_probabilities[key] for key in ("original", INFILLED))
    if result.quantity != "value" and background >= SUFFICIENT * original:
        return (
            f"The photo that is wholly in-filled has {result.in_words(background)} already, so no "
            f"pixels are needed for it; the {share} that rank highest alone give {value}."
        )
    return (
        f"No share that was tried keeps {SUFFICIENT:.0%} of the {result.quantity} alone; the "
        f"{share} that rank highest give {value}."
    )
