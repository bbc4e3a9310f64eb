"""An image classifier as a function from pixels to scores and their input gradients."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unsee.classifiers import checks, detection, independence, labels, outputs, own_measures
from unsee.classifiers.chunked import RowFunction, Rows, map_chunks
from unsee.classifiers.measures import Logits, Measure, is_built_in, log_odds
from unsee.classifiers.model import PixelModel
from unsee.classifiers.outputs import Outputs
from unsee.classifiers.passes import (
    Features,
    as_numbers,
    predicted_class_gradient,
    synchronise,
    unwrapped,
)
from unsee.errors import InputError
from unsee.networks.stages import FeatureExtractor
from unsee.types import Images, Variants


@dataclass
class Classifier(PixelModel):
    """An image classifier in evaluation mode that takes pixels in [0, 1].

    Every pass through the network goes through this class, which handles normalisation, memory
    format, precision and batch size, and counts the passes. At most `chunk` images are in the
    network at a time, and fewer if memory does not suffice. The model is never changed: neither its
    mode nor its parameters, gradients, hooks, dtype or device.

    `dataclasses.replace` returns a classifier that counts into the same `passes`. It keeps the
    measured batch sizes unless the model or `chunk` changes.

    Raises:
        InputError: The model is in training mode, or a setting cannot be used.
    """

    def logits(self, images: Variants) -> Logits:
        """Run one forward pass over all images at once; differentiable in the images."""
        logits = self._forward(images)
        self.passes.forwards += len(images)
        return logits

    def _forward(self, images: Variants) -> Logits:
        """Run one forward pass that is not counted."""
        inputs = self.network_input(images)
        return self._as_logits(self.call(self.model, inputs), inputs)

    def _as_logits(self, output: Any, inputs: Variants) -> Logits:
        """Return the logits of a network's output; the first pass determines their kind."""
        numbers = as_numbers(output, inputs.shape[0])  # `len` would fix it in an exported graph
        columns = numbers.shape[1]
        if self.columns != columns:
            if not numbers.isfinite().all():  # reported with the image, and shows no kind
                return numbers if columns > 1 else numbers.expand(-1, 2)
            kind = self._kind_of(numbers.detach(), inputs)
            self.labels = labels.fitted(self.labels, columns, kind.classes(columns))
            self.determined, self.columns = (self.outputs, kind), columns
        return self.kind.logits(numbers)

    def _kind_of(self, numbers: Tensor, inputs: Variants) -> Outputs:
        """Return the kind of the model's first outputs; raise `InputError` if it is unclear."""
        if self.is_determined or isinstance(self.outputs, Outputs):
            return outputs.fitted(self.kind, numbers.shape[1])
        if self.outputs == "auto" and (stated := outputs.stated(self.model)):
            return outputs.fitted(stated, numbers.shape[1])

        def probe() -> Tensor:
            with torch.enable_grad(), torch.inference_mode(False):
                x = inputs[:1].detach().clone().requires_grad_()
                return self._numbers(x.clone())  # the model may change its input

        return detection.determine(self.outputs, numbers, probe if self.differentiable else None)

    def _numbers(self, inputs: Variants) -> Float[Tensor, "n columns"]:
        """Return the network's numbers for normalised images, not counted."""
        return as_numbers(self.call(self.model, inputs), len(inputs))

    @property
    def kind(self) -> Outputs:
        """Kind of the model's outputs; before the first pass, softmax unless it is set."""
        if self.determined and self.is_determined:
            return self.determined[1]
        return self.outputs if isinstance(self.outputs, Outputs) else Outputs.SOFTMAX

    @property
    def averaging_precision(self) -> torch.dtype:
        """Precision for methods that average many scores, see `sampling_precision`.

        Half precision rounds a value in proportion to its distance from 0, which may be far larger
        than its differences: a regression keeps `precision`.
        """
        rounds_too_much = self.kind is Outputs.REGRESSION
        return self.precision if rounds_too_much else self.sampling_precision or self.precision

    @property
    def is_determined(self) -> bool:
        """Whether a pass has determined the kind of the outputs."""
        return self.determined is not None and self.determined[0] == self.outputs

    def measure_of(self, measure: Measure) -> Measure:
        """Return what a measure, written for softmax, is for this model's outputs.

        Raises:
            InputError: The outputs do not have it, or may not be what a user's measure expects.
        """
        if self.columns == 1 and self.outputs == "auto" and not is_built_in(measure):
            raise InputError(
                "the model returns one number for each image; set outputs=regression if your "
                "measure takes that number (n, 1), or outputs=binary if it takes two logits (n, 2)"
            )
        return self.kind.measure(measure)

    def check_measure(self, measure: Measure, logits: Logits, targets: Int[Tensor, " n"]) -> None:
        """Raise `InputError` for a measure that does not fit the targets, or mixes images."""
        if hasattr(measure, "check"):
            measure.check(logits, targets)
        elif not is_built_in(own := self.measure_of(measure)):
            own_measures.check_rows(own, logits, targets)

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
            output, maps = self.call(extractor, inputs.clone())  # may be changed in place
            logits = self._as_logits(output, inputs)
            measure = self.kind.measure(log_odds) if gradient else log_odds
            by_input = predicted_class_gradient(logits, inputs, measure) if gradient else None
        self.passes.forwards += images.shape[0]
        self.passes.backwards += images.shape[0] * gradient
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
        checks.check_finite(logits)
        if self.outputs == "auto" and self.kind is Outputs.BINARY:
            detection.check_single(logits[:, 1])
        return logits

    def probabilities(self, images: Images) -> Float[Tensor, "b classes"]:
        """Return the probabilities of all classes, in chunks; raises as `predict` does."""
        logits = self.predict(images)
        return self.kind.probabilities(logits)

    def require_gradient(self, images: Images, method: str) -> None:
        """Raise `InputError`, naming `method`, if the outputs have no gradient by the images."""
        if not self.has_gradient:
            checks.check_gradient(self._forward if self.differentiable else None, images, method)
            self.has_gradient = True

    def require_own_rows(self, images: Images) -> None:
        """Raise `InputError` if an image's outputs depend on more than that image.

        Chance, earlier passes and the rest of the batch are tried, once; before any other pass, so
        that a model that is refused can get back what the passes changed. A black box, which may be
        slow, is not checked.
        """
        if self.differentiable and not self.has_own_rows:
            exact = independence.is_exact(self.model, self.precision)
            model = independence.Model(
                self.model, self.network_input, self._numbers, self.data_mean, images.device, exact
            )
            self.has_own_rows = independence.check(model, images[:1])

    def score(
        self, images: Images, targets: Int[Tensor, " b"], measure: Measure
    ) -> Float[Tensor, " b"]:
        """Score images in chunks; differentiable in the images."""

        def rows(x: Tensor, part: slice) -> Tensor:
            return self.score_chunk(x, targets[part], measure)

        values = self.map_chunks(rows, images, images)
        checks.check_finite(values)
        return values

    def score_chunk(
        self, images: Variants, targets: Int[Tensor, " n"], measure: Measure
    ) -> Float[Tensor, " n"]:
        """Score a single chunk of images."""
        logits = self.logits(images)
        own = self.measure_of(measure)
        if is_built_in(own):
            values = own(logits, targets)
        else:
            values = own_measures.call_measure(own, logits, targets)
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
            x = inputs.detach().to(self.dtype).requires_grad_(gradient)
            # a leaf of the graph may not be changed in place, as some networks do with their input
            output = self.call(self.model, x.clone() if gradient else x)
            if gradient:
                torch.autograd.grad(unwrapped(output).float().sum(), x)
        synchronise(inputs.device)

    def check(self, images: Images) -> None:
        """Raise `InputError` for images that this classifier cannot take."""
        checks.check_images(images, self.channels)

    def label(self, index: int) -> str:
        """Return the first synonym of a class, or its index if the class has no name."""
        return labels.name_of(self._names, index)

    def index(self, target: str | int) -> int:
        """Return the class index of a number or a name (any synonym, in any case)."""
        return labels.index_of(self._names, target)

    @property
    def _names(self) -> tuple[str, ...]:
        """Class names; a single one is that of class 1, also before the first pass."""
        kind = self.outputs if isinstance(self.outputs, Outputs) else outputs.stated(self.model)
        if self.columns or len(self.labels) != 1 or kind is Outputs.REGRESSION:
            return self.labels
        return labels.fitted(self.labels, 1, 2)

    def settings(self) -> dict[str, Any]:
        """Return the settings as plain values, for provenance."""
        kind = type(self.model)
        return {
            "name": self.name or f"{kind.__module__}.{kind.__qualname__}",
            "mean": list(self.mean),
            "std": list(self.std),
            "data_mean": list(self.data_mean),
            "data_std": list(self.data_std),
            "framing": {**asdict(self.framing), "size": list(self.framing.size)},
            "precision": str(self.precision).removeprefix("torch."),
            "sampling_precision": str(self.averaging_precision).removeprefix("torch."),
            "outputs": str(self.kind if self.is_determined else self.outputs),
            "chunk": self.batch_sizes.in_use or self.chunk,
        }
