"""Layers of class activation maps, and baselines, in CNNs, ViTs and Swin transformers."""

from collections import Counter

import numpy as np
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
    "timm:vit_dwee_patch16_reg1_gap_256": ("blocks.13.norm1", 196),
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


@pytest.mark.parametrize("method", ["grad_cam", "layer_cam", "eigen_cam", "score_cam"])
def test_a_layer_before_an_operation_in_place_has_the_same_map(method) -> None:
    maps = []
    for inplace in (False, True):
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3, 2, 1),
            torch.nn.ReLU(inplace), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
            torch.nn.Linear(8, 4),
        ).eval()  # fmt: skip
        image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        maps.append(explain(network, image, method, layer="2", targets=1).saliency)
        assert not any(module._forward_hooks for module in network)
    assert maps[0].std() > 0
    assert torch.equal(*maps)


@pytest.mark.parametrize("negated", [False, True])
def test_eigen_cam_is_upright_whatever_the_sign_of_the_component(negated, monkeypatch) -> None:
    """The map is high on the object, and mirrored for the mirror image."""
    svd = np.linalg.svd

    def turned(*arguments, **settings):
        u, s, vt = svd(*arguments, **settings)
        return (-u, s, -vt) if negated else (u, s, vt)

    monkeypatch.setattr(np.linalg, "svd", turned)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 1), torch.nn.ReLU(), torch.nn.AvgPool2d(4),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 3),
    ).eval()  # fmt: skip
    image = torch.full((1, 3, 32, 32), 0.2)
    image[..., 4:12, 16:24] = 0.9
    with torch.no_grad():
        network[0].weight.fill_(0.5)
        network[0].bias.copy_(torch.tensor([0.0, -0.1, 0.1, 0.2]))
    maps = [
        explain(network, x, "eigen_cam", layer="2", targets=1).saliency[0]
        for x in (image, image.flip(-1))
    ]
    assert maps[0][6:10, 18:22].min() > 0.9
    assert maps[0][16:].max() < 0.1
    torch.testing.assert_close(maps[1], maps[0].flip(-1), atol=1e-3, rtol=0)


def test_unknown_layer_is_refused_with_suggestions(network) -> None:
    _, classifier = network
    image = torch.rand(1, 3, *classifier.framing.size)
    with pytest.raises(InputError, match="try "):
        explain(classifier, image, create("methods", "grad_cam", layer="nothing_of_this_name"))


ARCHITECTURES = [
    "resnet18", "resnext26ts", "seresnet18", "densenet121", "vgg11", "xception41",
    "efficientnet_b0", "tf_efficientnetv2_b0", "mobilenetv3_small_050", "mobilevit_xxs",
    "mobilevitv2_050", "regnetx_002", "convnext_atto", "convnextv2_atto", "mixer_s32_224",
    "gmixer_12_224", "resmlp_12_224", "gmlp_ti16_224", "vit_tiny_patch16_224",
    "deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224", "deit3_small_patch16_224",
    "eva02_tiny_patch14_224", "cait_xxs24_224", "xcit_nano_12_p16_224",
    "swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256", "swinv2_cr_tiny_ns_224",
    "mvitv2_tiny", "nest_tiny", "pit_ti_224", "pvt_v2_b0", "poolformer_s12", "poolformerv2_s12",
    "caformer_s18", "convformer_s18", "coat_tiny", "coat_lite_tiny", "coatnet_nano_rw_224",
    "coatnet_0_rw_224", "maxvit_pico_rw_256", "maxxvit_rmlp_nano_rw_256", "efficientformer_l1",
    "efficientformerv2_s0", "edgenext_xx_small", "fastvit_t8", "repvit_m0_9", "gcvit_xxtiny",
    "davit_tiny", "focalnet_tiny_srf", "twins_pcpvt_small", "twins_svt_small", "volo_d1_224",
    "crossvit_tiny_240", "hrnet_w18_small", "dla34", "dpn48b", "ghostnet_050", "hardcorenas_a",
    "inception_next_atto", "hgnet_tiny", "ese_vovnet19b_dw", "sequencer2d_s",
    "tnt_s_legacy_patch16_224", "vit_wee_patch16_reg1_gap_256", "vit_pwee_patch16_reg1_gap_256",
    "vit_small_patch16_dinov3", "hiera_tiny_224", "nextvit_small", "starnet_s1", "rdnet_tiny",
    "cspresnet50", "lambda_resnet26t", "swiftformer_xs", "mambaout_femto", "efficientvit_b0",
]  # fmt: skip
"""Architectures of timm whose random weights preserve positions."""
LAST_STAGES = {
    "inception_v3": "Mixed_7c",
    "levit_128s": "stages",
    "lcnet_035": "blocks",
    "mnasnet_050": "bn2",
    "mobilenetv4_conv_small": "blocks",
    "mobileone_s0": "final_conv",
    "repvgg_a0": "final_conv",
    "shvit_s1": "stages",
    "tiny_vit_5m_224": "stages",
    "visformer_tiny": "norm",
}
"""Last layers with rows and columns of architectures whose random weights mix all positions."""
SIDES = (128, 224, 256)
"""Sides of the images in pixels that are tried, in this order."""


