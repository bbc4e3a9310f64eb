"""In-fillers with small or stand-in weights, and masks for them.

The stand-ins are real files of each published kind, with a network that blurs.
"""

import tempfile
import warnings
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unsee.infillers.base import ImageBatch, RowIndex
from unsee.noise import ImageRandom
from unsee.registry import create, part

SIZE = 48
"""Side of the pictures of the contract tests in pixels."""
FOLDER = Path(tempfile.mkdtemp(prefix="unsee-weights-"))


def holes() -> torch.Tensor:
    """Return three masks for each of two images: a box, cells, and all but a small square."""
    keep = torch.ones(2, 3, 1, SIZE, SIZE)
    keep[0, 0, :, 10:30, 12:26] = 0
    keep[1, 0, :, 20:40, 5:45] = 0
    cells = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(1)) > 0.5
    keep[:, 1] = cells.float().repeat_interleave(8, -1).repeat_interleave(8, -2)
    keep[:, 2] = 0
    keep[:, 2, :, 16:32, 16:32] = 1
    return keep


def fill(infiller, pictures, keep, seeds=(5, 6), step=0):
    """Return the backgrounds (b * k, c, h, w) of pictures for masks (b, k, 1, h, w)."""
    neutral = torch.full(pictures.shape[1:2], 0.4)
    batch = ImageBatch(pictures, neutral, ImageRandom(seeds, pictures.device))
    b, k = keep.shape[:2]
    row = torch.arange(b * k)
    return infiller.bind(batch)(keep.flatten(0, 1), RowIndex(row // k, row % k, step))


class NeighbourMean(nn.Module):
    """Fill a hole with the mean of the visible pixels nearby, like a very bad generator."""

    def forward(self, image: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        mean = F.avg_pool2d(image * (1 - hole), 9, 1, 4)
        share = F.avg_pool2d(1 - hole, 9, 1, 4)
        return mean / share.clamp(min=0.05)


@cache
def torchscript() -> str:
    path = FOLDER / "smear.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # LaMa is published in this format
        torch.jit.save(torch.jit.script(NeighbourMean()), str(path))
    return str(path)


@cache
def onnx_file() -> str:
    """Write `NeighbourMean` node by node: exporting needs a package that the tests do not need."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel = torch.ones(3, 1, 9, 9).numpy()
    nodes = [
        helper.make_node("Sub", ["one", "hole"], ["keep"]),
        helper.make_node("Mul", ["image", "keep"], ["shown"]),
        helper.make_node("Conv", ["shown", "kernel"], ["near"], group=3, pads=[4, 4, 4, 4]),
        helper.make_node("Conv", ["keep", "kernel1"], ["count"], pads=[4, 4, 4, 4]),
        helper.make_node("Max", ["count", "one"], ["divisor"]),
        helper.make_node("Div", ["near", "divisor"], ["painted"]),
    ]
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"]),
        helper.make_tensor_value_info("hole", TensorProto.FLOAT, ["n", 1, "h", "w"]),
    ]
    output = helper.make_tensor_value_info("painted", TensorProto.FLOAT, ["n", 3, "h", "w"])
    constants = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(kernel[:1], "kernel1"),
        numpy_helper.from_array(torch.ones(1).numpy(), "one"),
    ]
    graph = helper.make_graph(nodes, "smear", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = FOLDER / "smear.onnx"
    onnx.save(model, path)
    return str(path)


@cache
def pipeline() -> str:
    """Save a Stable Diffusion in-painting pipeline with a few thousand random weights."""
    pytest.importorskip("diffusers", exc_type=(ImportError, RuntimeError))
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionInpaintPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    words = FOLDER / "vocabulary"
    words.mkdir(exist_ok=True)
    (words / "vocab.json").write_text('{"<|startoftext|>": 0, "<|endoftext|>": 1, "a</w>": 2}')
    (words / "merges.txt").write_text("#version: 0.2\n")
    text = CLIPTextConfig(
        vocab_size=3, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=2, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        block_out_channels=(8, 8), layers_per_block=1, sample_size=8, in_channels=9,
        out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=8,
        attention_head_dim=4, norm_num_groups=4,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, norm_num_groups=4,
    )  # fmt: skip
    scheduler = DDIMScheduler(steps_offset=1, clip_sample=False)
    tokenizer = CLIPTokenizer(
        str(words / "vocab.json"), str(words / "merges.txt"), model_max_length=77
    )
    saved = StableDiffusionInpaintPipeline(
        vae=vae, unet=unet, scheduler=scheduler, text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer, safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    saved.save_pretrained(FOLDER / "pipeline")
    return str(FOLDER / "pipeline")


STAND_INS = {"lama": torchscript, "onnx": onnx_file, "diffusion": pipeline}
SMALL = {"side": None, "steps": 2}
"""Settings with which a generator is fast."""


def small_infiller(name: str):
    """Return an in-filler that is fast, with random or stand-in weights if it needs weights."""
    fields = part("infillers", name).__dataclass_fields__
    settings = {key: value for key, value in SMALL.items() if key in fields}
    if "weights" in fields:
        settings["weights"] = STAND_INS[name]() if name in STAND_INS else "random"
    if "trust" in fields:
        settings["trust"] = True
    if name == "imagined":
        settings["by"] = "painter:weights=random"
    if name == "diffusion":
        settings["side"] = 64
    return create("infillers", name, **settings)
