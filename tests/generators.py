"""Tiny stand-ins for published weights: real files of each kind, with a network that blurs."""

import tempfile
import warnings
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unsee.registry import create, part

FOLDER = Path(tempfile.mkdtemp(prefix="unsee-weights-"))


class Smear(nn.Module):
    """Fills a hole with a mean of what is near, like a very bad generator."""

    def forward(self, image: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        near = F.avg_pool2d(image * (1 - hole), 9, 1, 4)
        share = F.avg_pool2d(1 - hole, 9, 1, 4)
        return near / share.clamp(min=0.05)


@cache
def torchscript() -> str:
    path = FOLDER / "smear.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # published weights are in it
        torch.jit.save(torch.jit.script(Smear()), str(path))
    return str(path)


@cache
def onnx_file() -> str:
    """Two blurs of the visible picture, by hand: exporting needs more than the tests have."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel = torch.ones(3, 1, 9, 9).numpy()
    nodes = [
        helper.make_node("Sub", ["one", "hole"], ["keep"]),
        helper.make_node("Mul", ["image", "keep"], ["shown"]),
        helper.make_node("Conv", ["shown", "kernel"], ["near"], group=3, pads=[4, 4, 4, 4]),
        helper.make_node("Conv", ["keep", "kernel1"], ["count"], pads=[4, 4, 4, 4]),
        helper.make_node("Max", ["count", "one"], ["least"]),
        helper.make_node("Div", ["near", "least"], ["painted"]),
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
    """A Stable Diffusion in-painting pipeline of a few thousand random weights."""
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
    made = StableDiffusionInpaintPipeline(
        vae=vae, unet=unet, scheduler=scheduler, text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer, safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    made.save_pretrained(FOLDER / "pipeline")
    return str(FOLDER / "pipeline")


STAND_INS = {"lama": torchscript, "onnx": onnx_file, "diffusion": pipeline}
SMALL = {"side": 0, "steps": 2}
"""Settings with which a generator paints quickly; diffusion has a side of its own."""


def small_infiller(name: str):
    """The in-filler, with weights where it needs some: random ones, or a stand-in's."""
    known = dict.fromkeys(part("infillers", name).__dataclass_fields__, True)
    settings = {key: value for key, value in SMALL.items() if key in known}
    if "weights" in known:
        settings["weights"] = STAND_INS[name]() if name in STAND_INS else "random"
    if name == "diffusion":
        settings["side"] = 64
    return create("infillers", name, **settings)
