"""Layers of class activation maps, and baselines, in CNNs, ViTs and Swin transformers."""

import pytest
import torch

timm = pytest.importorskip("timm", reason="make test-ecosystem installs timm")
torchvision = pytest.importorskip("torchvision", exc_type=(ImportError, RuntimeError))
pytest.importorskip("pytorch_grad_cam")

from unsee import InputError, create, explain, load  # noqa: E402
from unsee.methods import _layer  # noqa: E402

pytestmark = pytest.mark.ecosystem
LAYERS = {  # name of the layer, spatial positions at 224 pixels
    "torchvision:resnet50": ("layer4", 49),
    "torchvision:vgg11": ("avgpool", 49),
    "torchvision:vit_b_16": ("encoder.layers.encoder_layer_11.ln_1", 196),
    "torchvision:swin_t": ("features.7.1.norm1", 49),
    "timm:efficientnet_b0": ("bn2", 49),
    "timm:vit_tiny_patch16_224": ("blocks.11.norm1", 196),
    "timm:vit_small_patch16_dinov3": ("blocks.11.norm1", 196),
    "timm:deit_tiny_distilled_patch16_224": ("blocks.11.norm1", 196),
    "timm:swin_tiny_patch4_window7_224": ("layers.3.blocks.1.norm1", 49),
    "timm:convnext_atto": ("norm_pre", 49),
}


@pytest.fixture(scope="module", params=LAYERS)
def network(request):
    torch.manual_seed(0)
    classifier = load(request.param, weights="none", device="cpu")
    for parameter in classifier.model.parameters():  # a head of zeros has no gradient
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.01)
    return request.param, classifier


def test_layer_gives_a_spatial_map(network) -> None:
    spec, classifier = network
    x = torch.rand(1, 3, *classifier.framing.size)
    layer = _layer.find(classifier.model, x)
    outputs = []
    hook = layer.module.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    with torch.no_grad():
        classifier.model(x)
    hook.remove()
    output = layer.spatial(outputs[-1]) if layer.spatial else outputs[-1]
    name, positions = LAYERS[spec]
    assert layer.name == name
    assert output.ndim == 4
    side = classifier.framing.size[0] // 224 or 1
    assert output.shape[2] * output.shape[3] >= positions * side**2


@pytest.mark.parametrize(
    "method", ["grad_cam", "layer_cam", "eigen_cam", "guided_backprop", "gradient"]
)
def test_baselines_give_a_map_and_leave_the_model_unchanged(network, method) -> None:
    _, classifier = network
    image = torch.rand(1, 3, *classifier.framing.size, generator=torch.Generator().manual_seed(0))
    before = {k: v.clone() for k, v in classifier.model.state_dict().items()}
    saliency = explain(classifier, image, method).saliency
    assert saliency.isfinite().all()
    assert saliency.std() > 0
    after = classifier.model.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert all(p.grad is None for p in classifier.model.parameters())
    assert not any(module._forward_hooks for module in classifier.model.modules())


def test_unknown_layer_is_refused_with_suggestions(network) -> None:
    _, classifier = network
    image = torch.rand(1, 3, *classifier.framing.size)
    with pytest.raises(InputError, match="try "):
        explain(classifier, image, create("methods", "grad_cam", layer="nothing_of_this_name"))
