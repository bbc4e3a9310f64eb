"""CASM's game: who learns what, exact resumption, nothing that leaks."""

from itertools import islice

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import load_file, save_file

from unsee import InputError, create, explain, load
from unsee.cli import main
from unsee.methods.casm import METADATA
from unsee.networks.stages import FeatureExtractor
from unsee.networks.weights import load_trained
from unsee.training import casm, trainer
from unsee.training.casm import MEMORY, PACE, CasmGame, CasmTraining, shortcomings, train
from unsee.training.crops import Crops, Numbers, middles

TOY = "tests.toys:classifier"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    g = np.random.default_rng(0)
    for i in range(6):
        pixels = g.integers(0, 255, (3, 4, 3), np.uint8)
        Image.fromarray(pixels).resize((40, 44), 0).save(folder / f"{i}.png")
    return folder


def settings(folder, out, **more):
    plain = {"classifier": TOY, "steps": 4, "batch": 3, "keep": 32, "width": 5, "workers": 0,
             "save_every": 2, "held_out": 1}  # fmt: skip
    return CasmTraining(data=(str(folder),), out=out, **plain | more)


def halved(tensor):
    """As weights are stored."""
    return tensor.half() if tensor.is_floating_point() else tensor


def weights(out) -> dict[str, torch.Tensor]:
    return load_file(out / "casm.safetensors")


@pytest.mark.parametrize("strategy", ["F", "L", "FL", "L100", "L1000"])
def test_every_strategy_trains_the_decoder(folder, tmp_path, strategy) -> None:
    chosen = settings(folder, tmp_path / "run", strategy=strategy)
    losses = list(train(chosen))
    assert len(losses) == 4
    assert all(0 < one["area"] < 1 for one in losses)
    assert ("classifier" in losses[0]) == (strategy != "F")
    before, after = load(TOY).model.state_dict(), weights(tmp_path / "run")
    changed = [k for k, v in before.items() if not torch.equal(halved(v), after[f"network.{k}"])]
    assert bool(changed) == (strategy != "F")
    assert not [k for k in changed if "running" in k]  # batch norm's statistics stay


def test_a_stopped_run_goes_on_exactly(folder, tmp_path) -> None:
    list(train(settings(folder, tmp_path / "whole", strategy="L100", volume=0.4)))
    steps = train(settings(folder, tmp_path / "parts", strategy="L100", volume=0.4))
    next(steps), next(steps), next(steps)  # the checkpoint is of the second
    steps.close()
    rest = list(train(settings(folder, tmp_path / "parts", strategy="L100", volume=0.4)))
    assert [one["step"] for one in rest] == [3, 4]
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    assert (tmp_path / "whole" / "step-000004.png").exists()
    assert list((tmp_path / "whole" / "log").rglob("events*"))


