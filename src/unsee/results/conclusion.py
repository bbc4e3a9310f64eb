"""Say in sentences what an explanation found."""

from unsee.results.assessment import INFILLED, Assessment
from unsee.results.regions import SUFFICIENT


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
    share, value = (
        _share(result, "removed"),
        result.in_words(result.target_probabilities["removed"]),
    )
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
    share, value = _share(result, "kept"), result.in_words(result.target_probabilities["kept"])
    if result.has_effect["kept"]:
        return f"The {share} that rank highest suffice: alone they give {value}."
    background = result.in_words(result.target_probabilities[INFILLED])
    return (
        f"No share of the pixels alone keeps {SUFFICIENT:.0%} of the {result.quantity}, or the "
        f"photo that is wholly in-filled keeps it, too ({background}); {share} alone give {value}."
    )


def _share(result: Assessment, key: str) -> str:
    share = result.shares[key]
    return f"{share:.1%}" if share < 0.01 else f"{share:.0%}"
