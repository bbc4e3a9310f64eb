"""Match the classes of a data set with those of a classifier."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from unsee.classifiers.labels import synonyms_of
from unsee.datasets.base import Sample
from unsee.errors import InputError, printable


def with_numbers_of(
    labels: Sequence[str], samples: Iterable[Sample], classes: Sequence[str]
) -> list[Sample]:
    """Return samples whose targets are the numbers of a classifier's classes.

    Args:
        labels: Names of the classifier's classes; empty if it has none.
        samples: Samples whose targets are positions in `classes`.
        classes: Names of the data set's classes; empty if their numbers were not taken from the
            order of their names.

    Raises:
        InputError: Some names agree and others do not, or none does and the numbers of classes
            differ.
    """
    numbers = _numbers(classes, labels) if labels else {}
    return [
        sample
        if sample.target is None
        else replace(sample, target=numbers.get(sample.target, sample.target))
        for sample in samples
    ]


def check_numbers(samples: Iterable[Sample], count: int | None, data: str) -> None:
    """Check that a classifier has the classes of a data set.

    Args:
        samples: A sample of each class, as numbered by the classifier.
        count: Number of the classifier's classes; None if it is unknown.
        data: Name of the data set.

    Raises:
        InputError: It lacks one, so that its numbers may stand for other classes, too.
    """
    if count is None:
        return
    outside = [s for s in samples if s.target is not None and s.target >= count]
    if outside:
        raise InputError(
            f"{data}: class {outside[0].target} of {outside[0].id} is not in 0..{count - 1}, the "
            "classes of the classifier; use photos of its classes, or the target top1"
        )


def _numbers(classes: Sequence[str], labels: Sequence[str]) -> dict[int, int]:
    """Return the number of the classifier's class for each class of the data set."""
    indices: dict[str, set[int]] = {}
    for index, label in enumerate(labels):
        for name in (label, *synonyms_of(label)):
            indices.setdefault(_plain(name), set()).add(index)
    same = {number: indices.get(_plain(name), set()) for number, name in enumerate(classes)}
    if all(len(matches) == 1 for matches in same.values()):
        return {number: min(matches) for number, matches in same.items()}
    in_order = all(number in matches for number, matches in same.items() if matches)
    if in_order and len(classes) == len(labels):
        return {}
    unmatched = next(classes[number] for number, matches in same.items() if len(matches) != 1)
    raise InputError(
        f"the class folder {printable(unmatched)!r} is not the name of one class of the classifier "
        f"({len(classes)} folders, {len(labels)} classes, the first is {printable(labels[0])!r}); "
        "name the folders as its classes, or by WordNet ids for ImageNet, or use the target top1"
    )


def _plain(name: str) -> str:
    return name.strip().casefold().replace("_", " ").replace("-", " ")
