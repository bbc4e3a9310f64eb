"""Pixels of checkpoints of transformers: ours against those of their own image processors.

The networks are tiny and untrained; the preprocessor configurations are those that the authors
published, in the notation of the time (`size` as a number, `feature_extractor_type`).
"""

import json

import numpy as np
import pytest
import torch

transformers = pytest.importorskip("transformers", reason="make test-ecosystem installs it")

from PIL import Image  # noqa: E402
from skimage.data import chelsea  # noqa: E402
from skimage.filters import gaussian  # noqa: E402

from unsee import InputError, load  # noqa: E402
from unsee.images import reading  # noqa: E402

pytestmark = pytest.mark.ecosystem

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
CLIP = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
OLD = {"do_normalize": True, "do_resize": True}
NEW = {**OLD, "do_rescale": True, "rescale_factor": 1 / 255}
BILINEAR, BICUBIC = {"resample": 2}, {"resample": 3}
CENTRE = {"do_center_crop": True}


def square(side):
    return {"height": side, "width": side}


def old(kind, size, *parts, **more):
    """Return a configuration as published before 2023."""
    merged = {key: value for part in parts for key, value in part.items()}
    return (
        {**OLD, "feature_extractor_type": f"{kind}FeatureExtractor", "size": size} | merged | more
    )


def new(kind, size, *parts, **more):
    merged = {key: value for part in parts for key, value in part.items()}
    name = f"{kind}ImageProcessor"
    return {**NEW, "image_processor_type": name, "size": size} | merged | more


def efficientnet(side):
    std = [0.47853944, 0.4732864, 0.47434163]
    return new(
        "EfficientNet", square(side), IMAGENET, do_center_crop=False, crop_size=square(289),
        include_top=True, rescale_offset=False, resample=0, image_std=std,
    )  # fmt: skip


