"""Label randomisation test: maps of networks trained on true labels and on shuffled labels."""

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
from unsee.storage.records import check_types
from unsee.study import Study
from unsee.types import Images, Saliency

Callback = Callable[[int, float], None]
"""Called after each epoch with its number and the training accuracy."""


@dataclass(frozen=True)
class TrainConfig:
    """Training settings of both networks, which differ in their labels only."""

    size: int = 28
    """Height and width of the pictures in pixels."""
    channels: int = 1
    """Number of channels: 1 for grey, 3 for colour."""
    epochs: int = 60
    """Maximal number of epochs; training stops earlier at `target_accuracy`."""
    target_accuracy: float = 0.99
    """Training accuracy at which training stops (above 0.95 in the paper)."""
    batch: int = 64
    """Number of pictures in a batch."""
    rate: float = 1e-3
    """Learning rate of Adam."""
    seed: int = 0
    """Seed of the initial weights, of the batches and of the shuffled labels."""

    def __post_init__(self) -> None:
        check_types(self)
        if self.size < 8 or self.channels not in (1, 3) or self.epochs < 1 or self.batch < 1:
            raise InputError(
                "expected size >= 8, channels 1 or 3, epochs >= 1 and batch >= 1, got "
                f"{self.size}, {self.channels}, {self.epochs}, {self.batch}"
            )


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A trained network."""

    classifier: Classifier
    accuracy: float
    """Accuracy on its own training labels."""
    epochs: int
    """Number of epochs it was trained for."""


@dataclass(frozen=True, eq=False)
class MapPair:
    """Maps of a method for both networks."""

    method: str
    real: Saliency
    """Maps for the network that was trained on true labels."""
    shuffled: Saliency
    """Maps for the network that was trained on shuffled labels."""
    similarity: dict[str, list[float]]
    """Similarity of the two, by measure, one number for each picture."""


def pictures(samples: Sequence[Sample], config: TrainConfig) -> tuple[Images, Int[Tensor, " n"]]:
    """Return all pictures at one size, and their classes.

    Raises `InputError` for a picture without a labelled class.
    """
    framing = Framing((config.size, config.size), "resize")
    images, targets = [], []
    for sample in samples:
        if sample.target is None:
            raise InputError(f"{sample.id}: expected a labelled class, got none")
        images.append(framing.show(sample.photo(config.channels)))
        targets.append(sample.target)
    return torch.cat(images), torch.tensor(targets)


def train(
    images: Images,
    targets: Int[Tensor, " n"],
    config: TrainConfig,
    *,
    shuffled: bool,
    device: torch.device | str = "cpu",
    callback: Callback = lambda epoch, accuracy: None,
) -> TrainedNetwork:
    """Train a small network on the true labels or, if `shuffled`, on a permutation of them.

    Raises `InputError` for labels of a single class.
    """
    if len(images) != len(targets) or len(targets.unique()) < 2 or int(targets.min()) < 0:
        raise InputError("expected labels of at least two classes, each 0 or higher, one a picture")
    classes = int(targets.max()) + 1
    generator = torch.Generator().manual_seed(config.seed)
    order = torch.randperm(len(targets), generator=generator)
    labels = (targets[order] if shuffled else targets).to(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = SmallCNN(config.channels, classes)
    network = network.to(device)
    mean, std = images.mean((0, 2, 3)), images.std((0, 2, 3)).clamp(min=1e-3)
    x = ((images - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)).to(device)
    optimizer = torch.optim.Adam(network.parameters(), config.rate)
    accuracy, epoch = 0.0, 0
    for epoch in range(1, config.epochs + 1):
        batches = torch.randperm(len(x), generator=generator).to(device).split(config.batch)
        accuracy = _train_epoch(network, optimizer, x, labels, batches)
        callback(epoch, accuracy)
        if accuracy >= config.target_accuracy:
            break
    classifier = Classifier(
        network.eval().requires_grad_(False),
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        framing=Framing((config.size, config.size), "resize"),
        name="shuffled labels" if shuffled else "true labels",
    )
    return TrainedNetwork(classifier, accuracy, epoch)


def _train_epoch(
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    labels: Tensor,
    batches: Sequence[Tensor],
) -> float:
    """Train on all batches; return the accuracy before each step."""
    correct = torch.zeros((), device=x.device)
    for batch in batches:
        logits = network(x[batch])
        optimizer.zero_grad()
        F.cross_entropy(logits, labels[batch]).backward()
        optimizer.step()
        correct += (logits.argmax(1) == labels[batch]).sum()
    return correct.item() / len(x)


def check(
    real: Classifier,
    shuffled: Classifier,
    images: Images,
    targets: Int[Tensor, " b"],
    methods: dict[str, Any],
    **settings: Any,
) -> Iterator[MapPair]:
    """Yield maps of the same pictures and classes for both networks, one method at a time.

    The maps differ if a method explains what was learned (Adebayo et al., "Sanity Checks for
    Saliency Maps", NeurIPS 2018, section 4.2; https://arxiv.org/abs/1810.03292). `settings` are
    further arguments of `explain`: infiller, seed, ...
    """
    for name, method in methods.items():
        studies = [
            Study.of(classifier, images, method, targets=targets.tolist(), **settings)
            for classifier in (real, shuffled)
        ]
        studies[1].accepts_constant = True
        real_maps, shuffled_maps = (study.finish().saliency for study in studies)
        similarity = _similarity.similarities_by_measure(real_maps, shuffled_maps)
        yield MapPair(name, real_maps, shuffled_maps, similarity)
