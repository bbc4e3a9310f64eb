import pickle
import zipfile
from pathlib import Path

import pytest
import torch

import unsee
from tests.conftest import Convolutional, toy
from tests.sources.conftest import PREPROCESSING
from unsee import Framing, InputError, explain, load


def test_program_exported_for_a_fixed_batch_size(images, expected, tmp_path) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(Convolutional().eval(), (images[:2],)), path)
    loaded = load(f"file:{path}", trust=True, **PREPROCESSING)
    torch.testing.assert_close(loaded.predict(images), expected)
    assert explain(loaded, images[:1], unsee.create("methods", "fido", steps=2, grid=8))


def test_program_exported_for_any_batch_size(images, expected, tmp_path) -> None:
    path = tmp_path / "model.pt2"
    shapes = ({0: torch.export.Dim("batch", min=1, max=512)},)
    program = torch.export.export(Convolutional().eval(), (images[:2],), dynamic_shapes=shapes)
    torch.export.save(program, path)
    loaded = load(f"file:{path}", trust=True, **PREPROCESSING)
    torch.testing.assert_close(loaded.predict(images), expected)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_program(images, expected, tmp_path) -> None:
    torch.jit.trace(Convolutional().eval(), images[:1]).save(tmp_path / "model.pt")
    loaded = load(f"file:{tmp_path / 'model.pt'},trust=true", **PREPROCESSING)
    torch.testing.assert_close(loaded.predict(images), expected)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_weights_require_their_architecture(images, expected, tmp_path, suffix) -> None:
    from safetensors.torch import save_file

    path = tmp_path / f"weights.{suffix}"
    weights = {k: v + 0 for k, v in Convolutional().state_dict().items()}
    save_file(weights, path) if suffix == "safetensors" else torch.save(weights, path)
    settings = {**PREPROCESSING, "architecture": "tests.conftest:Convolutional"}
    torch.testing.assert_close(load(f"file:{path}", **settings).predict(images), expected)
    with pytest.raises(InputError, match="without an architecture"):
        load(f"file:{path}")
    with pytest.raises(InputError, match=r"another network: missing"):
        load(f"file:{path}", architecture="tests.conftest:Corner")


def test_weights_that_would_be_taken_for_others_are_refused(images, expected, tmp_path) -> None:
    path = tmp_path / "weights.pt"
    settings = {**PREPROCESSING, "architecture": "tests.conftest:Convolutional"}
    state = Convolutional().state_dict()
    torch.save({f"module.{key}": value for key, value in state.items()}, path)
    torch.testing.assert_close(load(f"file:{path}", **settings).predict(images), expected)
    torch.save({**state, "module.head.weight": torch.zeros(5, 8)}, path)
    with pytest.raises(InputError, match=r"two tensors for head.weight, head.weight and module"):
        load(f"file:{path}", **settings)
    torch.save({**state, "head.weight": (127 * state["head.weight"]).to(torch.int8)}, path)
    with pytest.raises(InputError, match=r"another type: head.weight of int8 instead of float32"):
        load(f"file:{path}", **settings)


def test_settings_replace_those_of_an_architecture(tmp_path, monkeypatch) -> None:
    from unsee.sources.timm import Timm

    torch.save(Convolutional().state_dict(), tmp_path / "weights.pt")
    (tmp_path / "names.txt").write_text("a\nb\nc\nd\ne\n", encoding="utf-8")
    own = toy(Convolutional())
    monkeypatch.setattr(Timm, "load", lambda self, name: own)
    spec = f"file:{tmp_path / 'weights.pt'},architecture=timm:resnet18"
    assert load(spec) == own
    changed = load(
        f"{spec},outputs=sigmoid,labels={tmp_path / 'names.txt'}",
        mean=(0.1, 0.2, 0.3),
        std=(2.0,) * 3,
        share=0.875,
    )
    assert (changed.kind, changed.labels) == ("sigmoid", tuple("abcde"))
    assert changed.mean == changed.data_mean == (0.1, 0.2, 0.3)
    assert changed.std == changed.data_std == (2.0,) * 3
    assert (changed.framing.size, changed.framing.share) == ((32, 32), 0.875)
    own.framing = Framing((32, 32), "crop", 0.5)
    assert load(spec, share=0.875).framing.share == 0.875
    own.framing = Framing((32, 32), "resize")
    with pytest.raises(InputError, match=r"share=0.5 has no effect: .* takes the whole photo"):
        load(spec, share=0.5)


class MaliciousPickle:
    """Creates a file when it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("evil-was-run"),))


def test_pickled_models_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(Convolutional(), "model.pth")
    torch.save({"state_dict": MaliciousPickle()}, "evil.pth")
    for name in ("model.pth", "evil.pth"):
        with pytest.raises(InputError, match=r"Pickled models are never loaded.*ONNX"):
            load(f"file:{name}", architecture="tests.conftest:Convolutional")
    assert not Path("evil-was-run").exists()


def test_damaged_files_are_refused(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.pt2", "w") as archive:
        archive.writestr("something", "else")
    with pytest.raises(InputError, match="cannot be loaded"):
        load(f"file:{tmp_path / 'bad.pt2'}", trust=True)


@pytest.mark.parametrize("name", ["model.pt2", "resnet.pth"])
def test_programs_are_refused_without_trust(images, tmp_path, monkeypatch, name) -> None:
    monkeypatch.chdir(tmp_path)
    program = torch.export.export(Convolutional().eval(), (images[:1],))
    torch.export.save(program, "model.pt2")
    Path("model.pt2").rename(name)
    with zipfile.ZipFile(name, "a") as archive:
        archive.writestr("model/data/sample_inputs/evil.pt", pickle.dumps(MaliciousPickle()))
    with pytest.raises(InputError, match=r"torch.export program.*trust=True.*safetensors"):
        load(f"file:{name}")
    assert not Path("evil-was-run").exists()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_is_refused_without_trust(images, tmp_path) -> None:
    torch.jit.trace(Convolutional().eval(), images[:1]).save(tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"TorchScript program.*trust=True.*safetensors"):
        load(f"file:{tmp_path / 'model.pt'}")


def test_load_trusts_programs_if_the_caller_does(images, expected, tmp_path) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(Convolutional().eval(), (images,)), path)
    loaded = load(f"file:{path}", trust=True, **PREPROCESSING)
    torch.testing.assert_close(loaded.predict(images), expected)
    with pytest.raises(InputError, match="trust=True") as error:
        load(f"file:{path}", trust=False)
    assert "set --trust if you" in error.value.in_shell()
    assert load("tests.conftest:Convolutional", trust=True)  # a source that loads no programs


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        ("model/data/aotinductor/model/net.wrapper.so", "compiled program"),
        ("model/extra/hooks.json", "torch.export program"),
        ("model/code/__torch__.py", "TorchScript program"),
    ],
)
@pytest.mark.parametrize("name", ["model.pt2", "weights.pth", "weights.safetensors"])
def test_every_archive_but_plain_weights_is_a_program(member, kind, name, tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("model/data.pkl", b"")
        archive.writestr(member, b"")
    with pytest.raises(InputError, match=rf"is an? {kind}.*can run any code.*ONNX"):
        load(f"file:{tmp_path / name}")
    with pytest.raises(InputError, match=f"^{tmp_path / name}: c(annot be loaded|ompiled)"):
        load(f"file:{tmp_path / name}", trust=True)


def test_onnx_files_name_their_source(tmp_path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(InputError, match="is loaded with blackbox:"):
        load(f"file:{tmp_path / 'model.onnx'}")
