"""Checkpoints that are no classifiers, or that bring code."""

import io
import json
import pickle
from contextlib import suppress
from pathlib import Path

import pytest
import torch

timm = pytest.importorskip("timm", reason="make test-ecosystem installs it")
torchvision = pytest.importorskip("torchvision", exc_type=(ImportError, RuntimeError))
transformers = pytest.importorskip("transformers")

from unsee import InputError, load  # noqa: E402
from unsee.sources._downloads import KERNEL_LOADERS  # noqa: E402

pytestmark = pytest.mark.ecosystem
TINY = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "image_size": 32, "patch_size": 16,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the image processor of a tiny network, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "net"
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def config():
    return transformers.ViTConfig(**TINY, num_labels=3)


def edit(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}), encoding="utf-8")


def test_checkpoints_without_a_head_are_refused(folder, capfd) -> None:
    transformers.ViTModel(config()).save_pretrained(folder)
    with pytest.raises(InputError, match=r"lacks 2 weights, such as classifier.bias, classifier"):
        load(f"transformers:{folder}")
    assert "LOAD REPORT" not in "".join(capfd.readouterr())


def test_checkpoints_with_another_number_of_classes_are_refused(folder) -> None:
    transformers.ViTForImageClassification(config()).save_pretrained(folder)
    names = {str(i): f"class {i}" for i in range(5)}
    edit(folder / "config.json", id2label=names, label2id={v: int(k) for k, v in names.items()})
    with pytest.raises(InputError, match=f"^transformers:{folder}: cannot be loaded") as error:
        load(f"transformers:{folder}")
    assert "\n" not in str(error.value)


def test_half_precision_checkpoints_are_run_in_full(folder) -> None:
    transformers.ViTForImageClassification(config()).half().save_pretrained(folder)
    classifier = load(f"transformers:{folder}", device="cpu")
    assert classifier.predict(torch.rand(1, 3, 32, 32)).shape == (1, 3)


def test_blue_first_networks_get_blue_first(folder) -> None:
    transformers.ViTForImageClassification(config()).save_pretrained(folder)
    processor = transformers.MobileViTImageProcessor(
        size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32}
    )
    processor.save_pretrained(folder)
    classifier = load(f"transformers:{folder}", device="cpu")
    images = torch.rand(2, 3, 32, 32)
    model = transformers.ViTForImageClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = model(images[:, [2, 1, 0]]).logits
    torch.testing.assert_close(classifier.predict(images), expected)


CODE = "from pathlib import Path\nPath('code-was-run').touch()\n"


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("answer", ["y\n", ""])
def test_code_of_checkpoints_is_never_run(folder, file, answer, monkeypatch) -> None:
    """Not even if standard input says yes."""
    transformers.ViTForImageClassification(config()).save_pretrained(folder)
    (folder / "code.py").write_text(
        f"{CODE}from transformers import *\nclass Net(ViTForImageClassification): pass\n"
        "class Config(ViTConfig): pass\nclass Processor(ViTImageProcessor): pass\n"
    )
    names = {
        "AutoConfig": "code.Config", "AutoModelForImageClassification": "code.Net",
        "AutoImageProcessor": "code.Processor",
    }  # fmt: skip
    kind = {"model_type": "own"} if file == "config.json" else {"image_processor_type": "Own"}
    edit(folder / file, auto_map=names, **kind)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer * 9))
    with pytest.raises(InputError, match="custom code") as error:
        load(f"transformers:{folder}")
    assert "\n" not in str(error.value)
    assert not Path("code-was-run").exists()


