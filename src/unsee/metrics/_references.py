"""Compare the classes of reference classifiers with those of the explained one."""

from unsee.classifiers.classes import classes_of
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.labels import synonyms_of
from unsee.errors import InputError
from unsee.masking.score import MaskedScore


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


def _names(label: str) -> set[str]:
    return {name.casefold().replace("_", " ") for name in (label, *synonyms_of(label))}
