"""Image classifiers of transformers."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor, nn

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.labels import with_synonyms
from unsee.classifiers.outputs import OF_PROBLEM, Outputs, OutputsName
from unsee.errors import InputError
from unsee.sources._downloads import check_no_kernels, download, optional_import
from unsee.sources._measured import measure
from unsee.sources._numbered import in_order
from unsee.sources._weights import check_complete
from unsee.sources.base import Source
from unsee.storage.files import exists

__all__ = ["Transformers"]

DEPTH = re.compile("layer|depth|block|stage|repeat")
"""Words in the names of settings that are numbers of layers."""
MAX_DEPTH = 10_000
"""Number of layers of the deepest network."""


@dataclass(frozen=True)
class Transformers(Source):
    """An image classifier of transformers, by hub name or folder (requires transformers).

    The checkpoint's image processor is measured on test pictures and repeated: within 1e-2 in
    normalised units, on average over a smooth picture. A processor that cannot be repeated is
    refused, and so is a checkpoint without the weights of its head. Code of a checkpoint is not
    run.
    """

    argument: ClassVar[str] = "NAME_OR_FOLDER"

    outputs: OutputsName = "auto"
    """Kind of the model's outputs; `auto` takes the `problem_type` of its configuration, or logits
    of classes without one."""

    def load(self, argument: str) -> Classifier:
        """Load the model, its image processor and its labels."""
        with optional_import("transformers"):
            from transformers import (
                AutoConfig,
                AutoImageProcessor,
                AutoModelForImageClassification,
                PretrainedConfig,
            )
        name = f"transformers:{argument}"
        with download(name, local=exists(argument)):
            check_no_kernels(PretrainedConfig.get_config_dict(argument)[0], name)
            _check_size(AutoConfig.from_pretrained(argument, trust_remote_code=False))
            model, loaded = AutoModelForImageClassification.from_pretrained(
                argument, trust_remote_code=False, output_loading_info=True
            )
            processor = AutoImageProcessor.from_pretrained(argument, trust_remote_code=False)
            check_complete(name, loaded["missing_keys"])
            seen = measure(_process(processor), getattr(model.config, "num_channels", 3), name)
        names = in_order(model.config.id2label or {}, "id2label", name)
        model = model.float()  # checkpoints in half precision are read as such
        return Classifier(
            (_BlueFirst(model) if seen.reverse else model).eval(),
            mean=seen.mean,
            std=seen.std,
            framing=seen.framing,
            labels=with_synonyms(names),
            outputs=_outputs(model.config, name) if self.outputs == "auto" else self.outputs,
            name=name,
        )


def _outputs(config: Any, name: str) -> Outputs:
    """Return the kind of outputs that a configuration names; raise `InputError` if unclear."""
    kind = OF_PROBLEM.get(getattr(config, "problem_type", None) or "")
    if kind is None and config.num_labels == 1:
        raise InputError(
            f"{name}: a single output, and a configuration without problem_type; "
            "set outputs=regression or outputs=binary"
        )
    return kind or Outputs.SOFTMAX


def _check_size(config: Any) -> None:
    """Raise `InputError` for more layers than a network has; making them would take for ever."""
    for key, value in config.to_dict().items():
        for number in value if isinstance(value, list) else [value]:
            if DEPTH.search(key) and isinstance(number, int | float) and number > MAX_DEPTH:
                raise InputError(f"its configuration has {key} = {number:.6g}, above {MAX_DEPTH}")


def _process(processor: Any) -> Any:
    """Return the function from a picture to the pixels that an image processor makes of it."""

    def process(picture: Image.Image) -> Tensor:
        output = processor(images=picture, return_tensors="pt")
        if "pixel_values" not in output:
            kinds = ", ".join(output)
            raise InputError(f"{type(processor).__name__} returns {kinds} in place of pixel_values")
        return torch.as_tensor(output["pixel_values"])[0]

    return process


class _BlueFirst(nn.Module):
    """A network that takes the channels in the order blue, green, red, for the usual order."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Any:
        """Reverse the channels and run the network."""
        return self.network(images.flip(1))
