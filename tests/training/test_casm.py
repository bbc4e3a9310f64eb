import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import save_file

from tests.training import small
from unsee import InputError, create, explain, load
from unsee.training import casm, checkpoint
from unsee.training.casm import CasmTask, CasmTraining
from unsee.training.casm_adversary import AREA_GAIN


def halved(state):
    """Tensors in half precision, in which weights are stored."""
    return {k: v.half() if v.is_floating_point() else v for k, v in state.items()}


@pytest.mark.parametrize("strategy", ["F", "L", "FL", "L100", "L1000"])
def test_every_strategy_trains_the_decoder(folder, tmp_path, strategy) -> None:
    losses = small.train("casm", folder, tmp_path / "run", strategy=strategy)
    assert len(losses) == 4
    assert all(0 < step["area"] < 1 for step in losses)
    assert ("classifier" in losses[0]) == (strategy != "F")
    before, after = halved(load(small.TOY).model.state_dict()), small.weights(tmp_path / "run")
    changed = [k for k, v in before.items() if not torch.equal(v, after[f"network.{k}"])]
    assert bool(changed) == (strategy != "F")
    assert not [k for k in changed if "running" in k]  # statistics of batch normalisation


def test_stopped_run_resumes_bitwise(folder, tmp_path) -> None:
    small.train("casm", folder, tmp_path / "whole", volume=0.4)
    parts = small.config("casm", folder, tmp_path / "parts", volume=0.4)
    steps = casm.train(parts)
    next(steps), next(steps), next(steps)  # the checkpoint is of the second
    steps.close()
    assert [losses["step"] for losses in casm.train(parts)] == [3, 4]
    assert small.equal(small.weights(tmp_path / "whole"), small.weights(tmp_path / "parts"))
    assert (tmp_path / "whole" / "step-000004.png").exists()
    assert list((tmp_path / "whole" / "log").rglob("events*"))


def test_classifiers_loss_is_the_mean_or_the_sum_of_the_paper(folder, tmp_path) -> None:
    (mean, *_), (total, *_) = (
        small.train("casm", folder, tmp_path / kind, strategy="L", classifier_loss=kind)
        for kind in ("mean", "sum")
    )
    assert total["classifier"] == pytest.approx(2 * mean["classifier"], rel=1e-5)
    assert total["area"] == pytest.approx(mean["area"], rel=1e-5)


def test_area_weight_rises_linearly() -> None:
    assert CasmTraining(strategy="L").area_weight(0) == 14
    assert CasmTraining(strategy="L", area=0.0).area_weight(0) == 0
    rising = CasmTraining(strategy="F", area=8.0, area_rise=4)
    assert [rising.area_weight(step) for step in range(6)] == [2, 4, 6, 8, 8, 8]


def test_snapshots_follow_the_interval() -> None:
    def steps(**settings):
        config = CasmTraining(**settings)
        return [step for step in range(2500) if config.takes_snapshot(step)]

    assert steps(strategy="L1000") == [0, 1000, 2000]
    assert steps(strategy="L100")[:3] == [0, 100, 200]
    assert steps(strategy="L1000", snapshot_every=900) == [0, 900, 1800]
    assert steps(strategy="FL", snapshot_every=10) == []


def test_rates_drop_to_a_tenth_at_equal_intervals() -> None:
    config = CasmTraining(steps=9, fade=2)
    factors = [config.rate_factor(step) for step in range(9)]
    assert factors == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01])


def test_area_weight_adapts_until_masks_cover_their_volume(folder, tmp_path) -> None:
    for volume, direction in ((0.02, 1), (0.98, -1)):
        out = tmp_path / str(volume)
        losses = small.train("casm", folder, out, volume=volume, steps=6, save_every=6)
        log_factor = small.checkpoint_states(out)["balance"]["log"]
        expected = AREA_GAIN * sum(step["area"] - volume for step in losses)
        assert log_factor == pytest.approx(expected, rel=1e-3)
        assert log_factor * direction > 0.02
    for wrong, message in (
        ({"volume": 1.0}, r"expected volume in \(0, 1\)"),
        ({"area": -1.0}, "expected area >= 0"),
    ):
        with pytest.raises(InputError, match=message):
            CasmTraining(**wrong)


@pytest.mark.parametrize("shared", [True, False])
def test_trained_weights_give_the_masks_of_the_decoder(folder, tmp_path, shared) -> None:
    config = small.config("casm", folder, tmp_path / "run", shared=shared, rate=0.1)
    list(casm.train(config))
    weights = str(tmp_path / "run" / "casm.safetensors")
    method, classifier = create("methods", "casm", weights=weights), load(small.TOY)
    images = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(4))
    classifier.passes.forwards = 0
    explanation = explain(classifier, images, method)
    assert explanation.provenance["cost"]["forwards"] == 3
    task = CasmTask(config, Accelerator())
    assert checkpoint.resume(config, task.accelerator, task)[0] == 4
    for network in (task.decoder, task.network):
        network.load_state_dict(halved(network.state_dict()))
    task.decoder.eval()
    with torch.no_grad():
        _, features = task.extractor(classifier.normalise(images))
        expected = task.decoder(features, (24, 24))[:, 0]
    torch.testing.assert_close(explanation.saliency, expected, atol=1e-5, rtol=1e-4)


def test_shipped_weights_refuse_another_classifier(images, tmp_path) -> None:
    classifier = load(small.TOY)
    classifier.name = "another"
    with pytest.raises(InputError, match="these weights are for efficientnet_lite0"):
        explain(classifier, images, "casm")
    save_file({"a": torch.zeros(1)}, tmp_path / "odd.safetensors")
    method = create("methods", "casm", weights=str(tmp_path / "odd.safetensors"))
    with pytest.raises(InputError, match="mask decoder"):
        explain(classifier, images, method)
