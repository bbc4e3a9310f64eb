"""A network seen as a function from pixels to scores, with cheap input gradients."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unsee.classifiers.batch_size import Chunks
from unsee.classifiers.chunked import RowFunction, Rows, map_chunks
from unsee.classifiers.measures import Logits, Measure
from unsee.errors import InputError, unknown
from unsee.images.framing import Framing
from unsee.types import Images, Variants

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


HALF = ("avx512_bf16", "amx_tile")
"""Instructions of a CPU that work on bfloat16."""


@dataclass
class Passes:
    """How many images went through the network."""

    forwards: int = 0
    backwards: int = 0


@dataclass
class Classifier:
    """An image classifier in evaluation mode, taking pixels in [0, 1].

    This is the only place that knows about normalisation, precision, memory format and memory: at
    most `chunk` images are in the network at a time, however many are asked for, and fewer where
    memory does not suffice. The model is never changed: not its mode, parameters, gradients, hooks,
    dtype or device.

    Raises `InputError` for a model in training mode.
    """

    model: Callable[..., Any]
    """A module, or any function, from normalised images (n, c, h, w) to logits (n, classes)."""
    mean: tuple[float, ...] = IMAGENET_MEAN
    """Of each channel, in [0, 1]; subtracted before the network. Its length is the channels."""
    std: tuple[float, ...] = IMAGENET_STD
    """Of each channel; divided by before the network."""
    framing: Framing = Framing()
    """How a photo becomes an input."""
    labels: tuple[str, ...] = ()
    """Names of the classes, in the order of the logits; synonyms are separated by commas."""
    name: str = ""
    """How to load it again, if it came from a source."""
    data_mean: tuple[float, ...] = ()
    """The data's mean colour, the papers' "zero" and "grey"; the same as `mean` unless given."""
    data_std: tuple[float, ...] = ()
    """The data's deviation, the papers' unit of noise; the same as `std` unless given."""
    differentiable: bool = True
    """False for a black box: methods that need gradients will say so."""
    chunk: int = 0
    """Images in the network at a time; 0 measures what is fastest, once for each device, network
    and shape of image."""
    precision: torch.dtype = torch.float32
    """bfloat16 or float16 turn on mixed precision."""
    averaging: torch.dtype | None = None
    """Precision for methods whose map is an average over so many scores that rounding is not seen
    in it; None takes the same for all."""
    passes: Passes = field(default_factory=Passes, init=False, repr=False)
    """What was spent so far."""
    chunks: Chunks = field(init=False, repr=False)
    """What was measured so far."""

    def __post_init__(self) -> None:
        modules = self.model.modules() if isinstance(self.model, nn.Module) else ()
        if any(module.training for module in modules):
            raise InputError("the model is in training mode; call model.eval() first")
        if len(self.mean) != len(self.std):
            raise InputError(f"mean has {len(self.mean)} channels, std {len(self.std)}")
        self.data_mean, self.data_std = self.data_mean or self.mean, self.data_std or self.std
        self.chunks = Chunks(self.chunk)

    @property
    def channels(self) -> int:
        """Of the images that it takes."""
        return len(self.mean)

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        if isinstance(self.model, nn.Module):
            for tensor in (*self.model.parameters(), *self.model.buffers()):
                return tensor.device
        return torch.device("cpu")

    def normalise(self, images: Variants) -> Variants:
        """From pixels in [0, 1] to what the network was trained on."""
        return _standardise(images, self.mean, self.std)

    def standardise(self, images: Variants) -> Variants:
        """In the units in which papers measure noise and edges: zero mean, unit deviation."""
        return _standardise(images, self.data_mean, self.data_std)

    def at(self, precision: torch.dtype) -> "Classifier":
        """The same classifier at another precision; passes are counted together."""
        found = replace(self, precision=precision)
        found.passes = self.passes
        return found

    def logits(self, images: Variants) -> Logits:
        """One forward pass, all at once; differentiable with respect to the images."""
        logits = self._network(images)
        self.passes.forwards += len(images)
        return logits

    def _network(self, images: Variants) -> Logits:
        """What the network says, uncounted."""
        x = self.normalise(images).contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, self.precision, self.precision != torch.float32):
            output = self.model(x)
        output = unwrapped(output)
        if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != len(images):
            what = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise InputError(f"expected logits ({len(images)}, classes) from the model, got {what}")
        return output.float()

    def predict(self, images: Images) -> Logits:
        """Logits without gradients, in chunks; refuses what is not finite."""
        self.check(images)
        with torch.no_grad():
            logits = self.map_chunks(lambda some, part: self.logits(some), images, images)
        if not logits.isfinite().all():
            raise InputError(
                "the model answers NaN or infinity; check its weights, mean, std and precision"
            )
        return logits

    def score(
        self, images: Images, targets: Int[Tensor, " b"], measure: Measure
    ) -> Float[Tensor, " b"]:
        """Score images in chunks; differentiable with respect to the images."""

        def rows(x: Tensor, part: slice) -> Tensor:
            return self.measured(x, targets[part], measure)

        return self.map_chunks(rows, images, images)

    def map_chunks(self, function: RowFunction, rows: Rows, like: Images) -> Float[Tensor, "n ..."]:
        """A function of `rows` that puts images like these into the network, chunk by chunk."""
        gradient = rows.requires_grad and torch.is_grad_enabled()
        chunk = self.at_a_time(like, len(rows), gradient=gradient)

        def fits(size: int) -> None:
            if size < chunk:
                self.chunks.found[self._key(like, gradient)] = size

        return map_chunks(function, rows, chunk, fits)

    def at_a_time(self, like: Images, wanted: int, *, gradient: bool = False) -> int:
        """How many of `wanted` images like these go through the network at a time."""

        def seconds(count: int) -> float:
            x = torch.zeros(count, *like.shape[1:], device=like.device, dtype=like.dtype)
            synchronise(like.device)
            start = time.perf_counter()
            with torch.set_grad_enabled(gradient):
                x = x.requires_grad_(gradient)
                output = self._network(x)
                if gradient:
                    torch.autograd.grad(output.sum(), x)
            synchronise(like.device)
            return time.perf_counter() - start

        can = isinstance(self.model, nn.Module) and not (gradient and not self.differentiable)
        key = self._key(like, gradient)
        return self.chunks.size(key, like.device.type, wanted, seconds if can else None)

    def _key(self, like: Images, gradient: bool) -> str:
        """All that a chunk's size depends on."""
        size = "x".join(map(str, like.shape[1:]))
        way = "backward" if gradient else "forward"
        threads = torch.get_num_threads()
        return f"{self._kind} {size} {self.precision} {threads} {torch.__version__} {way}"

    @cached_property
    def _kind(self) -> str:
        """The network and what it runs on."""
        module = self.model if isinstance(self.model, nn.Module) else nn.Identity()
        count, device = sum(p.numel() for p in module.parameters()), self.device
        chip = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return f"{type(module).__name__} {count} {chip}"

    def measured(
        self, images: Variants, targets: Int[Tensor, " n"], measure: Measure
    ) -> Float[Tensor, " n"]:
        """The measure of a single chunk of images."""
        values = measure(self.logits(images), targets)
        if torch.is_grad_enabled():
            self.passes.backwards += len(images)
        return values

    def check(self, images: Images) -> None:
        """Raise `InputError` for images that this classifier cannot take."""
        if images.ndim != 4 or images.shape[1] != self.channels:
            raise InputError(
                f"expected images (b, {self.channels}, h, w), got {tuple(images.shape)}; "
                "the classifier's mean and std say how many channels there are"
            )
        if images.numel() == 0:
            raise InputError(f"expected at least one image, got {tuple(images.shape)}")
        low, high = images.min().item(), images.max().item()
        if not (low >= 0 and high <= 1):
            raise InputError(
                f"expected pixels in [0, 1], got [{low:.3g}, {high:.3g}]; "
                "normalisation happens inside, with mean= and std="
            )

    def label(self, index: int) -> str:
        """The class's name, its first synonym; its number where there are no names."""
        return self.labels[index].split(",")[0] if index < len(self.labels) else str(index)

    def index(self, target: str | int) -> int:
        """The class that a number or a name (any synonym, any case) stands for."""
        if isinstance(target, int) or target.lstrip("-").isdigit():
            if not 0 <= int(target) < (len(self.labels) or int(target) + 1):
                raise InputError(f"class {target} is not in 0..{len(self.labels) - 1}")
            return int(target)
        if not self.labels:
            raise InputError(f"this classifier has no class names; give a number, not {target!r}")
        synonyms = [
            (word.strip(), index)
            for index, label in enumerate(self.labels)
            for word in (label, *label.split(","))
        ]
        found = sorted({index for word, index in synonyms if word.lower() == target.lower()})
        if len(found) > 1:
            raise InputError(f"{target!r} names classes {found}; give the number")
        if not found:
            raise unknown("class", target, dict.fromkeys(w for w, _ in synonyms if "," not in w))
        return found[0]

    def settings(self) -> dict[str, Any]:
        """How it sees, as plain values, for provenance."""
        kind = type(self.model)
        return {
            "name": self.name or f"{kind.__module__}.{kind.__qualname__}",
            "mean": list(self.mean),
            "std": list(self.std),
            "data_mean": list(self.data_mean),
            "data_std": list(self.data_std),
            "framing": {**asdict(self.framing), "size": list(self.framing.size)},
            "precision": str(self.precision).removeprefix("torch."),
            "averaging": str(self.averaging or self.precision).removeprefix("torch."),
            "chunk": self.chunk or self.chunks.used,
        }


def unwrapped(output: Any) -> Any:
    """The logits of a network's answer; transformers wrap theirs."""
    return getattr(output, "logits", output)


def half_precision(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the device has instructions for it; None where it would only be slower."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else None
    if device.type == "cpu":
        known = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in HALF)
        return torch.bfloat16 if any(ask and ask() for ask in known) else None
    return None


def synchronise(device: torch.device) -> None:
    """Wait until a GPU is done; only for taking times."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _standardise(images: Variants, mean: tuple[float, ...], std: tuple[float, ...]) -> Variants:
    centre, scale = (images.new_tensor(v).view(-1, 1, 1) for v in (mean, std))
    return torch.addcmul(-centre / scale, images, 1 / scale)  # in one go over the pixels
