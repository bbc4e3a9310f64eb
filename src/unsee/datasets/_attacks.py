"""Targeted attacks: small changes of a picture that make a classifier answer a given class.

Both stay within `epsilon` of each pixel, in [0, 1], and descend on the cross-entropy of the target
by the sign of the gradient.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.types import Images

Attack = Callable[[Classifier, Images, int, float, int, int], Images]
"""A function of a classifier, an image, the target, epsilon, the number of steps and a seed."""

DECAY = 1.0
"""Decay of the momentum (the paper's)."""
PGD_STEP = 2.5
"""Sum of all steps of PGD as a multiple of epsilon (the paper's)."""


def mi_fgsm(
    classifier: Classifier, image: Images, target: int, epsilon: float, steps: int, seed: int
) -> Images:
    """Attack by iterated gradient signs with momentum; the seed has no influence.

    Gradients are divided by their mean absolute value, then accumulated.

    Reference: Dong et al., 2018, Boosting adversarial attacks with momentum, CVPR,
    https://arxiv.org/abs/1710.06081
    """
    x, momentum = image, torch.zeros_like(image)
    for _ in range(steps):
        gradient = _gradient(classifier, x, target)
        momentum = DECAY * momentum + gradient / gradient.abs().mean().clamp(min=1e-12)
        x = _near(x - epsilon / steps * momentum.sign(), image, epsilon)
    return x


def pgd(
    classifier: Classifier, image: Images, target: int, epsilon: float, steps: int, seed: int
) -> Images:
    """Attack by projected gradient descent from a random start.

    Reference: Madry et al., 2018, Towards deep learning models resistant to adversarial attacks,
    ICLR, https://arxiv.org/abs/1706.06083
    """
    g = torch.Generator().manual_seed(seed)
    start = (2 * torch.rand(image.shape, generator=g) - 1) * epsilon
    x = _near(image + start.to(image), image, epsilon)
    for _ in range(steps):
        step = PGD_STEP * epsilon / steps * _gradient(classifier, x, target).sign()
        x = _near(x - step, image, epsilon)
    return x


def none(
    classifier: Classifier, image: Images, target: int, epsilon: float, steps: int, seed: int
) -> Images:
    """Return the picture as it is, for comparison with attacked ones."""
    return image


ATTACKS: dict[str, Attack] = {"mi_fgsm": mi_fgsm, "pgd": pgd, "none": none}
"""Attacks by name."""


def _gradient(classifier: Classifier, x: Images, target: int) -> Tensor:
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        loss = F.cross_entropy(classifier.logits(x), torch.tensor([target], device=x.device))
        (gradient,) = torch.autograd.grad(loss, x)
    return gradient


def _near(x: Images, image: Images, epsilon: float) -> Images:
    """Return the nearest picture within epsilon of each pixel, and in [0, 1]."""
    return torch.maximum(torch.minimum(x, image + epsilon), image - epsilon).clamp(0, 1)
