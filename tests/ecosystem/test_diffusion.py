"""In-painting by diffusers, with a Stable Diffusion pipeline of random weights."""

import json
import shutil

import pytest
import torch

from tests.conftest import Convolutional, small, toy
from tests.generators import fill, small_infiller
from unsee import InputError, create, explain

pytest.importorskip("diffusers", exc_type=(ImportError, RuntimeError))


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def keep():
    keep = torch.ones(2, 2, 1, 64, 64)
    keep[:, 0, :, 8:40, 8:40] = 0
    keep[:, 1, :, :, 30:] = 0
    return keep


def test_only_removed_pixels_are_filled(pictures, keep) -> None:
    filled = fill(small_infiller("diffusion"), pictures, keep).view(2, 2, 3, 64, 64)
    kept = (keep > 0).expand_as(filled)
    assert torch.equal(filled[kept], pictures[:, None].expand_as(filled)[kept])
    assert filled.isfinite().all()
    assert (filled[:, 0, :, 10:38, 10:38] - pictures[:, :, 10:38, 10:38]).abs().mean() > 0.05


def test_result_is_reproducible_and_independent_of_the_batch(pictures, keep) -> None:
    infiller = small_infiller("diffusion")
    together = fill(infiller, pictures, keep).view(2, 2, 3, 64, 64)
    torch.testing.assert_close(fill(infiller, pictures, keep).view_as(together), together)
    for image in range(2):
        alone = fill(infiller, pictures[image : image + 1], keep[image : image + 1], [5 + image])
        torch.testing.assert_close(alone, together[image], atol=1e-3, rtol=1e-3)


def test_result_is_independent_of_removed_pixels(pictures, keep) -> None:
    infiller = small_infiller("diffusion")
    for variant in range(2):
        mask = keep[:, variant : variant + 1]
        changed = torch.where(mask[:, 0] > 0, pictures, torch.tensor(0.9))
        torch.testing.assert_close(fill(infiller, changed, mask), fill(infiller, pictures, mask))


def test_samples_are_different(pictures, keep) -> None:
    infiller = small_infiller("diffusion")
    several = create(
        "infillers", "diffusion", weights=infiller.weights, side=64, steps=2, samples=2
    )
    masks = keep[:, :1].expand(-1, 2, -1, -1, -1)
    first, second = fill(several, pictures, masks).view(2, 2, 3, 64, 64).unbind(1)
    assert not torch.equal(first, second)


def test_method_runs_with_the_infiller(pictures) -> None:
    network = toy(Convolutional(), size=64)
    method = small("sliding_patch", patch=32, stride=32)
    explanation = explain(network, pictures[:1], method, infiller=small_infiller("diffusion"))
    assert explanation.saliency.isfinite().all()


def test_invalid_pipelines_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"model_index.json: no such pipeline"):
        create("infillers", "diffusion", weights=str(tmp_path)).load()
    with pytest.raises(InputError, match="multiple of 8"):
        create("infillers", "diffusion", side=100)


def test_code_that_a_part_of_a_pipeline_names_is_not_run(tmp_path, monkeypatch) -> None:
    """A processor loads its parts without `trust_remote_code`, and then asks on the terminal."""
    folder, code = tmp_path / "pipeline", tmp_path / "code"
    shutil.copytree(small_infiller("diffusion").weights, folder)
    index = json.loads((folder / "model_index.json").read_text())
    index["tokenizer"] = ["transformers", "CLIPProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index))
    processor = {
        "image_processor_type": "Evil", "auto_map": {"AutoImageProcessor": f"{code}--evil.Evil"},
    }  # fmt: skip
    (folder / "tokenizer" / "preprocessor_config.json").write_text(json.dumps(processor))
    code.mkdir()
    (code / "evil.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')\nclass Evil: pass\n")
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(InputError, match="cannot be loaded"):
        create("infillers", "diffusion", weights=str(folder)).load()
    assert not (tmp_path / "canary").exists()