VIT = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
}  # fmt: skip
STAGES = {"hidden_sizes": [8] * 4, "depths": [1] * 4}
SWIN = {"embed_dim": 8, "depths": [1] * 4, "num_heads": [1, 1, 2, 2]}
DINO = {**VIT, "image_size": 224, "patch_size": 14}
PVT = {
    "depths": [1] * 4, "hidden_sizes": [8] * 4, "num_attention_heads": [1] * 4,
    "mlp_ratios": [2] * 4,
}  # fmt: skip
EFFICIENTNET = {"width_coefficient": 0.1, "depth_coefficient": 0.1, "hidden_dim": 64}
SHORT = {"shortest_edge": 256}
CASES = {
    "vit": ("ViT", VIT, new("ViT", square(224), HALF, BILINEAR)),
    "vit-384": ("ViT", VIT, old("ViT", 384, HALF, BILINEAR)),
    "deit": ("DeiT", VIT, old("DeiT", 256, CENTRE, IMAGENET, BICUBIC, crop_size=224)),
    "beit": ("Beit", VIT, old("Beit", 224, HALF, BILINEAR, do_center_crop=False, crop_size=224)),
    "data2vec": ("Data2VecVision", VIT, old("Beit", 224, HALF, BILINEAR, do_center_crop=False)),
    "swin": ("Swin", SWIN, old("ViT", 224, IMAGENET, BICUBIC)),
    "swinv2": ("Swinv2", SWIN, new("ViT", square(256), IMAGENET, BICUBIC)),
    "convnext-224": ("ConvNext", STAGES, old("ConvNext", 224, IMAGENET, BICUBIC, crop_pct=0.875)),
    "convnext-384": ("ConvNext", STAGES, old("ConvNext", 384, IMAGENET, BICUBIC, crop_pct=1.0)),
    "convnextv2": (
        "ConvNextV2", STAGES,
        new("ConvNext", {"shortest_edge": 224}, IMAGENET, BICUBIC, crop_pct=0.875),
    ),
    "resnet": (
        "ResNet", {"embedding_size": 8, **STAGES},
        old("ConvNext", 224, IMAGENET, BICUBIC, crop_pct=0.875),
    ),
    "regnet": (
        "RegNet", {"embedding_size": 8, "groups_width": 8, **STAGES},
        old("ConvNext", 224, IMAGENET, BICUBIC, crop_pct=0.875),
    ),
    "levit": (
        "Levit",
        {"hidden_sizes": [16] * 3, "num_attention_heads": [1] * 3, "depths": [1] * 3,
         "key_dim": [8] * 3},
        old("Levit", 224, CENTRE, IMAGENET, BICUBIC),
    ),
    "mobilenet-v1": (
        "MobileNetV1", {"depth_multiplier": 0.1},
        new("MobileNetV1", SHORT, CENTRE, HALF, BILINEAR, crop_size=square(224)),
    ),
    "mobilenet-v2": (
        "MobileNetV2", {"depth_multiplier": 0.1},
        new("MobileNetV2", SHORT, CENTRE, HALF, BILINEAR, crop_size=square(224)),
    ),
    "mobilevit": (
        "MobileViT",
        {"hidden_sizes": [8] * 3, "neck_hidden_sizes": [8] * 7, "num_attention_heads": 2},
        old("MobileViT", 288, CENTRE, BILINEAR, crop_size=256, do_flip_channel_order=True),
    ),
    "mobilevitv2": (
        "MobileViTV2", {"width_multiplier": 0.1, "base_attn_unit_dims": [8] * 3},
        new("MobileViT", {"shortest_edge": 288}, CENTRE, BILINEAR, crop_size=square(256),
            do_flip_channel_order=True, do_normalize=False),
    ),
    "efficientnet-b0": ("EfficientNet", EFFICIENTNET, efficientnet(224)),
    "efficientnet-b7": ("EfficientNet", EFFICIENTNET, efficientnet(600)),
    "poolformer": (
        "PoolFormer", STAGES,
        old("PoolFormer", 224, IMAGENET, BICUBIC, crop_pct=0.9, do_resize_and_center_crop=True),
    ),
    "pvt": (
        "Pvt", {**PVT, "sequence_reduction_ratios": [1] * 4},
        new("Pvt", square(224), IMAGENET, BILINEAR),
    ),
    "pvt-v2": (
        "PvtV2", {**PVT, "image_size": 224}, new("Pvt", square(224), IMAGENET, BILINEAR)
    ),
    "cvt": (
        "Cvt", {"embed_dim": [8] * 3, "num_heads": [1] * 3, "depth": [1, 2, 3]},
        old("ConvNext", 224, IMAGENET, BICUBIC),
    ),
    "focalnet": (
        "FocalNet", {"embed_dim": 8, "depths": [1] * 4},
        new("Bit", SHORT, CENTRE, IMAGENET, BICUBIC, crop_size=square(224), do_convert_rgb=True),
    ),
    "swiftformer": (
        "SwiftFormer", {"depths": [1] * 4, "embed_dims": [8] * 4},
        new("ViT", square(224), IMAGENET, BICUBIC),
    ),
    "dinov2": (
        "Dinov2", DINO,
        new("Bit", SHORT, CENTRE, IMAGENET, BICUBIC, crop_size=square(224), do_convert_rgb=True),
    ),
    "dinov2-with-registers": (
        "Dinov2WithRegisters", DINO,
        new("Bit", SHORT, CENTRE, IMAGENET, BICUBIC, crop_size=square(224), do_convert_rgb=True),
    ),
    "bit": (
        "Bit", {"hidden_sizes": [32] * 4, "depths": [1] * 4, "embedding_size": 32, "num_groups": 8},
        new("Bit", square(448), CENTRE, HALF, BILINEAR, crop_size=square(448)),
    ),
    "vit-msn": ("ViTMSN", VIT, old("ViT", 224, IMAGENET, BICUBIC)),
    "hiera": (
        "Hiera", {"embed_dim": 8, "depths": [1] * 4, "num_heads": [1, 1, 2, 2]},
        new("Bit", SHORT, CENTRE, IMAGENET, BICUBIC, crop_size=square(224)),
    ),
    "i-jepa": ("IJepa", VIT, new("ViT", square(224), IMAGENET, BILINEAR)),
    "clip": (
        "CLIP", {"vision_config": {**VIT, "patch_size": 32}, "text_config": VIT},
        old("CLIP", 224, CENTRE, CLIP, BICUBIC, crop_size=224),
    ),
    "siglip": (
        "Siglip", {"vision_config": VIT, "text_config": VIT},
        new("Siglip", square(224), HALF, BICUBIC),
    ),
    "segformer": (
        "Segformer",
        {"hidden_sizes": [8] * 4, "depths": [1] * 4, "num_attention_heads": [1] * 4},
        old("Segformer", 512, IMAGENET, BILINEAR, reduce_labels=False),
    ),
    "perceiver": (
        "Perceiver",
        {"num_latents": 4, "d_latents": 8, "d_model": 8, "num_blocks": 1,
         "num_self_attends_per_block": 1, "num_self_attention_heads": 1,
         "num_cross_attention_heads": 1},
        old("Perceiver", 224, CENTRE, IMAGENET, BICUBIC, crop_size=256),
    ),
    # Not published, but the same classes of image processors with other settings.
    "rescale-factor": (
        "ViT", VIT, new("ViT", square(224), BILINEAR, do_normalize=False, rescale_factor=1 / 127.5)
    ),
    "one-mean": ("ViT", VIT, new("ViT", square(224), BILINEAR, image_mean=0.5, image_std=0.5)),
    "rescale-offset": (
        "EfficientNet", EFFICIENTNET,
        new("EfficientNet", square(224), HALF, BILINEAR, do_normalize=False, include_top=False,
            rescale_factor=1 / 127.5, rescale_offset=True),
    ),
    "grey-levels": (
        "ViT", VIT, new("ViT", square(224), BILINEAR, do_normalize=False, do_rescale=False)
    ),
}  # fmt: skip
"""Class of the network, its sizes, and the preprocessor configuration."""

