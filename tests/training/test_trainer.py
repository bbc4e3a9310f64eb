"""The training of the generator: samples by number, losses, exact resumption."""

import zipfile

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import load_file

from unsee import InputError
from unsee.cli import main
from unsee.networks.critic import Critic
from unsee.networks.painter import Painter, pull_push
from unsee.networks.perceptual import TRUNKS, Perceptual
from unsee.training import holes, trainer
from unsee.training.crops import Holed, middles
from unsee.training.infiller import WINDOW, InfillerGame, InfillerTraining, train
from unsee.training.photos import Labelled, squares
from unsee.training.task import Batch


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    g = np.random.default_rng(0)
    for i in range(6):
        colour = g.integers(0, 255, 3)
        picture = np.clip(colour + g.integers(-30, 30, (50, 60 + i, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{i}.png")
    (folder / "broken.jpg").write_bytes(b"nothing")
    return folder


def settings(folder, out, **more):
    plain = {
        "steps": 4, "batch": 2, "size": 32, "keep": 40, "perceptual": 0.0, "critic_from": 1,
        "workers": 0, "save_every": 2, "held_out": 1,
    }  # fmt: skip
    return InfillerTraining(data=(str(folder),), out=out, **plain | more)


def test_squares_take_folders_and_zips_and_leave_out_what_is_broken(folder, tmp_path) -> None:
    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(folder / "0.png", "a/0.png")
    found = squares([folder, archive], 24)
    assert found.shape == (7, 3, 24, 24)
    assert torch.equal(found[0], found[6])
    with pytest.raises(InputError, match="no readable photo"):
        squares([], 24)


def test_samples_depend_on_their_number_alone() -> None:
    pictures = torch.randint(0, 255, (5, 3, 40, 40), dtype=torch.uint8)
    one, other = Holed(pictures, 32, 1), Holed(pictures, 32, 1)
    list(map(other.__getitem__, range(9)))
    assert torch.equal(one[9][0], other[9][0])
    assert not torch.equal(one[9][0], Holed(pictures, 32, 2)[9][0])
    assert len({float(one[n][0].sum()) for n in range(5)}) == 5
    sample, which = one[3]
    assert sample.shape == (4, 32, 32)
    assert 0 <= which < 5
    assert set(sample[3].unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("kind", [kind for kind, _ in holes.KINDS])
def test_holes_are_hard_and_of_many_sizes(kind) -> None:
    keep = kind(40, (48, 64), torch.Generator().manual_seed(0))
    assert keep.shape == (40, 1, 48, 64)
    assert set(keep.unique().tolist()) <= {0.0, 1.0}
    share = keep.mean((1, 2, 3))
    assert share.std() > 0.05
    assert ((share > 0) & (share < 1)).float().mean() > 0.8


def test_the_painter_never_sees_what_is_hidden_and_keeps_what_is_known() -> None:
    torch.manual_seed(0)
    painter = Painter().eval()
    x = torch.rand(2, 3, 72, 90)
    keep = holes.cells(2, (72, 90), torch.Generator().manual_seed(0))
    with torch.no_grad():
        filled = painter(x, keep)
        painted = painter(torch.where(keep > 0, x, torch.rand_like(x)), keep)
        alone = torch.cat([painter(x[i : i + 1], keep[i : i + 1]) for i in range(2)])
        other = painter(x, keep, torch.randn(2, painter.noise))
    assert torch.equal(filled, painted)
    assert torch.equal(filled[keep.expand_as(x) > 0], x[keep.expand_as(x) > 0])
    torch.testing.assert_close(filled, alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(filled, other)
    assert sum(p.numel() for p in painter.parameters()) <= 4_000_000


def test_an_untrained_painter_smooths_and_copes_with_every_hole() -> None:
    x = torch.rand(1, 3, 40, 33)
    painter = Painter().eval()
    with torch.no_grad():
        assert torch.equal(painter(x, torch.ones(1, 1, 40, 33)), x)
        assert (painter(x, torch.zeros(1, 1, 40, 33)) - 0.5).abs().max() < 0.1
    flat, keep = torch.full_like(x, 0.3), torch.ones(1, 1, 40, 33)
    keep[..., 10:30, 5:25] = 0
    torch.testing.assert_close(pull_push(flat * keep, keep), flat)
    steep = torch.linspace(0, 1, 33).expand(1, 3, 40, 33)
    assert (pull_push(steep * keep, keep) - steep).abs().max() < 0.3


def test_the_critic_judges_patches() -> None:
    assert Critic()(torch.rand(2, 3, 64, 64), torch.ones(2, 1, 64, 64)).shape == (2, 1, 4, 4)


@pytest.mark.parametrize("trunk", TRUNKS)
def test_perceptual_reads_the_published_names(tmp_path, trunk) -> None:
    torch.manual_seed(0)
    stored, before = {}, 3
    for b, block in enumerate(TRUNKS[trunk]):
        for layer in block.layers:
            name, kernel = f"net.slice{b + 1}.{layer.number}", layer.kernel
            weight = torch.randn(layer.width, before, kernel, kernel) / (kernel * before**0.5)
            stored[f"{name}.weight"], stored[f"{name}.bias"] = weight, torch.zeros(layer.width)
            before = layer.width
        stored[f"lin{b}.model.1.weight"] = torch.rand(1, before, 1, 1)
    stored["scaling_layer.shift"] = torch.tensor([-0.03, -0.088, -0.188]).view(1, 3, 1, 1)
    stored["scaling_layer.scale"] = torch.tensor([0.458, 0.448, 0.45]).view(1, 3, 1, 1)
    torch.save(stored, tmp_path / "trunk.pth")
    network = Perceptual.load(tmp_path / "trunk.pth")
    assert network.trunk == trunk
    x = torch.rand(2, 3, 64, 64)
    y = (x + 0.1 * torch.randn_like(x)).clamp(0, 1)
    assert network.distance(x, x).max() < 1e-6
    assert (network.distance(x, 1 - x) > network.distance(x, y)).all()
    assert (network(x, y) > 0).all()
    assert (network(x[..., :WINDOW, :WINDOW], y[..., :WINDOW, :WINDOW]) > 0).all()
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="not the weights of ST-LPIPS"):
        Perceptual.load(tmp_path / "other.pth")
    (tmp_path / "none.pth").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot read weights"):
        Perceptual.load(tmp_path / "none.pth")


def test_a_stopped_run_goes_on_exactly(folder, tmp_path) -> None:
    whole = list(train(settings(folder, tmp_path / "whole")))
    assert len(whole) == 4
    assert {"l1", "critic", "adversarial"} <= set(whole[-1])
    run = train(settings(folder, tmp_path / "parts"))
    for losses in run:
        if losses["step"] == 3:
            break  # killed after the checkpoint of step 2
    run.close()
    rest = list(train(settings(folder, tmp_path / "parts")))
    assert [losses["step"] for losses in rest] == [3, 4]
    assert rest[-1]["l1"] == pytest.approx(whole[-1]["l1"], abs=1e-5)
    a, b = (load_file(tmp_path / name / "painter.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)["step"] == 4
    assert (tmp_path / "parts" / "step-000004.jpg").is_file()
    with pytest.raises(InputError, match="batch = 2 is there"):
        list(train(settings(folder, tmp_path / "parts", batch=3)))


def test_it_learns_what_smooth_colours_lack(tmp_path) -> None:
    stripes = np.tile(np.arange(40)[:, None, None] // 4 % 2 * 160 + 40, (1, 40, 3))
    for shift in range(4):
        path = tmp_path / "photos" / f"{shift}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.roll(stripes, shift, 0).astype(np.uint8)).save(path)
    chosen = settings(
        tmp_path / "photos", tmp_path / "run", steps=60, critic_from=1000, variety=0.0, batch=4,
        rate=3e-3, ema=0.8,
    )  # fmt: skip
    game = InfillerGame(chosen, Accelerator())
    held = Batch(middles(chosen.photos().pictures, 32), None, 0, 4)
    before = game.shortcoming(held)
    list(train(chosen))
    trainer._resume(chosen, game.accelerator, game)
    assert game.shortcoming(held) < 0.7 * before


def test_the_command_trains_and_says_what_is_missing(folder, tmp_path, capsys) -> None:
    out = str(tmp_path / "run")
    flags = ["--steps", "1", "--batch", "2", "--size", "32", "--keep", "40", "--workers", "0"]
    command = ["train", "infiller", "--out", out, *flags]
    assert main([*command, "--data", str(folder), "--perceptual", "0"]) == 0
    assert "step 1 of 1" in capsys.readouterr().out
    assert main([*command, "--perceptual", "0"]) == 2
    assert "expected data" in capsys.readouterr().err
    seen = ["--size", "64", "--keep", "64"]
    assert main([*command, "--data", str(folder), "--out", out + "2", *seen]) == 2
    assert "vgg_shift_tolerant.pth" in capsys.readouterr().err
    assert main([*command, "--data", str(folder), "--size", "48"]) == 2
    assert "64 <= size <= keep" in capsys.readouterr().err
    window = ["--size", "64", "--keep", "64", "--window", "40"]
    assert main([*command, "--data", str(folder), "--out", out + "2", *window]) == 2
    assert "expected 48 <= window <= size or 0, got 40" in capsys.readouterr().err
    assert main([*command, "--data", str(folder), "--precision", "fp16"]) == 2
    assert "fp16 needs a GPU" in capsys.readouterr().err
    assert main(["train", "infilller"]) == 2
    assert "did you mean 'infiller'" in capsys.readouterr().err


def test_held_out_photos_come_from_everywhere() -> None:
    numbers = torch.arange(100, dtype=torch.uint8)
    photos = Labelled(numbers[:, None, None, None].expand(-1, 3, 2, 2), numbers.long())
    kept, held = trainer._split(photos, 10)
    assert held.targets.tolist() == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert sorted([*kept.targets.tolist(), *held.targets.tolist()]) == list(range(100))
    assert torch.equal(kept.pictures[:, 0, 0, 0].long(), kept.targets)
    alone, same = trainer._split(Labelled(photos.pictures[:1], None), 10)
    assert len(alone.pictures) == len(same.pictures) == 1


def test_a_step_whose_gradient_is_not_finite_is_not_made() -> None:
    network = torch.nn.Linear(2, 1)
    before = network.weight.detach().clone()
    adam = torch.optim.Adam(network.parameters())
    loss = (network(torch.ones(1, 2)) * 0).sqrt().sum()  # finite; its gradient is not
    assert loss.isfinite()
    with pytest.raises(InputError, match="gradient is not finite"):
        trainer.descend(Accelerator(cpu=True), adam, network, loss, 1.0)
    assert torch.equal(network.weight, before)


def test_weights_do_not_tell_where_files_lay() -> None:
    data = ["/home/me/a.zip", "imagenet:/data/val/", r"C:\x\b.zip"]
    other = {"rate": 0.1, "classifier": "timm:resnet50", "widths": [4, 8]}
    said = trainer.told({"data": data, "out": "runs/one", **other})
    assert said == {"data": ["a.zip", "val", "b.zip"], "out": "one", **other}
