"""An image classifier as a function from pixels to scores and their input gradients."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unsee.classifiers import labels
from unsee.classifiers.batch_size import BatchSizes
from unsee.classifiers.chunked import RowFunction, Rows, map_chunks
from unsee.classifiers.measures import Logits, Measure
from unsee.classifiers.passes import (
    Features,
    Passes,
    as_logits,
    predicted_class_gradient,
    synchronise,
    unwrapped,
)
from unsee.errors import InputError
from unsee.images.framing import Framing
from unsee.networks.stages import FeatureExtractor
from unsee.types import Images, Variants

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass
class Classifier:
    """An image classifier in evaluation mode that takes pixels in [0, 1].

    Every pass through the network goes through this class, which handles normalisation, memory
    format, precision and batch size, and counts the passes. At most `chunk` images are in the
    network at a time, and fewer if memory does not suffice. The model is never changed: neither its
    mode nor its parameters, gradients, hooks, dtype or device.

    `dataclasses.replace` returns a classifier that counts into the same `passes`. It keeps the
    measured batch sizes unless the model or `chunk` changes.

    Raises:
        InputError: The model is in training mode, or mean and std differ in length.
    """

    model: Callable[..., Any] = field(repr=False)
    """A module, or any function, from normalised images (n, c, h, w) to logits (n, classes)."""
    mean: tuple[float, ...] = IMAGENET_MEAN
    """Mean of each channel in [0, 1], subtracted before the network; one value per channel."""
    std: tuple[float, ...] = IMAGENET_STD
    """Standard deviation of each channel; the network's input is divided by it."""
    framing: Framing = Framing()
    """Resizing and cropping of photos to the input size."""
    labels: tuple[str, ...] = field(default=(), repr=False)
    """Class names in the order of the logits; synonyms are separated by commas."""
    name: str = ""
    """Specification that loads the classifier again, if it came from a source."""
    data_mean: tuple[float, ...] = ()
    """Mean colour of the data (the "zero" or "grey" of the literature); by default `mean`."""
    data_std: tuple[float, ...] = ()
    """Standard deviation of the data, the unit of noise in the literature; by default `std`."""
    differentiable: bool = True
    """Whether gradients exist; False for a black box, which gradient methods refuse."""
    chunk: int | None = None
    """Images in the network at a time; None measures the fastest number, once for each device,
    network and image shape."""
    precision: torch.dtype = torch.float32
    """Precision of a pass; bfloat16 and float16 enable mixed precision."""
    sampling_precision: torch.dtype | None = None
    """Precision of passes for methods that average many scores, in whose maps rounding errors
    cancel; None uses `precision`."""
    passes: Passes = field(default_factory=Passes, repr=False, compare=False, kw_only=True)
    """Passes counted so far; shared with classifiers derived by `dataclasses.replace`."""
    batch_sizes: BatchSizes = field(
        default_factory=BatchSizes, repr=False, compare=False, kw_only=True
    )
    """Batch sizes measured so far."""

    def __post_init__(self) -> None:
        modules = self.model.modules() if isinstance(self.model, nn.Module) else ()
        if any(module.training for module in modules):
            raise InputError("the model is in training mode; call model.eval() first")
        if len(self.mean) != len(self.std):
            raise InputError(f"mean has {len(self.mean)} channels, std has {len(self.std)}")
        self.data_mean, self.data_std = self.data_mean or self.mean, self.data_std or self.std
        if (self.batch_sizes.network, self.batch_sizes.chunk) != (self.model, self.chunk):
            self.batch_sizes = BatchSizes(self.model, self.chunk)

    @property
    def channels(self) -> int:
        """Number of channels of the input images."""
        return len(self.mean)

    @property
    def device(self) -> torch.device:
        """Device of the network; the CPU for a function."""
        if isinstance(self.model, nn.Module):
            for tensor in (*self.model.parameters(), *self.model.buffers()):
                return tensor.device
        return torch.device("cpu")

    @property
    def network(self) -> nn.Module:
        """The torch module; raises `InputError` for a black box."""
        return self.require_network("this")

    def require_network(self, purpose: str) -> nn.Module:
        """Return the torch module; for a black box, raise an `InputError` that names `purpose`."""
        if not isinstance(self.model, nn.Module):
            raise InputError(f"{purpose} needs the layers of a torch module; a black box has none")
        return self.model

    def normalise(self, images: Variants) -> Variants:
        """Return the images as the network takes them: (images - mean) / std."""
        return _standardise(images, self.mean, self.std)

    def denormalise(self, inputs: Variants) -> Variants:
        """Return the pixels in [0, 1] of normalised images: inputs * std + mean."""
        mean, std = (inputs.new_tensor(v).view(-1, 1, 1) for v in (self.mean, self.std))
        return inputs * std + mean

    def standardise(self, images: Variants) -> Variants:
        """Return the images in the units of the data: (images - data_mean) / data_std."""
        return _standardise(images, self.data_mean, self.data_std)

    def logits(self, images: Variants) -> Logits:
        """Run one forward pass over all images at once; differentiable in the images."""
        logits = self._forward(images)
        self.passes.forwards += len(images)
        return logits

    def _forward(self, images: Variants) -> Logits:
        """Run one forward pass that is not counted."""
        inputs = self.network_input(images)
        return as_logits(self._autocast(self.model, inputs), len(images))

    def network_input(self, images: Variants) -> Variants:
        """Return normalised images in the memory format that is fastest for convolutions."""
        return self.normalise(images).contiguous(memory_format=torch.channels_last)

    def _autocast(self, function: Callable[..., Any], inputs: Variants) -> Any:
        """Call a function of normalised images in the classifier's precision."""
        with torch.autocast(inputs.device.type, self.precision, self.precision != torch.float32):
            return function(inputs)

    def features(self, images: Variants, layers: Sequence[str], gradient: bool = False) -> Features:
        """Run one pass over all images at once and read the outputs of inner layers.

        Args:
            images: Pixels in [0, 1], as many as fit in memory.
            layers: Qualified names of modules of the network.
            gradient: Whether to run backwards too, for the gradient by the input.

        Returns:
            Logits, outputs of the layers, inputs and, if requested, gradient; all detached.

        Raises:
            InputError: The classifier is a black box.
        """
        extractor = FeatureExtractor(self.require_network("reading feature maps"), layers)
        with torch.set_grad_enabled(gradient):
            inputs = self.network_input(images).detach().requires_grad_(gradient)
            output, maps = self._autocast(extractor, inputs)
            logits = as_logits(output, len(images))
            by_input = predicted_class_gradient(logits, inputs) if gradient else None
        self.passes.forwards += len(images)
        self.passes.backwards += len(images) * gradient
        detached = [map_.detach().float() for map_ in maps]
        return Features(logits.detach(), detached, inputs.detach(), by_input)

    def predict(self, images: Images) -> Logits:
        """Return logits without gradients, in chunks.

        Raises:
            InputError: The images do not suit this classifier, or the logits are not finite.
        """
        self.check(images)
        with torch.no_grad():
            logits = self.map_chunks(lambda rows, part: self.logits(rows), images, images)
        if not logits.isfinite().all():
            raise InputError(
                "the model returns NaN or infinity; check its weights, mean, std and precision"
            )
        return logits

    def score(
        self, images: Images, targets: Int[Tensor, " b"], measure: Measure
    ) -> Float[Tensor, " b"]:
        """Score images in chunks; differentiable in the images."""

        def rows(x: Tensor, part: slice) -> Tensor:
            return self.score_chunk(x, targets[part], measure)

        return self.map_chunks(rows, images, images)

    def score_chunk(
        self, images: Variants, targets: Int[Tensor, " n"], measure: Measure
    ) -> Float[Tensor, " n"]:
        """Score a single chunk of images."""
        values = measure(self.logits(images), targets)
        if torch.is_grad_enabled():
            self.passes.backwards += len(images)
        return values

    def map_chunks(self, function: RowFunction, rows: Rows, like: Images) -> Float[Tensor, "n ..."]:
        """Apply a function that passes images shaped `like` these through the network, in chunks.

        Args:
            function: Function of a chunk of `rows`; one row is one image in the network.
            rows: Rows to evaluate; the result is differentiable in them.
            like: Images with the shape, dtype and device of those that the network receives.
        """
        gradient = rows.requires_grad and torch.is_grad_enabled()
        chunk = self.batch_size_for(like, len(rows), gradient=gradient)

        def on_success(size: int) -> None:
            if size < chunk:
                key = self.batch_sizes.key(like, self.precision, gradient=gradient)
                self.batch_sizes.reduce(key, size)

        return map_chunks(function, rows, chunk, on_success)

    def batch_size_for(self, like: Images, count: int, *, gradient: bool = False) -> int:
        """Return the batch size for `count` images shaped `like` these.

        `gradient` states whether the pass includes a backward pass, which needs more memory.
        """

        def seconds(size: int) -> float:
            x = torch.zeros(size, *like.shape[1:], device=like.device, dtype=like.dtype)
            x = x.contiguous(memory_format=torch.channels_last)
            synchronise(like.device)
            start = time.perf_counter()
            self.run_normalised(x, gradient=gradient)
            return time.perf_counter() - start

        can_time = isinstance(self.model, nn.Module) and not (gradient and not self.differentiable)
        key = self.batch_sizes.key(like, self.precision, gradient=gradient)
        return self.batch_sizes.size(key, like.device.type, count, seconds if can_time else None)

    def run_normalised(self, inputs: Variants, *, gradient: bool = False) -> None:
        """Time the network alone: run one uncounted pass on normalised images and wait for it."""
        with torch.set_grad_enabled(gradient):
            x = inputs.detach().requires_grad_(gradient)
            output = self._autocast(self.model, x)
            if gradient:
                torch.autograd.grad(unwrapped(output).float().sum(), x)
        synchronise(inputs.device)

    def check(self, images: Images) -> None:
        """Raise `InputError` for images that this classifier cannot take."""
        if images.ndim != 4 or images.shape[1] != self.channels:
            raise InputError(
                f"expected images (b, {self.channels}, h, w), got {tuple(images.shape)}; "
                "the length of the classifier's mean and std is the number of channels"
            )
        if images.numel() == 0:
            raise InputError(f"expected at least one image, got {tuple(images.shape)}")
        low, high = images.min().item(), images.max().item()
        if not (low >= 0 and high <= 1):
            raise InputError(
                f"expected pixels in [0, 1], got [{low:.3g}, {high:.3g}]; "
                "the classifier normalises them itself, with its mean and std"
            )

    def label(self, index: int) -> str:
        """Return the first synonym of a class, or its index if the class has no name."""
        return labels.name_of(self.labels, index)

    def index(self, target: str | int) -> int:
        """Return the class index of a number or a name (any synonym, in any case)."""
        return labels.index_of(self.labels, target)

    def settings(self) -> dict[str, Any]:
        """Return the settings as plain values, for provenance."""
        kind = type(self.model)
        sampling_precision = self.sampling_precision or self.precision
        return {
            "name": self.name or f"{kind.__module__}.{kind.__qualname__}",
            "mean": list(self.mean),
            "std": list(self.std),
            "data_mean": list(self.data_mean),
            "data_std": list(self.data_std),
            "framing": {**asdict(self.framing), "size": list(self.framing.size)},
            "precision": str(self.precision).removeprefix("torch."),
            "sampling_precision": str(sampling_precision).removeprefix("torch."),
            "chunk": self.batch_sizes.in_use or self.chunk,
        }


def _standardise(images: Variants, mean: tuple[float, ...], std: tuple[float, ...]) -> Variants:
    centre, scale = (images.new_tensor(v).view(-1, 1, 1) for v in (mean, std))
    return torch.addcmul(-centre / scale, images, 1 / scale)  # one operation on the pixels
