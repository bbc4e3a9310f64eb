"""Generators: real files of weights, and what is said when they are wrong."""

import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from skimage.data import chelsea

from tests.contracts.test_infillers import fill
from tests.generators import onnx_file, small_infiller, torchscript
from tests.tensorflow_writer import write
from unsee import InputError, create
from unsee.networks import tensorflow
from unsee.networks import weights as files
from unsee.networks.completion import CompletionVAE
from unsee.networks.deepfill import DeepFill, attend, names, nearest, same
from unsee.networks.painter import Painter

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 40, 48, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def keep():
    keep = torch.ones(2, 2, 1, 40, 48)
    keep[0, 0, :, 8:24, 8:30] = 0
    keep[1, 0, :, 20:36, 5:20] = 0
    keep[:, 1, :, :, 30:] = 0
    return keep


def published(version: int, width: int = 0) -> dict[str, np.ndarray]:
    """All variables of a checkpoint of the published code, with random values."""
    g = np.random.default_rng(version)
    made = {}
    state = DeepFill(version, width).state_dict()
    for theirs, ours in names(version):
        shape = tuple(state[ours].shape)
        shape = (*shape[2:], shape[1], shape[0]) if theirs.endswith("kernel") else shape
        made[theirs] = g.normal(0, 0.05, shape).astype(np.float32)
    return made | {"discriminator/conv1/kernel": np.ones((5, 5, 3, 4), np.float32),
                   "global_step": np.array(7, np.int64)}  # fmt: skip


def test_a_checkpoint_that_tensorflow_wrote_is_read() -> None:
    found = tensorflow.read(DATA / "tensorflow")
    assert sorted(found) == [
        "count", "double/scalar", "global_step", "half",
        "inpaint_net/conv1/bias", "inpaint_net/conv1/kernel",
    ]  # fmt: skip
    assert found["count"].tolist() == [[1, 2], [3, 4]]
    assert found["global_step"].item() == -7
    assert found["half"].dtype == torch.float16
    assert found["double/scalar"].item() == 0.1
    assert found["inpaint_net/conv1/kernel"].shape == (2, 3, 1, 2)
    assert found["inpaint_net/conv1/bias"].tolist() == [0, 1, 2, 3]


def test_a_damaged_checkpoint_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no TensorFlow checkpoint"):
        tensorflow.read(tmp_path / "nowhere")
    shutil.copy(DATA / "tensorflow.index", tmp_path / "one.index")
    with pytest.raises(InputError, match="a part of the checkpoint is missing"):
        tensorflow.read(tmp_path / "one")
    content = (DATA / "tensorflow.index").read_bytes()
    (tmp_path / "two.index").write_bytes(content[:-20])
    with pytest.raises(InputError, match="damaged"):
        tensorflow.read(tmp_path / "two")


@pytest.mark.parametrize(("version", "count"), [(1, 3_601_542), (2, 4_057_278)])
def test_the_published_checkpoint_is_converted(tmp_path, pictures, keep, version, count) -> None:
    variables = published(version)
    write(tmp_path / "snap-0", variables)
    infiller = create("infillers", f"deepfill{version}", weights=str(tmp_path), side=0)
    network = infiller.load()
    assert sum(p.numel() for p in network.parameters()) == count
    kernel = variables["inpaint_net/conv13_upsample/conv13_upsample_conv/kernel"]
    np.testing.assert_array_equal(
        network.get_submodule("conv13_upsample").weight.permute(2, 3, 1, 0).numpy(), kernel
    )
    painted = fill(infiller, pictures, keep)
    assert painted.isfinite().all()
    assert (painted - pictures.repeat_interleave(2, 0)).abs().max() > 0.01


def test_another_network_is_refused_by_name(tmp_path) -> None:
    variables = published(1, 8)
    del variables["inpaint_net/pmconv9/kernel"]
    write(tmp_path / "snap-0", variables)
    with pytest.raises(InputError, match="inpaint_net/pmconv9/kernel"):
        create("infillers", "deepfill1", weights=str(tmp_path / "snap-0")).load()
    with pytest.raises(InputError, match=r"holds no TensorFlow checkpoint"):
        create("infillers", "deepfill1", weights=str(DATA.parent)).load()


