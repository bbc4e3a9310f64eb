"""Folders of transformers that are hostile: code of their own, no head, lies."""

import json
from functools import partial
from importlib.util import find_spec

import numpy as np

from tests.hostile import payloads
from tests.hostile.cases import EITHER, REFUSED, case
from tests.hostile.models import loads, safetensors, tensor

FAMILY = "hub_folders"
CONFIG = {
    "architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 16,
    "image_size": 32, "intermediate_size": 16, "num_attention_heads": 2, "num_channels": 3,
    "num_hidden_layers": 1, "patch_size": 16, "id2label": {"0": "cat", "1": "dog", "2": "cow"},
    "label2id": {"cat": 0, "dog": 1, "cow": 2},
}  # fmt: skip
PROCESSOR = {
    "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5] * 3,
    "image_processor_type": "ViTImageProcessor", "image_std": [0.5] * 3, "resample": 2,
    "rescale_factor": 1 / 255, "size": {"height": 32, "width": 32},
}  # fmt: skip
REMOTE = {
    "AutoConfig": "evil.EvilConfig", "AutoModelForImageClassification": "evil.EvilModel",
    "AutoImageProcessor": "evil.EvilProcessor",
}  # fmt: skip


def weights(head=True, backbone=True) -> bytes:
    """Return the weights of the small network, with or without parts of it."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    model = ViTForImageClassification(ViTConfig(**CONFIG))
    header, body = {}, b""
    for name, value in model.state_dict().items():
        if (head or "classifier" not in name) and (backbone or "classifier" in name):
            content = np.ascontiguousarray(value.numpy()).tobytes()
            header[name] = tensor(list(value.shape), len(body), len(body) + len(content))
            body += content
    header["__metadata__"] = {"format": "pt"}
    return safetensors(header, body)


def folder(arena, config=None, processor=None, tensors=None, expected=REFUSED, files=()):
    """Write a folder and return the actions that load it."""
    arena.write("hub/config.json", json.dumps(CONFIG | (config or {})))
    arena.write("hub/preprocessor_config.json", json.dumps(PROCESSOR | (processor or {})))
    if tensors is not False:
        arena.write("hub/model.safetensors", weights() if tensors is None else tensors)
    arena.write("hub/evil.py", f"open({str(arena.canary)!r}, 'w')\n")
    for name, content in files:
        arena.write(f"hub/{name}", content)
    return loads(arena, "transformers:hub", expected)


CHANGES = {
    "code for the model": ({"auto_map": REMOTE, "model_type": "evil"}, {}),
    "code for a known model": ({"auto_map": REMOTE}, {}),
    "code for the processor": ({}, {"auto_map": REMOTE, "image_processor_type": "Evil"}),
    "code of another repository": ({"auto_map": {k: f"a/b--{v}" for k, v in REMOTE.items()},
                                    "model_type": "evil"}, {}),
    "no labels": ({"id2label": {}, "label2id": {}}, {}),
    "labels of another number": ({"id2label": {str(n): f"c{n}" for n in range(9)}}, {}),
    "an unknown model": ({"model_type": "nothing", "architectures": ["Nothing"]}, {}),
    "a size of text": ({"hidden_size": "big"}, {}), "a size of 0": ({"hidden_size": 0}, {}),
    "a billion layers": ({"num_hidden_layers": 10**9}, {}),
    "a hidden size of a billion": ({"hidden_size": 10**9}, {}),
    "four channels": ({"num_channels": 4}, {}),
    "means of text": ({}, {"image_mean": "grey"}), "two means": ({}, {"image_mean": [0.5, 0.5]}),
    "a std of 0": ({}, {"image_std": [0.0] * 3}), "a photo size of 0": ({}, {"size": {"height": 0,
    "width": 0}}),
    "a photo size of a billion": ({}, {"size": {"height": 10**9, "width": 10**9}}),
    "a photo size of text": ({}, {"size": "big"}), "no photo size": ({}, {"size": None}),
    "a factor of NaN": ({}, {"rescale_factor": float("nan")}),
    "a factor of 1/127.5": ({}, {"rescale_factor": 1 / 127.5}), "no rescaling": ({},
    {"do_rescale": False}),
}  # fmt: skip
"""Changes of the configuration of the model and of the processor."""
MAY = {"labels of another number", "code for a known model", "a factor of 1/127.5", "no rescaling",
       "no labels"}  # fmt: skip

if find_spec("transformers"):
    for _name, (_config, _processor) in CHANGES.items():
        _expected = EITHER if _name in MAY else REFUSED
        case(FAMILY, _name, _expected)(
            partial(folder, config=_config, processor=_processor, expected=_expected)
        )

    @case(FAMILY, "no head")
    def _(arena):
        return folder(arena, tensors=weights(head=False))

    @case(FAMILY, "only a head")
    def _(arena):
        return folder(arena, tensors=weights(backbone=False))

    @case(FAMILY, "no weights")
    def _(arena):
        return folder(arena, tensors=False)

    @case(FAMILY, "weights cut in half")
    def _(arena):
        content = weights()
        return folder(arena, tensors=content[: len(content) // 2])

    @case(FAMILY, "pickled weights")
    def _(arena):
        files = [("pytorch_model.bin", payloads.torch_pickle(arena.canary))]
        return folder(arena, tensors=False, files=files)

    @case(FAMILY, "an index that leads out")
    def _(arena):
        index = {"weight_map": {"classifier.bias": "../../../../home/precious.txt"}}
        files = [("model.safetensors.index.json", json.dumps(index))]
        return folder(arena, tensors=False, files=files)

    for _name, _content in {"nothing": "", "deep": "[" * 100_000, "a list": "[]", "no JSON": "{",
                            "not UTF-8": b'{"a": "\xff"}'}.items():  # fmt: skip
        for _file in ("config.json", "preprocessor_config.json"):
            case(FAMILY, f"{_file} of {_name}")(
                lambda arena, file=_file, content=_content: folder(arena, files=[(file, content)])
            )
    for _spec in ("timm:nothing", "timm:hf-hub:a/b", "timm:resnet18,weights=none.pth",
    "transformers:.",
                  "timm:../x", "torchvision:nothing", "torchvision:resnet18,weights=/dev/zero",
                  "transformers:none/none", "transformers:../..", "transformers:/etc",
                  "transformers:\0",
                  "torchvision:__class__",
                  "timm:vit_tiny_patch16_224,weights=none,num_classes=0"):  # fmt: skip
        case(FAMILY, f"classifier named {_spec!r}")(partial(loads, spec=_spec))
