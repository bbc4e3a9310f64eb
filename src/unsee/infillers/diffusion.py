"""Diffusion models for in-painting."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from unsee.errors import InputError, missing_package
from unsee.infillers._generative import GenerativeInfiller, Network, resize_mask, resize_pictures
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.sources._downloads import check_no_kernels, download
from unsee.storage.files import read_json
from unsee.types import FlatKeep, Variants

__all__ = ["Diffusion"]

LIBRARIES = {"diffusers", "transformers", "stable_diffusion", "None"}
"""Libraries of a pipeline's parts; the third is a part of diffusers."""


@dataclass(frozen=True)
class Diffusion(GenerativeInfiller):
    """A sample of an in-painting pipeline of diffusers: Stable Diffusion, SDXL or your own.

    Depends on the mask; random, with `samples` different results for the masks of an image. There
    is no prompt and no guidance. Slow: it needs a GPU. Extra: diffusion.

    Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", CVPR 2022,
    https://arxiv.org/abs/2112.10752.
    """

    libraries: ClassVar[tuple[str, ...]] = ("diffusers",)

    min_side: ClassVar[int] = 64

    weights: str = "stable-diffusion-v1-5/stable-diffusion-inpainting"
    """Folder of a pipeline, or its name on the Hugging Face hub."""
    steps: int = 20
    """Number of denoising steps."""
    samples: int = 1
    """Number of different results, which the masks of an image get in turn."""
    side: int = 512
    """Side in pixels at which the pipeline runs, a multiple of 8 (Stable Diffusion 1 and 2: 512,
    SDXL: 1024)."""

    def __post_init__(self) -> None:
        if self.side < self.min_side or self.side % 8 or self.steps < 1 or self.samples < 1:
            raise InputError(
                f"diffusion: expected a side of at least {self.min_side} and a multiple of 8, "
                "steps and samples of at least 1, "
                f"got {self.side}, {self.steps}, {self.samples}"
            )

    def load(self) -> Network:
        """Load the pipeline, in half precision if there is a GPU."""
        try:
            from diffusers import AutoPipelineForInpainting
        except (ImportError, RuntimeError) as error:
            raise missing_package("diffusers", "the in-filler diffusion", error) from error
        folder = Path(self.weights)
        if folder.is_dir():
            _check_plain(folder)
        with download(f"the pipeline {self.weights}", local=folder.is_dir()):
            pipeline = AutoPipelineForInpainting.from_pretrained(
                self.weights, trust_remote_code=False
            )
        if torch.cuda.is_available():
            pipeline.to(torch.float16)
        pipeline.set_progress_bar_config(disable=True)
        if getattr(pipeline, "safety_checker", None) is not None:
            pipeline.safety_checker = None  # it replaces pictures by black ones
        return pipeline

    def paint(
        self, network: Any, pictures: Variants, keep: FlatKeep, rows: RowIndex, batch: ImageBatch
    ) -> Variants:
        """Fill at `side`; the noise depends on the image and the sample only."""
        size, network_size = (pictures.shape[-2], pictures.shape[-1]), (self.side, self.side)
        visible = resize_mask(keep, network_size)
        pairs = zip(rows.image.tolist(), rows.variant.tolist(), strict=True)
        generators = [
            torch.Generator("cpu").manual_seed(batch.random.seeds[i] + k % self.samples)
            for i, k in pairs
        ]
        painted: Variants = network(
            prompt=[""] * len(pictures), image=resize_pictures(pictures, network_size) * visible,
            mask_image=1 - visible, height=self.side, width=self.side,
            num_inference_steps=self.steps, guidance_scale=1.0, strength=1.0,
            generator=generators, output_type="pt",
        ).images  # fmt: skip
        return resize_pictures(painted.to(pictures), size)


def _check_plain(folder: Path) -> None:
    """Raise `InputError` for the folder of a pipeline that brings or names code of its own."""
    index = read_json(folder / "model_index.json", "pipeline")
    # a part without a folder of its own is read from that of the pipeline
    for path in (*folder.glob("config.json"), *folder.glob("*/config.json")):
        check_no_kernels(read_json(path), path)
    parts = index.values() if isinstance(index, dict) else ()
    libraries = {str(part[0]) for part in parts if isinstance(part, list) and part}
    other = sorted(libraries - LIBRARIES) + [path.name for path in sorted(folder.rglob("*.py"))]
    if not isinstance(index, dict) or not isinstance(index.get("_class_name"), str):
        other.append("model_index.json")
    if other:
        raise InputError(
            f"{folder}: a pipeline of diffusers that needs code of its own, which is never run "
            f"({', '.join(other)})"
        )