def untrained(architecture: str) -> tuple[torch.nn.Module, int]:
    """A network with random weights, and a side of images that it takes."""
    for side in SIDES:
        for settings in ({"img_size": side}, {}):
            torch.manual_seed(0)
            try:
                network = timm.create_model(architecture, num_classes=10, **settings).eval()
                with torch.no_grad():
                    network(torch.zeros(1, 3, side, side))
            except (AssertionError, RuntimeError, TypeError, ValueError):
                continue
            for parameter in network.parameters():  # residual branches begin with zeros
                if not parameter.any():
                    torch.nn.init.normal_(parameter, std=0.1)
            return network, side
    raise AssertionError(architecture)


def change_in_the_upper_left(network: torch.nn.Module, layer, side: int) -> torch.Tensor:
    """Where the layer's maps change if the upper left quarter of three images is negated."""
    x = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    x = x.repeat_interleave(side // 8, 2).repeat_interleave(side // 8, 3)
    changed = x.clone()
    changed[..., : side // 2, : side // 2] *= -1
    outputs = []
    hook = layer.module.register_forward_hook(lambda *arguments: outputs.append(arguments[2]))
    with torch.no_grad():
        network(torch.cat([x, changed]))
    hook.remove()
    maps = layer.spatial(outputs[0]) if layer.spatial else outputs[0]
    before, after = maps.float().chunk(2)
    return (after - before).abs().sum(1).mean(0)


def verdict(architecture: str) -> str:
    """Whether the default layer is right, wrong or refused, and its name."""
    network, side = untrained(architecture)
    try:
        layer = _layer.find(network, torch.zeros(1, 3, side, side))
    except InputError as error:
        return f"refused: {error}"
    change = change_in_the_upper_left(network, layer, side)
    rows, columns = (torch.linspace(-1, 1, n) for n in change.shape)
    mean = ((change.sum(1) @ rows) / change.sum(), (change.sum(0) @ columns) / change.sum())
    if architecture in LAST_STAGES:
        is_right = layer.name == LAST_STAGES[architecture]
    else:
        is_right = bool(max(mean) < -0.02)
    return f"{'right' if is_right else 'wrong'}: {layer.name} {tuple(change.shape)} {mean}"


def test_layer_follows_the_image_in_many_architectures() -> None:
    """At least 60 architectures; no layer is wrong, few are refused."""
    names = [*ARCHITECTURES, *LAST_STAGES]
    verdicts = {name: verdict(name) for name in names}
    counts = Counter(text.split(":")[0] for text in verdicts.values())
    print(len(names), "architectures:", dict(counts))
    assert len(names) >= 60
    assert not {name: text for name, text in verdicts.items() if text.startswith("wrong")}
    assert counts["refused"] <= 2, verdicts


def test_the_layer_is_in_the_provenance(network) -> None:
    spec, classifier = network
    image = torch.rand(1, 3, *classifier.framing.size)
    explanation = explain(classifier, image, "eigen_cam")
    assert explanation.provenance["method"]["layer"] == LAYERS[spec][0]
