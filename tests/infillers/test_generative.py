"""Common behaviour of generative in-fillers: weights, samples, sizes and channels."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.generators import SIZE, fill, holes, onnx_file, small_infiller, torchscript
from unsee import InputError, create
from unsee.infillers._generative import GenerativeInfiller
from unsee.infillers.diffusion import _check_plain
from unsee.infillers.lama import LaMa
from unsee.networks.completion import CompletionVAE
from unsee.networks.painter import Painter
from unsee.noise import ImageRandom


@pytest.mark.parametrize(
    ("name", "network"), [("painter", Painter()), ("vae", CompletionVAE(16, 8))]
)
def test_stored_weights_give_the_network_back(tmp_path, pictures, keep, name, network) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(network.state_dict(), path)
    infiller = create("infillers", name, weights=str(path))
    filled = fill(infiller, pictures, keep)
    flat = keep.flatten(0, 1)
    shown = pictures.repeat_interleave(2, 0)
    noise = []
    if name == "painter":
        random = ImageRandom((5, 6), pictures.device)
        samples = random.normal(0, 1, *network.noise_shape((40, 48)), stream=name)
        noise = [samples[:, 0].repeat_interleave(2, 0)]
    with torch.no_grad():
        painted = network.eval()(shown * flat, flat, *noise).clamp(0, 1)
        torch.testing.assert_close(filled, painted.where(flat == 0, shown))


@pytest.mark.parametrize("name", ["painter", "vae"])
def test_samples_differ_between_masks_and_repeat(pictures, keep, name) -> None:
    same = keep[:, :1].expand(-1, 2, -1, -1, -1)
    first, second = fill(small_infiller(name), pictures, same).view(2, 2, 3, 40, 48).unbind(1)
    assert torch.equal(first, second)
    sampling = create("infillers", name, weights="random", samples=2)
    first, second = fill(sampling, pictures, same).view(2, 2, 3, 40, 48).unbind(1)
    assert not torch.equal(first, second)
    assert torch.equal(first, fill(sampling, pictures, same).view(2, 2, 3, 40, 48)[:, 0])


@pytest.mark.parametrize("name", ["painter", "vae"])
def test_zero_samples_are_refused(name) -> None:
    with pytest.raises(InputError, match="samples from 1 to 10000, got 0"):
        create("infillers", name, samples=0)


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("deepfill1", "JiahuiYu/generative_inpainting"),
        ("lama", "releases/download/add_big_lama"),
        ("vae", "unsee train vae"),
    ],
)
def test_missing_weights_name_their_origin(tmp_path, monkeypatch, name, origin) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=rf"no weights.*{origin}"):
        create("infillers", name).load()
    with pytest.raises(InputError, match=rf"no such file.*{origin}"):
        create("infillers", name, weights=str(tmp_path / "nowhere.pt")).load()


def test_unreadable_weights_are_refused(tmp_path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"not a tensor in sight")
    with pytest.raises(InputError, match="not a TorchScript of LaMa"):
        create("infillers", "lama", weights=str(path), trust=True).load()
    with pytest.raises(InputError, match="not a model that onnxruntime can open"):
        create("infillers", "onnx", weights=str(path)).load()


def test_unsupported_sizes_and_channels_are_refused(pictures, keep) -> None:
    infiller = small_infiller("painter")
    with pytest.raises(InputError, match="at least 16 pixels"):
        fill(infiller, pictures[..., :12, :12], keep[..., :12, :12])
    with pytest.raises(InputError, match="1 or 3 channels, got 2"):
        fill(infiller, pictures[:, :2], keep)
    with pytest.raises(InputError, match="expected masks"):
        fill(infiller, pictures, keep[..., :20, :20])


def test_grey_images_stay_grey(pictures, keep) -> None:
    filled = fill(small_infiller("deepfill2"), pictures[:, :1], keep)
    assert filled.shape == (4, 1, 40, 48)
    assert torch.equal(filled[0][keep[0, 0] > 0], pictures[0, :1][keep[0, 0] > 0])


@pytest.mark.parametrize(("name", "weights"), [("lama", torchscript), ("onnx", onnx_file)])
def test_external_networks_fill_the_hole(name, weights) -> None:
    trust = {"trust": True} if name == "lama" else {}
    picture = torch.full((1, 3, 40, 40), 0.2)
    picture[:, 0] = 0.8
    keep = torch.ones(1, 1, 1, 40, 40)
    keep[..., 18:22, 18:22] = 0
    picture[..., 18:22, 18:22] = 0
    infiller = create("infillers", name, weights=weights(), **trust)
    filled = fill(infiller, picture, keep, seeds=(1,))[0]
    expected = torch.tensor([0.8, 0.2, 0.2])
    torch.testing.assert_close(filled[:, 19, 19], expected, atol=0.01, rtol=0.01)


def test_torchscript_is_loaded_only_if_it_is_published_or_trusted(tmp_path, monkeypatch) -> None:
    path = Path(torchscript())
    with pytest.raises(InputError, match="can run any code when it is loaded; set trust=True"):
        create("infillers", "lama", weights=str(path)).load()
    assert create("infillers", "lama", weights=str(path), trust=True).load()
    digest = "md5:" + hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setattr(LaMa, "published", replace(LaMa.published, digest=digest))
    assert create("infillers", "lama", weights=str(path)).load()


@pytest.mark.parametrize("part", [".", "text_encoder"])
def test_pipelines_that_name_compiled_code_of_a_hub_are_refused(part, tmp_path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    _check_plain(tmp_path)
    (tmp_path / part).mkdir(exist_ok=True)
    (tmp_path / part / "config.json").write_text('{"attn_implementation": "owner/code"}')
    with pytest.raises(InputError, match="names compiled code of a hub"):
        _check_plain(tmp_path)


class NotFinite(GenerativeInfiller):
    """Returns no numbers where pixels are visible."""

    def load(self):
        return torch.nn.Identity()

    def paint(self, network, pictures, keep, rows, batch):
        return torch.where(keep > 0, torch.nan, torch.full_like(pictures, 0.5))


def test_visible_pixels_are_those_of_the_picture_whatever_a_generator_returns_there() -> None:
    pictures, keep = torch.rand(2, 3, SIZE, SIZE), holes()
    filled = fill(NotFinite(), pictures, keep).reshape(2, 3, 3, SIZE, SIZE)
    assert torch.equal(filled, torch.where(keep > 0, pictures[:, None], 0.5))