REFUSED = {
    "textnet": (
        "TextNet", {"conv_layer_kernel_sizes": [[[3, 3]]] * 4, "conv_layer_strides": [[2]] * 4,
                    "hidden_sizes": [8] * 5},
        new("TextNet", {"shortest_edge": 640}, IMAGENET, size_divisor=32),
        "makes inputs whose size depends on the photo's",
    ),
    "imagegpt": (
        "ImageGPT", {"n_embd": 8, "n_layer": 1, "n_head": 1, "vocab_size": 9},
        old("ImageGPT", 32, resample=2, clusters=[[-0.5] * 3, [0.5] * 3]),
        "in place of pixel_values",
    ),
    "siglip2": (
        "Siglip2", {"vision_config": {**VIT, "num_patches": 16}, "text_config": VIT},
        new("Siglip2", square(224), HALF, patch_size=16, max_num_patches=16),
        r"returns an array \(16, 768\)",
    ),
    "donut": (
        "DonutSwin", SWIN, old("Donut", [480, 320], HALF, BILINEAR, do_thumbnail=True, do_pad=True),
        "pads photos",
    ),
    "no-resize": (
        "ViT", VIT, new("ViT", square(224), HALF, do_resize=False),
        "makes inputs whose size depends on the photo's",
    ),
    "fixed-crop": (
        "DeiT", VIT, new("DeiT", square(224), CENTRE, HALF, do_resize=False, crop_size=square(224)),
        "no fixed share",
    ),
}  # fmt: skip
"""As `CASES`, and the reason in the error message."""


def saved(folder, kind, sizes, preprocessor):
    config = getattr(transformers, f"{kind}Config")(**sizes, num_labels=3)
    torch.manual_seed(0)
    name = f"{kind}ForImageClassification{'ConvProcessing' if kind == 'Perceiver' else ''}"
    getattr(transformers, name)(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), encoding="utf-8")
    return f"transformers:{folder}"


@pytest.fixture(scope="module")
def photos():
    """A photo without its finest details, in two shapes."""
    smooth = np.rint(255 * gaussian(chelsea(), 8, channel_axis=2)).astype(np.uint8)
    return [Image.fromarray(smooth).resize(size, Image.Resampling.BICUBIC)
            for size in ((640, 425), (500, 750))]  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_pixels_equal_those_of_the_image_processor(name, photos, tmp_path) -> None:
    classifier = load(saved(tmp_path, *CASES[name]), device="cpu")
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    for photo in photos:
        theirs = torch.as_tensor(processor(images=photo, return_tensors="pt")["pixel_values"])
        shown = classifier.framing.show(reading.from_array(photo))
        ours = classifier.normalise(shown)
        if hasattr(classifier.model, "network"):  # takes the channels in reverse
            ours = ours.flip(1)
        unit = 255 if name == "grey-levels" else 1
        assert (ours - theirs).abs().mean() < 1e-2 * unit


@pytest.mark.parametrize("name", REFUSED)
def test_other_image_processors_are_refused(name, tmp_path) -> None:
    *checkpoint, reason = REFUSED[name]
    with pytest.raises(InputError, match=rf"^transformers:.*{reason}") as error:
        load(saved(tmp_path, *checkpoint), device="cpu")
    assert "\n" not in str(error.value)
