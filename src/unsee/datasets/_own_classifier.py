"""The classifier of a data set that needs one to make its pictures."""

from dataclasses import replace

from unsee.classifiers import loading
from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError
from unsee.registry import parse

MAX_PIXELS = 2**24
"""Largest number of pixels of a picture, so that four of them take less than 1 GiB."""


def load_own(dataset: str, classifier: str, *, trust: bool) -> Classifier:
    """Load the classifier of a data set on the CPU, for one picture at a time.

    Its answers then depend neither on the device of a run nor on the batch.

    Args:
        dataset: Name of the data set, for error messages.
        classifier: Specification of the classifier.
        trust: Whether it may be Python code or a program.

    Raises:
        InputError: The classifier is code or a program and `trust` is not set, or its input is too
            large.
    """
    if "trust" in parse("sources", classifier).texts:
        raise InputError(
            f"{dataset}: trust is not a setting of the classifier, got {classifier!r}; omit it and "
            "set {trust}",
            trust=True,
        )
    if loading.names_code(classifier) and not trust:
        raise InputError(
            f"{dataset}: the classifier {classifier} is code that would run; set {{trust}} if you "
            "trust its author",
            trust=True,
        )
    loaded = loading.load(classifier, device="cpu", trust=trust)
    height, width = loaded.framing.size
    if height * width > MAX_PIXELS:
        raise InputError(
            f"{dataset}: pictures of {width} x {height} pixels, the input of {classifier}, are "
            f"too large; expected at most {MAX_PIXELS:,} pixels"
        )
    return replace(loaded, chunk=1)
