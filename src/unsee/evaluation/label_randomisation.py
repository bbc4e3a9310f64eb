"""Label randomisation: maps of a network that learned, beside one that only learned by heart."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.datasets.base import Sample
from unsee.errors import InputError
from unsee.images.framing import Framing
from unsee.metrics import _similarity
from unsee.networks.small_cnn import SmallCNN
from unsee.study import Study
from unsee.types import Images, Saliency

Watch = Callable[[int, float], None]
"""Told the epoch and the share of its own labels that the network gets right."""


@dataclass(frozen=True)
class Schooling:
    """How both networks are trained; they differ in nothing but their labels."""

    size: int = 28
    """Side of the pictures in pixels."""
    channels: int = 1
    """1 for grey, 3 for colour."""
    epochs: int = 60
    """At most; a network that knows `enough` stops before."""
    enough: float = 0.99
    """Share of its own training labels that it must get right (paper: above 0.95)."""
    batch: int = 64
    rate: float = 1e-3
    """Of Adam."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 8 or self.channels not in (1, 3) or self.epochs < 1 or self.batch < 1:
            raise InputError(
                "expected size >= 8, channels 1 or 3, epochs >= 1 and batch >= 1, got "
                f"{self.size}, {self.channels}, {self.epochs}, {self.batch}"
            )


@dataclass(frozen=True, eq=False)
class Pupil:
    """A network and how much of its own labels it knows."""

    classifier: Classifier
    known: float
    epochs: int


@dataclass(frozen=True, eq=False)
class Beside:
    """Maps of one method under both networks."""

    method: str
    real: Saliency
    shuffled: Saliency
    similarity: dict[str, list[float]]
    """By measure, one number for each picture."""


def pictures(samples: Sequence[Sample], schooling: Schooling) -> tuple[Images, Int[Tensor, " n"]]:
    """All pictures at one size, and their classes.

    Raises `InputError` where a class is not labelled.
    """
    framing = Framing((schooling.size, schooling.size), "resize")
    images, targets = [], []
    for sample in samples:
        if sample.target is None:
            raise InputError(f"{sample.id}: no class is labelled; nothing can be learned from it")
        images.append(framing.show(sample.photo(schooling.channels)))
        targets.append(sample.target)
    return torch.cat(images), torch.tensor(targets)


def school(
    images: Images,
    targets: Int[Tensor, " n"],
    schooling: Schooling,
    *,
    shuffled: bool,
    device: torch.device | str = "cpu",
    watch: Watch = lambda epoch, known: None,
) -> Pupil:
    """Train a small network, on the true labels or on the same ones in another order.

    Raises `InputError` for a single class.
    """
    classes = int(targets.max()) + 1
    if len(targets.unique()) < 2:
        raise InputError("expected labels of at least two classes")
    g = torch.Generator().manual_seed(schooling.seed)
    order = torch.randperm(len(targets), generator=g)
    y = (targets[order] if shuffled else targets).to(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(schooling.seed)
        network = SmallCNN(schooling.channels, classes)
    network = network.to(device)
    mean, std = images.mean((0, 2, 3)), images.std((0, 2, 3)).clamp(min=1e-3)
    x = ((images - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)).to(device)
    rule = torch.optim.Adam(network.parameters(), schooling.rate)
    known, epoch = 0.0, 0
    for epoch in range(1, schooling.epochs + 1):
        right = torch.zeros((), device=device)
        for part in torch.randperm(len(x), generator=g).to(device).split(schooling.batch):
            logits = network(x[part])
            rule.zero_grad()
            F.cross_entropy(logits, y[part]).backward()
            rule.step()
            right += (logits.argmax(1) == y[part]).sum()
        known = right.item() / len(x)
        watch(epoch, known)
        if known >= schooling.enough:
            break
    classifier = Classifier(
        network.eval().requires_grad_(False),
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        framing=Framing((schooling.size, schooling.size), "resize"),
        name="shuffled labels" if shuffled else "true labels",
    )
    return Pupil(classifier, known, epoch)


def check(
    real: Classifier,
    shuffled: Classifier,
    images: Images,
    targets: Int[Tensor, " b"],
    methods: dict[str, Any],
    **asked: Any,
) -> Iterator[Beside]:
    """Maps of the same pictures and classes under both, one method after another.

    A method that explains what was learned gives other maps to the network that learned by heart
    (Adebayo et al., NeurIPS 2018, section 4.2). `asked` goes to `explain`: infiller, seed, ...
    """
    for name, method in methods.items():
        one, other = (
            Study.of(classifier, images, method, targets=targets.tolist(), **asked)
            .finish()
            .saliency
            for classifier in (real, shuffled)
        )
        yield Beside(name, one, other, _similarity.similarities_by_measure(one, other))
