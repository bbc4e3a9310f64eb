"""Numbers that a classifier gives for its classes: probabilities, or the values of a regression."""

from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.outputs import Outputs
from unsee.types import Images


def values_of(classifier: Classifier, images: Images) -> Float[Tensor, "n classes"]:
    """Return the probabilities of all classes, or the values of a regression, on the CPU."""
    rows, kind = classifier.predict(images), classifier.kind
    return (rows if kind is Outputs.REGRESSION else kind.probabilities(rows)).cpu()


def percent(share: float) -> str:
    """Return a share of the pixels as text."""
    return f"{share:.1%}" if share < 0.01 else f"{share:.0%}"


def in_words(number: float, classifier: Classifier) -> str:
    """Return a number of `values_of` as text: a percentage, or a value."""
    if classifier.kind is Outputs.REGRESSION:
        return f"{number:.4g}"
    return "<1%" if 0 < number < 0.01 else f"{number:.0%}"