def test_remembered_classifiers_are_copies_and_few(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(casm, "MEMORY", 2)
    chosen = settings(folder, tmp_path / "run", strategy="L100")
    game = CasmGame(chosen, Accelerator())
    game._keep_copy(0)
    kept = {key: value.clone() for key, value in game.past[0].items()}
    with torch.no_grad():
        for p in game.network.parameters():
            p.add_(1)
    assert all(torch.equal(kept[key], value) for key, value in game.past[0].items())
    game._keep_copy(50)
    assert len(game.past) == 1
    for step in (100, 200, 300):
        game._keep_copy(step)
    assert len(game.past) == 2
    assert MEMORY == 30
    often = CasmGame(
        settings(folder, tmp_path / "often", strategy="L1000", every=10), Accelerator()
    )
    for step in range(25):
        often._keep_copy(step)
    assert len(often.past) == 2  # of steps 0, 10 and 20, in a memory of two


def test_the_mask_is_paid_for_only_where_it_fools() -> None:
    chosen = CasmTraining()
    hidden = torch.tensor([[5.0, 0.0], [0.0, 5.0], [0.0, 5.0]])
    labels, right = torch.tensor([0, 0, 0]), torch.tensor([True, True, False])
    mask = torch.tensor([0.2, 0.6, 0.9]).view(3, 1, 1, 1).expand(3, 1, 4, 4)
    evidence, paid = shortcomings(chosen, hidden, mask, labels, right)
    assert paid.item() == pytest.approx(0.6 / 3)
    p = torch.softmax(hidden[0], 0)
    assert evidence.item() == pytest.approx(2 * (p * p.log()).sum().item() / 3, abs=1e-6)
    other = CasmTraining(objective="classification")
    evidence, _ = shortcomings(other, hidden, mask, labels, right)
    logs = hidden.log_softmax(1)[:, 0]
    assert evidence.item() == pytest.approx((logs[0] + logs[1]).item() / 3, abs=1e-6)


def test_the_weight_of_the_area_may_rise() -> None:
    assert CasmTraining(strategy="L").area_weight(0) == 14
    rising = CasmTraining(strategy="F", area=8.0, area_rise=4)
    assert [rising.area_weight(step) for step in range(6)] == [2, 4, 6, 8, 8, 8]


def test_the_weight_moves_until_masks_cover_their_share(folder, tmp_path) -> None:
    for volume, direction in ((0.02, 1), (0.98, -1)):
        out = tmp_path / str(volume)
        losses = list(train(settings(folder, out, volume=volume, steps=6, save_every=6)))
        moved = torch.load(out / "checkpoint.pt", weights_only=True)["states"]["balance"]["log"]
        wanted = PACE * sum(one["area"] - volume for one in losses)
        assert moved == pytest.approx(wanted, rel=1e-3)
        assert moved * direction > 0.02
    with pytest.raises(InputError, match=r"expected a volume in \[0, 1\)"):
        settings(folder, tmp_path / "no", volume=1.0)


def test_crops_are_the_same_by_number() -> None:
    pictures = torch.randint(0, 255, (4, 3, 40, 40), dtype=torch.uint8)
    crops = Crops(pictures, 24, seed=1)
    crop, which = crops[5]
    assert crop.shape == (3, 24, 24)
    assert which in range(4)
    assert torch.equal(crop, Crops(pictures, 24, seed=1)[5][0])
    assert not torch.equal(crop, crops[6][0])
    assert 0 <= crop.min() <= crop.max() <= 1
    numbers = [list(islice(Numbers(3, 4, first, 2), 4)) for first in (0, 2)]
    assert numbers == [[12, 13, 16, 17], [14, 15, 18, 19]]
    assert middles(pictures, 40)[1, 2, 3, 4] * 255 == pictures[1, 2, 3, 4]


def test_other_settings_and_diverging_losses_are_refused(folder, tmp_path) -> None:
    out = tmp_path / "run"
    list(train(settings(folder, out)))
    with pytest.raises(InputError, match="strategy = L100 is there, got L"):
        list(train(settings(folder, out, strategy="L")))
    with pytest.raises(InputError, match="not finite"):
        list(train(settings(folder, tmp_path / "bad", strategy="L", rate=1e30, steps=8)))
    with pytest.raises(InputError, match="expected data"):
        list(train(CasmTraining()))


def test_the_command_trains(folder, tmp_path, capsys, monkeypatch) -> None:
    arguments = [
        "train", "casm", "--data", str(folder), "--classifier", TOY, "--steps", "2", "--batch", "2",
        "--keep", "32", "--workers", "0", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    assert main(arguments) == 0
    assert "step 2 of 2" in capsys.readouterr().out
    assert (tmp_path / "run" / "casm.safetensors").exists()


@pytest.mark.parametrize("shared", [True, False])
def test_trained_weights_are_a_method(folder, tmp_path, shared) -> None:
    out = tmp_path / "run"
    list(train(settings(folder, out, shared=shared, rate=0.1)))
    method = create("methods", "casm", weights=str(out / "casm.safetensors"))
    classifier = load(TOY)
    images = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(4))
    classifier.passes.forwards = 0
    found = explain(classifier, images, method)
    assert found.provenance["cost"]["forwards"] == 3
    chosen = settings(folder, out, shared=shared, rate=0.1)
    game = CasmGame(chosen, Accelerator())
    assert trainer._resume(chosen, game.accelerator, game)[0] == 4
    for network in (game.decoder, game.network):
        network.load_state_dict({k: halved(v) for k, v in network.state_dict().items()})
    game.decoder.eval()
    reader = game.network if shared else classifier.model
    with torch.no_grad():
        _, features = FeatureExtractor(reader, game.stages)(classifier.normalise(images))
        wanted = game.decoder(features, (24, 24))[:, 0]
    torch.testing.assert_close(found.saliency, wanted, atol=1e-5, rtol=1e-4)


def test_weights_for_another_classifier_are_refused(folder, tmp_path, images) -> None:
    out = tmp_path / "run"
    list(train(settings(folder, out)))
    method = create("methods", "casm", weights=str(out / "casm.safetensors"))
    other = load(TOY)
    other.name = "another"
    about, _ = load_trained(out / "casm.safetensors", METADATA, "")
    if about["classifier"]:
        with pytest.raises(InputError, match="was trained for the classifier"):
            explain(other, images, method)
    with pytest.raises(InputError, match="trained for the classifier efficientnet_lite0, not for"):
        explain(other, images, "casm")  # those that ship
    save_file({"a": torch.zeros(1)}, tmp_path / "odd.safetensors")
    with pytest.raises(InputError, match="holds no mask decoder"):
        explain(other, images, create("methods", "casm", weights=str(tmp_path / "odd.safetensors")))
