"""Methods on models of torchvision, timm and transformers with random weights."""

import json
import shutil

import pytest
import torch

timm = pytest.importorskip("timm", reason="make test-ecosystem installs timm")
torchvision = pytest.importorskip("torchvision", exc_type=(ImportError, RuntimeError))
transformers = pytest.importorskip("transformers")

from unsee import InputError, create, load  # noqa: E402
from unsee.images import reading  # noqa: E402
from unsee.integrations.captum import Attribution  # noqa: E402
from unsee.study import Study  # noqa: E402

pytestmark = pytest.mark.ecosystem
METHODS = {
    "fido": {"steps": 2, "samples": 2, "grid": 14},
    "igos_pp": {"steps": 2, "path": 2, "grid": 14},
    "rise": {"samples": 8},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A transformers model that was saved to a folder."""
    folder = tmp_path_factory.mktemp("vit")
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        image_size=64, patch_size=16, id2label={0: "cat", 1: "dog", 2: "bird"},
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def explain_untrained(classifier, images, method):
    """Explain a network whose random weights may give all masks the same score."""
    study = Study.of(classifier, images, create("methods", method, **METHODS[method]))
    study.accepts_constant = True
    return study.finish()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "spec",
    [
        "torchvision:resnet50",
        "timm:vit_tiny_patch16_224",
        "timm:swin_tiny_patch4_window7_224",
        "torchvision:mobilenet_v3_small",
    ],
)
def test_networks_with_random_weights_are_explained(spec, method) -> None:
    torch.manual_seed(0)
    classifier = load(spec, weights="none", device="cpu")
    assert classifier.framing.size == (224, 224)
    assert len(classifier.labels) == 1000
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    before = {k: v.clone() for k, v in classifier.model.state_dict().items()}
    explained = explain_untrained(classifier, image, method)
    assert explained.saliency.shape == (1, 224, 224)
    assert explained.saliency.isfinite().all()
    after = classifier.model.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert all(p.grad is None for p in classifier.model.parameters())


@pytest.mark.parametrize("method", METHODS)
def test_transformers_model_in_a_folder_is_explained(folder, method) -> None:
    classifier = load(f"transformers:{folder}", device="cpu")
    assert classifier.framing.size == (64, 64)
    assert classifier.framing.fit == "resize"
    assert classifier.labels == ("cat", "dog", "bird")
    assert classifier.mean == (0.5, 0.5, 0.5)
    image = torch.rand(2, 3, 64, 64)
    explained = explain_untrained(classifier, image, method)
    assert explained.saliency.isfinite().all()


@pytest.mark.parametrize(
    ("problem", "outputs"),
    [("multi_label_classification", "sigmoid"), ("single_label_classification", "softmax"),
     ("regression", "regression"), (None, "softmax")],
)  # fmt: skip
def test_transformers_models_name_their_outputs(folder, tmp_path, problem, outputs) -> None:
    shutil.copytree(folder, tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "problem_type": problem}))
    classifier = load(f"transformers:{tmp_path / 'model'}", device="cpu")
    x = torch.rand(2, 3, 64, 64)
    logits = classifier.predict(x)
    assert classifier.settings()["outputs"] == outputs
    if outputs != "regression":
        expected = logits.sigmoid() if outputs == "sigmoid" else logits.softmax(1)
        torch.testing.assert_close(classifier.probabilities(x), expected)


def test_preprocessing_equals_torchvisions() -> None:
    """Compare one crop and resize with the transform of the weights, on a photo."""
    from PIL import Image
    from skimage.data import chelsea

    weights = torchvision.models.ResNet50_Weights.DEFAULT
    classifier = load("torchvision:resnet50", weights="none", device="cpu")
    theirs = weights.transforms()(Image.fromarray(chelsea()))
    shown = classifier.framing.show(reading.from_array(chelsea()))
    ours = classifier.normalise(shown)[0]
    assert (ours - theirs).abs().mean() < 0.08


def test_preprocessing_equals_timms() -> None:
    from PIL import Image
    from skimage.data import chelsea

    classifier = load("timm:vit_tiny_patch16_224", weights="none", device="cpu")
    seen = timm.data.resolve_model_data_config(classifier.model)
    theirs = timm.data.create_transform(**seen)(Image.fromarray(chelsea()))
    ours = classifier.normalise(classifier.framing.show(reading.from_array(chelsea())))[0]
    assert (ours - theirs).abs().mean() < 0.06


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("torchvision:resnet5O", "did you mean 'resnet50'"),
        ("timm:vit_tny_patch16_224", "did you mean 'vit_tiny"),
        ("transformers:/nowhere/at/all", "could not download"),
        ("torchvision:resnet18", "could not download"),
    ],
)
def test_models_that_cannot_be_downloaded_are_refused(spec, words, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", _no_network)
    with pytest.raises(InputError, match=words):
        load(spec)


def _no_network(*_, **__) -> None:
    raise OSError("no network")


def test_weights_of_a_local_file_are_loaded(tmp_path) -> None:
    torch.manual_seed(3)
    model = torchvision.models.resnet18(weights=None).eval()
    torch.save(model.state_dict(), tmp_path / "w.pth")
    image = torch.rand(1, 3, 224, 224)
    for loaded in (
        load("torchvision:resnet18", weights=str(tmp_path / "w.pth"), device="cpu"),
        load(f"file:{tmp_path / 'w.pth'}", architecture="torchvision:resnet18", device="cpu"),
    ):
        with torch.no_grad():
            torch.testing.assert_close(loaded.predict(image), model(loaded.normalise(image)))


def test_attribution_has_captums_interface() -> None:
    """The same call as a gradient method of Captum returns the same shape."""
    from captum.attr import Saliency

    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None).eval()
    mean, std = (
        torch.tensor(v).view(-1, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    inputs = (torch.rand(2, 3, 64, 64) - mean) / std
    theirs = Saliency(model).attribute(inputs.clone().requires_grad_(), target=3)
    ours = Attribution(model, method=create("methods", "rise", samples=8)).attribute(
        inputs, target=3
    )
    assert ours.shape == theirs.shape
