"""Reference classifiers: whether their classes are the explained ones, and the score on them."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classes import classes_of
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.labels import synonyms_of
from unsee.classifiers.measures import Measure, log_odds
from unsee.errors import InputError
from unsee.infillers.base import Infiller
from unsee.masking.score import MaskedScore
from unsee.types import Images, Size


def check_same_classes(metric: str, score: MaskedScore, classifier: Classifier) -> None:
    """Check that a classifier has the classes and the channels of the explained one.

    Raises:
        InputError: The number of classes or of channels differs, or an explained class has another
            number there, by the names of the classes.
    """
    explained = score.classifier
    name = classifier.name or "the reference classifier"
    if classifier.channels != explained.channels:
        raise InputError(
            f"{metric}: {name} takes {classifier.channels} channels, and the explained classifier "
            f"{explained.channels}"
        )
    counts = classes_of(explained), classes_of(classifier)
    if counts[0] != counts[1]:
        raise InputError(
            f"{metric}: {name} has {counts[1]} classes, and the explained classifier {counts[0]}; "
            "expected the same classes"
        )
    if not explained.labels or not classifier.labels:
        return
    for target in sorted(set(score.targets.tolist())):
        own, other = (_names(c.labels[target]) for c in (explained, classifier))
        elsewhere = any(own & _names(label) for label in classifier.labels)
        if elsewhere and not own & other:
            raise InputError(
                f"{metric}: class {target} is {explained.label(target)!r} for the explained "
                f"classifier and {classifier.label(target)!r} for {name}; expected the same order "
                "of classes"
            )


def score_on(
    classifier: Classifier,
    score: MaskedScore,
    infiller: Infiller | None = None,
    measure: Measure = log_odds,
) -> MaskedScore:
    """Return the score of the same images and classes on another classifier, at its input size.

    Args:
        classifier: Reference classifier, see `check_same_classes`.
        score: Score of the explained classifier.
        infiller: In-filler of removed pixels; None takes that of the score.
        measure: Number of the classifier's output that is the score.
    """
    return MaskedScore(
        classifier,
        infiller or score.infiller,
        resized(score.images, classifier.framing.size).clamp(0, 1).to(classifier.device),
        score.targets.to(classifier.device),
        score.seeds,
        measure,
    )


def resized(planes: Images, size: Size) -> Float[Tensor, "b c _h _w"]:
    """Return images, or maps as images of one channel, at another size.

    In double precision, so that equal pixels of a map remain equal: their order is then a shuffle,
    and not the rounding of the sums.
    """
    if tuple(planes.shape[-2:]) == size:
        return planes
    fine = planes.double() if planes.device.type != "mps" else planes
    return F.interpolate(fine, size, mode="bilinear", antialias=True).to(planes)


def _names(label: str) -> set[str]:
    return {name.casefold().replace("_", " ") for name in (label, *synonyms_of(label))}
