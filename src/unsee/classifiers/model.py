"""A model with its normalisation: from pixels to the inputs of the network, and its settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from unsee.classifiers import checks, outputs
from unsee.classifiers.batch_size import BatchSizes
from unsee.classifiers.normalisation import (
    ASSUMED_MEAN,
    ASSUMED_STD,
    check_assumed,
    data_statistics,
)
from unsee.classifiers.outputs import Outputs, OutputsName
from unsee.classifiers.passes import Passes, tensors_of
from unsee.errors import InputError
from unsee.images.framing import Framing
from unsee.types import Variants


@dataclass
class PixelModel:
    """The fields of a `Classifier`, and its calls of the model on pixels in [0, 1]."""

    model: Callable[..., Any] = field(repr=False)
    """A module, or any function, from normalised images (n, c, h, w) to logits (n, classes)."""
    mean: tuple[float, ...] = ASSUMED_MEAN
    """Mean of each channel in [0, 1], subtracted before the network; one value per channel. By
    default ImageNet's; refused for a model of timm that states another."""
    std: tuple[float, ...] = ASSUMED_STD
    """Standard deviation of each channel, likewise; the network's input is divided by it."""
    framing: Framing = Framing()
    """Resizing and cropping of photos to the input size."""
    labels: tuple[str, ...] = field(default=(), repr=False)
    """Class names in the order of the logits; those of type `Synonyms` hold several names."""
    name: str = ""
    """Specification that loads the classifier again, if it came from a source."""
    data_mean: tuple[float, ...] = ()
    """Mean colour of the data (the "zero" or "grey" of the literature). By default `mean`; if that
    is 0 in every channel, ImageNet's for three channels, and 0.5 for other numbers."""
    data_std: tuple[float, ...] = ()
    """Standard deviation of the data, the unit of noise in the literature. By default `std`; if
    `mean` is 0 in every channel, ImageNet's for three channels, and 0.25 for other numbers."""
    differentiable: bool = True
    """Whether gradients exist; False for a black box, which gradient methods refuse."""
    chunk: int | None = None
    """Images in the network at a time; None measures the fastest number, once for each device,
    network and image shape."""
    precision: torch.dtype = torch.float32
    """Precision of a pass; bfloat16 and float16 enable mixed precision."""
    sampling_precision: torch.dtype | None = None
    """Precision of passes for methods that average many scores, in whose maps rounding errors
    cancel; None uses `precision`, as does a regression, whose values may be far from 0."""
    outputs: Outputs | OutputsName = field(default="auto", repr=False, compare=False)
    """Kind of the model's outputs, see `Outputs`; `auto` determines it at the first pass."""
    passes: Passes = field(default_factory=Passes, repr=False, compare=False, kw_only=True)
    """Passes counted so far; shared with classifiers derived by `dataclasses.replace`."""
    batch_sizes: BatchSizes = field(
        default_factory=BatchSizes, repr=False, compare=False, kw_only=True
    )
    """Batch sizes measured so far."""
    determined: tuple[Outputs | OutputsName, Outputs] | None = field(
        default=None, repr=False, compare=False, kw_only=True
    )
    """The value of `outputs`, and the kind that the first pass determined for it."""
    is_randomised: bool = field(default=False, repr=False, compare=False, kw_only=True)
    """Whether a test has replaced weights by random ones, so that other answers are expected."""
    columns: int = field(default=0, init=False, repr=False, compare=False)
    """Numbers that the model returns for an image; 0 before the first pass."""
    has_gradient: bool = field(default=False, init=False, repr=False, compare=False)
    """Whether a gradient was computed and is not zero; False before that."""
    has_own_rows: bool = field(default=False, init=False, repr=False, compare=False)
    """Whether the outputs for an image were the same again and beside other images."""

    def __post_init__(self) -> None:
        checks.check_model(self.model)
        checks.check_precision(self.precision, self.sampling_precision)
        checks.check_framing(self.framing)
        check_assumed(self.model, self.mean, self.std)
        self.name, self.chunk = checks.checked_name(self.name), checks.checked_chunk(self.chunk)
        self.mean, self.std = checks.normalisation(self.mean, self.std)
        self.labels, self.outputs = checks.check_labels(self.labels), outputs.parse(self.outputs)
        self.data_mean, self.data_std = checks.data_statistics(
            self.data_mean, self.data_std, data_statistics(self.mean, self.std)
        )
        if (self.batch_sizes.network, self.batch_sizes.chunk) != (self.model, self.chunk):
            self.batch_sizes = BatchSizes(self.model, self.chunk)

    @property
    def channels(self) -> int:
        """Number of channels of the input images."""
        return len(self.mean)

    @property
    def device(self) -> torch.device:
        """Device of the network; the CPU for a function."""
        return next((t.device for t in tensors_of(self.model)), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """Type of the network's numbers, which its inputs get; float32 for a function."""
        types = (t.dtype for t in tensors_of(self.model) if t.is_floating_point())
        return next(types, torch.float32)

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

    def network_input(self, images: Variants) -> Variants:
        """Return normalised images in the memory format that is fastest for convolutions."""
        inputs = self.normalise(images).to(self.dtype)
        return inputs.contiguous(memory_format=torch.channels_last)

    def call(self, function: Callable[..., Any], inputs: Variants) -> Any:
        """Call a function of normalised images in the classifier's precision.

        Every pass comes here. A model that was put in training mode after it was checked is
        refused, since a pass would change its batch statistics.
        """
        checks.check_mode(self.model)
        mixed = self.precision != torch.float32 and inputs.dtype == torch.float32
        with torch.autocast(inputs.device.type, self.precision, mixed):
            return checks.call_model(function, inputs)


def _standardise(images: Variants, mean: tuple[float, ...], std: tuple[float, ...]) -> Variants:
    centre, scale = (images.new_tensor(v).view(-1, 1, 1) for v in (mean, std))
    return torch.addcmul(-centre / scale, images, 1 / scale)  # one operation on the pixels