class Program:
    """Creates a file when it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("code-was-run"),))


def test_pickles_of_checkpoints_are_never_run(folder, monkeypatch) -> None:
    transformers.ViTForImageClassification(config()).save_pretrained(folder)
    (folder / "model.safetensors").unlink()
    torch.save({"a": Program()}, folder / "pytorch_model.bin")
    for variable in ("", "1"):
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", variable)
        with pytest.raises(InputError, match="cannot be loaded"):
            load(f"transformers:{folder}")
    assert not Path("code-was-run").exists()


def test_pickles_of_timm_folders_are_never_run(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text('{"architecture": "resnet18", "num_classes": 3}')
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Program()))
    with pytest.raises(InputError, match=r"^timm:local-dir:.*: cannot be loaded"):
        load(f"timm:local-dir:{tmp_path}")
    assert not Path("code-was-run").exists()


def test_timm_backbones_are_refused() -> None:
    with pytest.raises(InputError, match="not a classifier; it returns features"):
        load("timm:vit_small_patch14_dinov2", weights="none")


ENCODER = "vit_xsmall_patch16_clip_224.tinyclip_yfcc15m"


def test_timm_image_encoders_are_refused_before_a_download(monkeypatch) -> None:
    def create(*_: object, **__: object) -> None:
        raise OSError("a download")

    monkeypatch.setattr(timm, "create_model", create)
    for name in (ENCODER, "resnet50_clip", "convnext_base.clip_laion2b"):
        with pytest.raises(InputError, match=rf"^timm:{name}: not a classifier; .* numbers"):
            load(f"timm:{name}")
    others = ("resnet18", "resnet18.x", "vit_base_patch16_clip_224.laion2b_ft_in12k_in1k")
    for name in (*others, "mvitv2_base_cls.fb_inw21k", "vit_base_patch16_224.bamboo"):
        with pytest.raises(InputError, match="a download"):
            load(f"timm:{name}")


@pytest.mark.parametrize(("classes", "labels"), [(512, None), (512, ["a"] * 512), (3, None)])
def test_timm_folders_of_image_encoders_are_refused(classes, labels, tmp_path) -> None:
    model = timm.create_model(ENCODER, num_classes=classes, depth=1)
    config = {"model_args": {"depth": 1}, **({"label_names": labels} if labels else {})}
    timm.models.save_for_hf(model, tmp_path, config)
    if classes == 512 and not labels:
        with pytest.raises(InputError, match="not a classifier; it returns 512 numbers"):
            load(f"timm:local-dir:{tmp_path}", device="cpu")
    else:
        assert load(f"timm:local-dir:{tmp_path}", device="cpu").model.num_classes == classes


@pytest.mark.parametrize("name", ["torchvision:resnet18", "timm:resnet18"])
def test_weights_of_another_number_of_classes_are_refused(name, tmp_path) -> None:
    model = torchvision.models.resnet18(weights=None, num_classes=7)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"fc.weight \(7, 512\) instead of \(1000, 512\)"):
        load(name, weights=str(tmp_path / "w.pth"))


@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_weights_of_googlenet_in_a_file_run_as_published(tmp_path) -> None:
    model = torchvision.models.googlenet(weights=None, init_weights=False, transform_input=True)
    torch.save(model.eval().state_dict(), tmp_path / "w.pth")
    for spec in (
        f"torchvision:googlenet,weights={tmp_path}/w.pth",
        f"file:{tmp_path}/w.pth,architecture=torchvision:googlenet",
    ):
        classifier, x = load(spec), torch.rand(1, 3, 224, 224)
        torch.testing.assert_close(classifier.logits(x), model(classifier.normalise(x)))


def test_timm_configuration_of_the_checkpoint_is_used(tmp_path) -> None:
    timm.create_model("resnet18", num_classes=3)
    values = {
        "architecture": "resnet18", "num_classes": 3, "label_names": ["a", "b", "c"],
        "pretrained_cfg": {
            "input_size": [3, 96, 64], "mean": [0.1] * 3, "std": [0.3] * 3, "crop_pct": 1.0,
            "crop_mode": "squash", "interpolation": "bilinear", "num_classes": 3,
        },
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(values), encoding="utf-8")
    classifier = load(f"timm:local-dir:{tmp_path}", weights="none", device="cpu")
    framing = classifier.framing
    assert (framing.size, framing.fit, framing.interpolation) == ((96, 64), "resize", "bilinear")
    assert (classifier.mean, classifier.std) == ((0.1,) * 3, (0.3,) * 3)


@pytest.mark.parametrize("name", ["timm:resnet18", "torchvision:resnet18"])
def test_random_state_is_kept(name) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    load(name, weights="none", device="cpu")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("key", ["_attn_implementation", "_attn_implementation_internal"])
def test_a_configuration_that_passes_the_check_loads_no_compiled_code(
    folder, monkeypatch, key
) -> None:
    from transformers.integrations import hub_kernels

    called: list[str] = []
    for name in (name for name in KERNEL_LOADERS if hasattr(hub_kernels, name)):
        monkeypatch.setattr(hub_kernels, name, called.append)
    transformers.ViTForImageClassification(config()).save_pretrained(folder)
    edit(folder / "config.json", **{key: "owner/code"})
    with pytest.raises(InputError, match="names compiled code of a hub"):
        load(f"transformers:{folder}")
    monkeypatch.setattr("unsee.sources.transformers.check_no_kernels", lambda *_: None)
    with suppress(InputError):  # a version that does not read the key
        load(f"transformers:{folder}")
    assert called == []
