"""Stable Diffusion and SDXL in-painting, without a prompt."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from unsee.errors import InputError
from unsee.infillers._generative import Generative, Network, hard, resized
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.types import FlatKeep, Variants

__all__ = ["Diffusion"]


@dataclass(frozen=True)
class Diffusion(Generative):
    """Any in-painting pipeline of diffusers (extra: diffusion): Stable Diffusion, SDXL, yours.

    No prompt and no guidance: what the picture itself suggests. With `samples`, the masks of an
    image take several answers in turn.
    """

    least: ClassVar[int] = 64

    weights: str = "stable-diffusion-v1-5/stable-diffusion-inpainting"
    """Folder of a pipeline, or its name on the Hugging Face hub."""
    steps: int = 20
    """Of the sampler."""
    samples: int = 1
    """Different answers for an image's masks."""
    side: int = 512
    """Side at which it paints, a multiple of 8 (Stable Diffusion 1 and 2: 512, SDXL: 1024)."""

    def __post_init__(self) -> None:
        if self.side < self.least or self.side % 8 or self.steps < 1 or self.samples < 1:
            raise InputError(
                f"diffusion: expected a side of at least {self.least} and a multiple of 8, steps "
                f"and samples of at least 1, got {self.side}, {self.steps}, {self.samples}"
            )

    def load(self) -> Network:
        """The pipeline, in half precision where there is a GPU."""
        try:
            from diffusers import AutoPipelineForInpainting
        except (ImportError, RuntimeError) as error:
            raise InputError(
                f"diffusion needs diffusers: python -m pip install diffusers transformers ({error})"
            ) from error
        try:
            pipeline = AutoPipelineForInpainting.from_pretrained(self.weights)
        except (OSError, ValueError) as error:
            raise InputError(
                f"cannot load the pipeline {self.weights!r}: {str(error).splitlines()[0]}"
            ) from error
        if torch.cuda.is_available():
            pipeline.to(torch.float16)
        pipeline.set_progress_bar_config(disable=True)
        if getattr(pipeline, "safety_checker", None) is not None:
            pipeline.safety_checker = None  # it blackens pictures
        return pipeline

    def paint(
        self, network: Any, shown: Variants, keep: FlatKeep, rows: RowIndex, scene: ImageBatch
    ) -> Variants:
        """At its own side; each answer's noise depends on its image and sample alone."""
        size, own = (shown.shape[-2], shown.shape[-1]), (self.side, self.side)
        seen = hard(keep, own)
        pairs = zip(rows.image.tolist(), rows.variant.tolist(), strict=True)
        noise = [
            torch.Generator("cpu").manual_seed(scene.random.seeds[i] + k % self.samples)
            for i, k in pairs
        ]
        painted: Variants = network(
            prompt=[""] * len(shown), image=resized(shown, own) * seen, mask_image=1 - seen,
            height=self.side, width=self.side, num_inference_steps=self.steps,
            guidance_scale=1.0, strength=1.0, generator=noise, output_type="pt",
        ).images  # fmt: skip
        return resized(painted.to(shown), size)
