"""Match the classes of a data set with those of a classifier."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from unsee.classifiers.classes import classes_of
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.labels import CLASSES_OF_IMAGENET, synonyms_of
from unsee.datasets.base import Names, Sample, Samples
from unsee.errors import InputError, printable

JOINT = re.compile(r"(?<=[^\W\d_])[\s_/-]+(?=[^\W\d_])")
"""What separates two words of a name."""
NUMBERED = re.compile(r"[^\W\d_]*[\s_-]*\d*")
"""A name that says nothing: 7, LABEL_7, class 7."""
MAX_NAMES = 5
"""Classes that a note names."""
INSTEAD = (
    "use photos of its classes by their names, or a classifier of these classes; in evaluate, the "
    "target top1; for class folders in the order of its classes, numbering=alphabetical"
)
Matches = Mapping[int, set[int]]
"""Classes of a classifier that have a name of each class of a data set."""


def numbered(samples: Samples, classifier: Classifier, data: str) -> Samples:
    """Return samples whose targets are the numbers of a classifier's classes, and a note.

    Raises:
        InputError: Its classes are others, see `class_numbers`.
    """
    numbers = class_numbers(samples, classifier.labels, classes_of(classifier), data)
    note = note_of(samples, classifier.labels, classifier.name)
    return samples.part(with_numbers(samples, numbers), [note] if note else [])


def class_numbers(
    samples: Samples, labels: Sequence[str], count: int | None, data: str
) -> dict[int, int]:
    """Return the number of the classifier's class for each class of some samples.

    Args:
        samples: Photos, and the names of their data set's classes.
        labels: Names of the classifier's classes; empty if it has none.
        count: Number of the classifier's classes; None if it is unknown.
        data: Name of the data set.

    Raises:
        InputError: A class is not one of the classifier's by its name, or the numbers of classes
            differ where there is no name, or the classifier lacks a number.
    """
    first = {s.target: s.id for s in reversed(samples) if s.target is not None}
    numbers = _numbers(samples, sorted(first), labels, count or len(labels) or None, data)
    outside = [t for t in sorted(first) if count is not None and numbers[t] >= count]
    if outside and count is not None:
        raise InputError(
            f"{data}: class {outside[0]} of {first[outside[0]]} is not in 0..{count - 1}, the "
            f"classes of the classifier; {INSTEAD}"
        )
    return numbers


def with_numbers(samples: Iterable[Sample], numbers: Mapping[int, int]) -> list[Sample]:
    """Return samples whose targets are the numbers of a classifier's classes."""
    return [
        sample if sample.target is None else replace(sample, target=numbers[sample.target])
        for sample in samples
    ]


def note_of(samples: Samples, labels: Sequence[str], classifier: str) -> str | None:
    """Return a note if the order of named classes cannot be compared with a classifier's."""
    names = [names[0] for _, names in sorted(samples.classes.items()) if names]
    if labels or not names or samples.of_imagenet or _are_numbers(samples.classes):
        return None
    some = ", ".join(f"{number} is {name}" for number, name in enumerate(names[:MAX_NAMES]))
    more = ", ..." if len(names) > MAX_NAMES else ""
    return printable(
        f"{classifier} has no names of classes, so the order of the data set's is taken for its "
        f"own: {some}{more}"
    )


def _numbers(
    samples: Samples, targets: list[int], labels: Sequence[str], count: int | None, data: str
) -> dict[int, int]:
    classes = samples.classes
    matches = _matches(classes, labels)
    has_names = bool(labels) and any(classes.values())
    has_order = len(classes) == len(labels)
    by_name = {target: _single(matches, target, has_order=has_order) for target in targets}
    numbers = {target: number for target, number in by_name.items() if number is not None}
    if _are_own(samples, numbers, matches, labels, count, has_names=has_names):
        return {target: target for target in targets}
    if len(numbers) == len(targets):
        return numbers
    if not has_names:
        imagenet = "ImageNet's " if samples.of_imagenet else ""
        raise InputError(
            f"{data}: the data set has {imagenet}{len(classes)} classes, and the classifier "
            f"{count}; {INSTEAD}"
        )
    other = next(target for target in targets if target not in numbers)
    name = next(iter(classes.get(other, ())), str(other))
    raise InputError(
        f"{data}: the class {printable(name)!r} is not the name of one class of the classifier "
        f"({len(classes)} classes in the data set, {len(labels)} in the classifier, the first is "
        f"{printable(labels[0])!r}); {INSTEAD}"
    )


def _are_own(
    samples: Samples,
    numbers: Mapping[int, int],
    matches: Matches,
    labels: Sequence[str],
    count: int | None,
    *,
    has_names: bool,
) -> bool:
    """Whether the data set's numbers are those of the classifier.

    Args:
        samples: Photos, and the names of their data set's classes.
        numbers: Classes of the photos whose names are those of one class of the classifier.
        matches: All matches of names.
        labels: Names of the classifier's classes.
        count: Number of the classifier's classes.
        has_names: Whether both have names, which can be compared.
    """
    classes = samples.classes
    if not classes:
        return True
    if samples.of_imagenet:
        return count in {None, CLASSES_OF_IMAGENET} and not _is_contradicted(matches, labels)
    if _are_numbers(classes):
        return all(target == number for target, number in numbers.items())
    return not has_names and count in {None, len(classes)}


def _matches(classes: Names, labels: Sequence[str]) -> Matches:
    indices: dict[str, set[int]] = {}
    for index, label in enumerate(labels):
        for name in (label, *synonyms_of(label)):
            indices.setdefault(_plain(name), set()).add(index)
    return {
        number: set().union(*(indices.get(_plain(name), ()) for name in names))
        for number, names in classes.items()
    }


def _single(matches: Matches, target: int, *, has_order: bool) -> int | None:
    """Return the one class that matches; of several the one at the same place in both lists."""
    same = matches.get(target, set())
    if len(same) == 1:
        return min(same)
    return target if has_order and target in same else None


def _is_contradicted(matches: Matches, labels: Sequence[str]) -> bool:
    """Whether more classes have another name at their number than have their own there.

    A name that is nothing but a number, perhaps with one word before it, is not another name.
    """
    own = sum(number in same for number, same in matches.items())
    elsewhere = sum(bool(same) and number not in same for number, same in matches.items())
    nowhere = sum(
        not same and number < len(labels) and not NUMBERED.fullmatch(labels[number].strip())
        for number, same in matches.items()
    )
    return elsewhere + nowhere > own


def _are_numbers(classes: Names) -> bool:
    """Whether the names of classes are nothing but their numbers, as 0, 1 or 007."""
    return all(
        name.isascii() and name.isdigit() and int(name) == number
        for number, names in classes.items()
        for name in names[:1] or ("",)
    )


def _plain(name: str) -> str:
    """Return a name for comparison: without case, and without what separates its words."""
    return JOINT.sub("", name.strip().casefold()).replace("_", " ").replace("-", " ")
