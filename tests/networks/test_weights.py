"""Finding, checking and loading files of weights."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from unsee import InputError, create
from unsee.networks import weights
from unsee.networks.completion import CompletionVAE
from unsee.networks.reading import read
from unsee.networks.weights import Published

PUBLISHED = Published("net.safetensors", "example.org", "CC0")


def test_find_pretrained_weights_by_default_and_by_name(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    (tmp_path / "net.safetensors").write_bytes(b"1")
    (tmp_path / "other.safetensors").write_bytes(b"2")
    assert weights.find(None, PUBLISHED).read_bytes() == b"1"
    assert weights.find("other", PUBLISHED).read_bytes() == b"2"
    with pytest.raises(InputError, match="no such file: nothing"):
        weights.find("nothing", PUBLISHED)


def test_find_weights_in_the_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    path = tmp_path / "weights" / "net.safetensors"
    path.write_bytes(b"1")
    assert weights.find(None, PUBLISHED) == path


def test_missing_weights_name_origin_licence_and_place(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"no weights. Expected net.safetensors from example.org"):
        weights.find(None, PUBLISHED)
    with pytest.raises(InputError, match=rf"CC0.*{tmp_path}/weights/net.safetensors.*weights=PATH"):
        weights.find(str(tmp_path / "nowhere.pt"), PUBLISHED)


def test_wrong_checksum_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "big-lama.pt").write_bytes(b"half of a download")
    with pytest.raises(InputError, match=r"md5 is .* expected e3aa4aaa"):
        create("infillers", "lama").load()


def test_load_into_names_the_keys_that_differ(tmp_path) -> None:
    path = tmp_path / "weights.safetensors"
    state = CompletionVAE(16, 8).state_dict()
    other = nn.Linear(2, 2).state_dict()
    with pytest.raises(InputError, match=r"another network: missing code.*unexpected bias, weight"):
        weights.load_into(CompletionVAE(16, 8), other, path)
    with pytest.raises(InputError, match=r"code.bias \(3,\) instead of \(16,\)"):
        weights.load_into(CompletionVAE(16, 8), {**state, "code.bias": torch.zeros(3)}, path)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.complex64])
def test_load_into_refuses_other_numbers_than_floating_point(tmp_path, dtype) -> None:
    network = nn.BatchNorm2d(2)
    stored = network.state_dict()
    stored["weight"] = torch.ones(2, dtype=dtype)
    stored["bias"] = torch.full((2,), 0.5, dtype=torch.float16)
    words = rf"w.pt holds weights of another type: weight of {str(dtype)[6:]} instead of float32;"
    with pytest.raises(InputError, match=words):
        weights.load_into(network, stored, tmp_path / "w.pt")
    stored["weight"] = torch.ones(2, dtype=torch.bfloat16)
    stored["num_batches_tracked"] = torch.tensor(3.0)  # as conversions of all tensors do
    weights.load_into(network, stored, tmp_path / "w.pt")
    assert network.bias.tolist() == [0.5, 0.5]


def test_tensors_of_one_name_are_refused(tmp_path) -> None:
    stored = {"a": torch.ones(1), "module.b": torch.ones(1)}
    assert set(weights.renamed(stored, lambda key: key.removeprefix("module."), tmp_path)) == {
        "a", "b"
    }  # fmt: skip
    stored["module.a"] = torch.zeros(1)
    with pytest.raises(InputError, match=r"holds two tensors for a, a and module.a; remove"):
        weights.renamed(stored, lambda key: key.removeprefix("module."), tmp_path)


def test_load_unwraps_checkpoints(tmp_path) -> None:
    torch.save({"state_dict": {"a": torch.ones(2)}, "step": 3}, tmp_path / "checkpoint.pt")
    assert read(tmp_path / "checkpoint.pt")["a"].tolist() == [1, 1]


def test_load_refuses_other_content(tmp_path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"not a tensor in sight")
    with pytest.raises(InputError, match="cannot read weights"):
        read(path)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InputError, match="expected a dictionary of names to tensors"):
        read(tmp_path / "list.pt")


def test_load_trained_renames_layers_and_needs_metadata(tmp_path) -> None:
    path = tmp_path / "weights.safetensors"
    stages = json.dumps(["_blocks.3._bn0", "layer4"])
    save_file({"a": torch.ones(1).half()}, path, {"stages": stages, "width": "4"})
    metadata, tensors = weights.load_trained(path, ("stages", "width"), "decoder")
    assert json.loads(metadata["stages"]) == ["blocks.3.expand", "layer4"]
    assert tensors["a"].dtype == torch.float32
    with pytest.raises(InputError, match="holds no decoder: its metadata lack depth"):
        weights.load_trained(path, ("depth",), "decoder")


def test_weights_of_another_classifier_are_refused(tmp_path) -> None:
    weights.check_classifier(tmp_path, "", "resnet")
    weights.check_classifier(tmp_path, "resnet", "resnet")
    with pytest.raises(InputError, match="trained for the classifier resnet, not for vgg"):
        weights.check_classifier(tmp_path, "resnet", "vgg")


def test_cached_makes_once_for_each_owner_and_file(tmp_path) -> None:
    owner, path, calls = nn.Identity(), tmp_path / "file", []
    path.write_bytes(b"1")

    def make() -> int:
        calls.append(1)
        return len(calls)

    device = torch.device("cpu")
    assert weights.cached(owner, path, device, make) == weights.cached(owner, path, device, make)
    assert weights.cached(nn.Identity(), path, device, make) == 2


def test_pretrained_files_have_their_checksums() -> None:
    listed = (weights.PRETRAINED / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    digests = {name: digest for digest, name in (line.split() for line in listed)}
    assert sorted(digests) == sorted(path.name for path in weights.PRETRAINED.glob("*.safetensors"))
    for name, digest in digests.items():
        weights.check_digest(weights.PRETRAINED / name, f"sha256:{digest}")