def test_attention_as_tensorflow_computes_it() -> None:
    """deepfill.npz was computed with TensorFlow 2.21's own convolutions and patches."""
    stored = {k: torch.from_numpy(v) for k, v in np.load(DATA / "deepfill.npz").items()}
    data = {key: value.permute(0, 3, 1, 2) for key, value in stored.items()}
    torch.testing.assert_close(
        attend(data["x"], data["hole"]), data["attended"], atol=1e-5, rtol=1e-4
    )
    z, kernel = data["z"], stored["kernel"].permute(3, 2, 0, 1)
    stride2 = F.conv2d(same(z, 3, 2, 1), kernel, stride=2)
    torch.testing.assert_close(stride2, data["stride2"], atol=1e-5, rtol=1e-4)
    dilation4 = F.conv2d(same(z, 3, 1, 4), kernel, dilation=4)
    torch.testing.assert_close(dilation4, data["dilation4"], atol=1e-5, rtol=1e-4)
    assert torch.equal(nearest(z, (26, 20)), data["twice"])


def test_attention_gives_each_picture_its_own_hole() -> None:
    x = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    hole = torch.zeros(2, 1, 16, 16)
    hole[0, :, 2:8, 2:8], hole[1, :, 9:14, 4:12] = 1, 1
    alone = torch.cat([attend(x[i : i + 1], hole[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(attend(x, hole), alone)
    assert not torch.allclose(attend(x, hole.flip(0)), alone)
    assert (attend(x, torch.ones_like(hole)) == 0).all()  # nothing to copy from


@pytest.mark.parametrize(
    ("name", "network"), [("painter", Painter()), ("vae", CompletionVAE(16, 8))]
)
def test_trained_weights_make_the_round_trip(tmp_path, pictures, keep, name, network) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(network.state_dict(), path)
    infiller = create("infillers", name, weights=str(path))
    got = fill(infiller, pictures, keep)
    flat = keep.flatten(0, 1)
    shown = pictures.repeat_interleave(2, 0)
    with torch.no_grad():
        painted = network.eval()(shown * flat, flat).clamp(0, 1)
        torch.testing.assert_close(got, painted.where(flat == 0, shown))


@pytest.mark.parametrize("name", ["painter", "vae"])
def test_samples_are_several_answers(pictures, keep, name) -> None:
    both = keep[:, :1].expand(-1, 2, -1, -1, -1)
    one, other = fill(small_infiller(name), pictures, both).view(2, 2, 3, 40, 48).unbind(1)
    assert torch.equal(one, other)
    several = create("infillers", name, weights="random", samples=2)
    one, other = fill(several, pictures, both).view(2, 2, 3, 40, 48).unbind(1)
    assert not torch.equal(one, other)
    assert torch.equal(one, fill(several, pictures, both).view(2, 2, 3, 40, 48)[:, 0])


def test_weights_that_are_missing_say_where_they_come_from(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    for name, words in (
        ("deepfill1", "JiahuiYu/generative_inpainting"),
        ("lama", "releases/download/add_big_lama"),
        ("vae", "networks/completion.py"),
    ):
        with pytest.raises(InputError, match=words):
            create("infillers", name).load()
        with pytest.raises(InputError, match=rf"no such file.*{words}"):
            create("infillers", name, weights=str(tmp_path / "nowhere.pt")).load()


def test_our_generator_ships_and_brings_back_more_than_blur() -> None:
    file = files.PRETRAINED / "painter.safetensors"
    assert file.stat().st_size <= 10_000_000
    assert file.with_suffix(".md").exists()
    cat = torch.from_numpy(chelsea()).permute(2, 0, 1)[None, :, :256, :256] / 255
    g = torch.Generator().manual_seed(0)
    for side in (64, 128, 256):
        picture = F.interpolate(cat, (side, side), mode="bilinear", antialias=True)
        coins = (torch.rand(1, 1, 1, 16, 16, generator=g) < 0.5).float()
        keep = F.interpolate(coins[0], (side, side))[None]
        ours, again, blur = (
            fill(create("infillers", name), picture, keep)
            for name in ("painter", "painter", "blur")
        )
        assert torch.equal(ours, again)
        assert (ours - picture).abs().mean() < 0.95 * (
            (blur - picture) * (1 - keep[0])
        ).abs().mean()


def test_answers_of_our_generator_differ_in_more_than_shades() -> None:
    cat = torch.from_numpy(chelsea()).permute(2, 0, 1)[None, :, :224, :224] / 255
    keep = torch.ones(1, 4, 1, 224, 224)
    keep[..., 60:160, 60:160] = 0
    middle = fill(create("infillers", "painter"), cat, keep[:, :1])
    answers = fill(create("infillers", "painter", samples=4), cat, keep)
    for one, other in combinations([middle[0], *answers], 2):
        assert (one - other)[:, 60:160, 60:160].abs().mean() > 0.02
        assert torch.equal(one[:, :60], other[:, :60])


def test_what_is_said_of_the_answer_does_not_move_the_first_guess(pictures, keep) -> None:
    flat = keep.flatten(0, 1)
    shown = pictures.repeat_interleave(2, 0)
    network = Painter()
    answer, guess = network(shown, flat, first=True).chunk(2)
    assert torch.equal(guess, network.guess(shown, flat))
    assert not torch.equal(answer, guess)
    answer.square().sum().backward()
    assert network.stem.weight.grad.abs().sum() == 0
    assert network.finish.see.weight.grad.abs().sum() > 0


def test_a_wrong_checksum_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "big-lama.pt").write_bytes(b"half of a download")
    with pytest.raises(InputError, match=r"md5 is .* expected e3aa4aaa"):
        create("infillers", "lama").load()


def test_weights_of_another_network_say_which_keys_differ(tmp_path) -> None:
    path = tmp_path / "weights.safetensors"
    state = CompletionVAE(16, 8).state_dict()
    save_file(state, path)
    with pytest.raises(InputError, match=r"another network: missing brought.*unknown code"):
        create("infillers", "painter", weights=str(path)).load()
    save_file({**state, "code.bias": torch.zeros(3)}, path)
    with pytest.raises(InputError, match=r"code.bias \(3,\) instead of \(16,\)"):
        create("infillers", "vae", weights=str(path)).load()
    path.write_bytes(b"not a tensor in sight")
    with pytest.raises(InputError, match="cannot read weights"):
        create("infillers", "vae", weights=str(path)).load()
    with pytest.raises(InputError, match="is no TorchScript"):
        create("infillers", "lama", weights=str(path)).load()


def test_what_a_generator_cannot_paint_is_refused(pictures, keep) -> None:
    infiller = small_infiller("painter")
    with pytest.raises(InputError, match="at least 16 pixels"):
        fill(infiller, pictures[..., :12, :12], keep[..., :12, :12])
    with pytest.raises(InputError, match="1 or 3 channels, got 2"):
        fill(infiller, pictures[:, :2], keep)
    with pytest.raises(InputError, match="expected masks"):
        fill(infiller, pictures, keep[..., :20, :20])


def test_grey_images_are_painted_grey(pictures, keep) -> None:
    got = fill(small_infiller("deepfill2"), pictures[:, :1], keep)
    assert got.shape == (4, 1, 40, 48)
    assert torch.equal(got[0][keep[0, 0] > 0], pictures[0, :1][keep[0, 0] > 0])


@pytest.mark.parametrize(("name", "weights"), [("lama", torchscript), ("onnx", onnx_file)])
def test_the_hole_is_filled_from_what_is_near(name, weights) -> None:
    picture = torch.full((1, 3, 40, 40), 0.2)
    picture[:, 0] = 0.8
    keep = torch.ones(1, 1, 1, 40, 40)
    keep[..., 18:22, 18:22] = 0
    picture[..., 18:22, 18:22] = 0
    got = fill(create("infillers", name, weights=weights()), picture, keep, seeds=(1,))[0]
    torch.testing.assert_close(got[:, 19, 19], torch.tensor([0.8, 0.2, 0.2]), atol=0.01, rtol=0.01)


def test_what_ships_is_found_by_default_and_by_name(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(files, "PRETRAINED", tmp_path)
    published = files.Published("net.safetensors", "somewhere", "free")
    (tmp_path / "net.safetensors").write_bytes(b"1")
    (tmp_path / "other.safetensors").write_bytes(b"2")
    assert files.find("", published).read_bytes() == b"1"
    assert files.find("other", published).read_bytes() == b"2"
    with pytest.raises(InputError, match="no such file: nothing"):
        files.find("nothing", published)
