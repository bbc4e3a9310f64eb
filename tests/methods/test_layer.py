"""The layer of class activation maps, in networks whose right layer is known."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.conftest import Before, Convolutional
from unsee import InputError
from unsee.methods import _layer

SIZE = (32, 32)


class Blocks(nn.Module):
    """A transformer on patches of 4 x 4 pixels, with a class token and norms of the queries.

    Heads have as many numbers as there are patches, so that the norm's output looks like a map.
    """

    def __init__(self, width: int = 128, heads: int = 2) -> None:
        super().__init__()
        self.embed, self.heads = nn.Conv2d(3, width, 4, 4), heads
        self.blocks = nn.ModuleList(nn.Module() for _ in range(2))
        for block in self.blocks:
            block.norm1, block.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            block.qkv = nn.Linear(width, 3 * width)
            block.q_norm, block.k_norm = (nn.LayerNorm(width // heads) for _ in range(2))
            block.mlp = nn.Linear(width, width)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 5)

    def forward(self, x):
        x = self.embed(x).flatten(2).mT
        x = torch.cat([x.mean(1, keepdim=True), x], 1)
        for block in self.blocks:
            q, k, v = block.qkv(block.norm1(x)).unflatten(2, (3, self.heads, -1)).unbind(2)
            q, k = block.q_norm(q[:, 1:].transpose(1, 2)), block.k_norm(k.transpose(1, 2))
            cls = torch.zeros_like(q[:, :, :1])
            q = torch.cat([cls, q], 2)
            attended = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v.transpose(1, 2)
            x = x + attended.transpose(1, 2).flatten(2)
            x = x + block.mlp(block.norm2(x))
        return self.head(self.norm(x)[:, 0])


class Windows(nn.Module):
    """Maps with channels last, then quarters of the image as items of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.mix = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 8)
        self.norm, self.quarters, self.head = nn.LayerNorm(8), nn.Conv2d(8, 8, 1), nn.Linear(8, 5)

    def forward(self, x):
        x = self.norm(self.mix(self.embed(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        quarters = torch.cat([part for half in x.chunk(2, 2) for part in half.chunk(2, 3)])
        quarters = self.quarters(quarters)
        return self.head(quarters.mean((2, 3)).unflatten(0, (4, -1)).mean(0))


class Transposed(Convolutional):
    """Exchanges rows and columns in its last map."""

    def __init__(self) -> None:
        super().__init__()
        self.last = Transpose()

    def forward(self, x):
        return self.head(self.last(self.features(x)).relu().mean((2, 3)))


class Transpose(nn.Module):
    def forward(self, x):
        return x.mT


class Shapes(nn.Module):
    """Its only late map has one axis of the image and one of channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 4, 4)
        self.rows = nn.Sequential(nn.AdaptiveAvgPool2d((8, 1)), nn.Conv2d(6, 6, 1))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 5))

    def forward(self, x):
        return self.head(self.rows(self.stem(x)))


def find(network: nn.Module, name: str = "", size: tuple[int, int] = SIZE) -> _layer.Layer:
    return _layer.find(network.eval(), torch.rand(1, 3, *size), name)


def maps(network: nn.Module, layer: _layer.Layer, x: torch.Tensor) -> torch.Tensor:
    outputs = []
    hook = layer.module.register_forward_hook(lambda *args: outputs.append(args[2]))
    with torch.no_grad():
        network(x)
    hook.remove()
    return layer.spatial(outputs[0]) if layer.spatial else outputs[0]


NETWORKS = {
    Convolutional: "features",
    Blocks: "blocks.1.norm1",
    Windows: "norm",
    Transposed: "features",
}


@pytest.fixture(params=NETWORKS, ids=lambda network: network.__name__)
def network(request):
    torch.manual_seed(0)
    return request.param().eval()


@pytest.mark.parametrize("size", [(32, 32), (32, 48)])
def test_the_last_map_in_the_order_of_the_image_is_the_default(network, size) -> None:
    layer = find(network, size=size)
    assert layer.name == NETWORKS[type(network)]
    x = torch.zeros(2, 3, *size)
    x[1, :, :8, -8:] = 1
    rows, columns = size[0] // 4, size[1] // 4
    output = maps(network, layer, x)
    assert output.shape[2:] == (rows, columns)
    change = (output[1] - output[0]).abs().sum(0)
    row, column = divmod(int(change.argmax()), columns)
    assert row < 3
    assert column >= columns - 3


def test_hooks_are_removed(network) -> None:
    find(network)
    assert not any(module._forward_hooks for module in network.modules())


def test_the_layer_is_independent_of_the_images(network) -> None:
    x = torch.zeros(1, 3, *SIZE)
    assert _layer.find(network, x).name == find(network).name


def test_layers_that_do_not_reach_the_logits_are_not_the_default() -> None:
    class Branch(Convolutional):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Conv2d(8, 8, 1)

        def forward(self, x):
            self.unused(self.features(x))
            return super().forward(x)

    class Once(Branch):
        def forward(self, x):
            features = self.features(x)
            self.unused(features)
            return self.head(features.mean((2, 3)))

    assert find(Once()).name == "features"


def test_network_without_a_late_map_is_refused_with_names() -> None:
    with pytest.raises(InputError, match=r"no late layer .*layer=stem"):
        find(Shapes())
    assert find(Shapes(), "stem").name == "stem"


def test_network_without_any_map_is_refused() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4))
    with pytest.raises(InputError, match=r"need one$"):
        find(flat)
    with pytest.raises(InputError, match=r"no layer '1' with a spatial output$"):
        find(flat, "1")


def test_named_layer_must_have_the_shape_of_the_image() -> None:
    with pytest.raises(InputError, match="no layer 'rows' with a spatial output; try stem"):
        find(Shapes(), "rows")
    with pytest.raises(InputError, match="no layer 'quarters'"):
        find(Windows(), "quarters")


def enlarged(x, scale=1.5):
    return F.interpolate(x, scale_factor=scale, mode="bilinear")


def centre_crop(x, scale):
    height, width = x.shape[-2:]
    x = enlarged(x, scale)
    top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
    return x[..., top : top + height, left : left + width]


MOVED = {
    "centre crop": lambda x: centre_crop(x, 1.5),
    "small centre crop": lambda x: centre_crop(x, 1.25),
    "left half": lambda x: enlarged(x)[..., : x.shape[-2], : x.shape[-1]],
    "upper left": lambda x: x[..., : x.shape[-2] * 3 // 4, : x.shape[-1] * 3 // 4],
    "lower right": lambda x: x[..., x.shape[-2] // 4 :, x.shape[-1] // 4 :],
    "padded after": lambda x: F.pad(x, (0, x.shape[-1], 0, x.shape[-2])),
    "padded around": lambda x: F.pad(x, (x.shape[-1] // 2,) * 2 + (x.shape[-2] // 2,) * 2),
    "rolled": lambda x: x.roll(x.shape[-1] // 4, 3),
    "flipped": lambda x: x.flip(3),
}


@pytest.mark.parametrize("size", [(32, 32), (64, 96)])
@pytest.mark.parametrize("change", MOVED.values(), ids=MOVED)
def test_networks_that_move_the_image_inside_have_no_layer(change, size) -> None:
    with pytest.raises(InputError, match=r"positions are those of the image|no late layer"):
        find(Before(change), size=size)


class Strides(nn.Module):
    """A stack of convolutions."""

    def __init__(self, kernel: int, stride: int, padding: int, layers: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        widths = [3] + [16] * layers
        self.features = nn.Sequential()
        for width, next_ in pairwise(widths):
            self.features.extend([nn.Conv2d(width, next_, kernel, stride, padding), nn.ReLU()])
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


class Gated(Strides):
    """Each map is multiplied with a gate by its mean, so that all changes are everywhere."""

    def __init__(self) -> None:
        super().__init__(3, 2, 1, 3)
        self.gate, self.last = nn.Linear(16, 16), nn.Identity()

    def forward(self, x):
        maps = self.features(x)
        gate = self.gate(50 * maps.mean((2, 3))).sigmoid()
        return self.head(self.last(maps * gate[..., None, None]).mean((2, 3)))


@pytest.mark.parametrize("size", [(32, 32), (63, 63), (61, 92), (47, 65)])
@pytest.mark.parametrize(
    "network",
    [
        lambda: Strides(3, 2, 1, 3),
        lambda: Strides(3, 2, 0, 2),
        lambda: Strides(2, 2, 0, 3),
        lambda: Strides(4, 4, 0, 1),
        lambda: Strides(3, 1, 0, 1),
        lambda: Strides(7, 2, 3, 2),
        Gated,
    ],
    ids=["padded", "unpadded", "patches", "patch", "full", "seven", "gated"],
)
def test_strides_and_padding_of_any_alignment_keep_positions(network, size) -> None:
    assert find(network(), size=size).name in {"features", "last"}


class Sum(nn.Module):
    """Two networks; the second one has little weight."""

    def __init__(self, weight: float, change=lambda x: x) -> None:
        super().__init__()
        self.first, self.second = Strides(3, 2, 1, 3), Strides(3, 2, 1, 4)
        self.weight, self.change = weight, change

    def forward(self, x):
        return self.first(x) + self.weight * self.second(self.change(x))


@pytest.mark.parametrize("change", [lambda x: x, MOVED["centre crop"]])
def test_a_branch_with_little_weight_is_not_the_default(change) -> None:
    assert find(Sum(1e-3, change)).name == "first.features"


class Vote(nn.Module):
    """The mean of several networks, or a layer on the outputs of all."""

    def __init__(self, count: int, *, is_joined: bool = False) -> None:
        super().__init__()
        self.parts = nn.ModuleList(Convolutional() for _ in range(count))
        for seed, part in enumerate(self.parts):
            torch.manual_seed(seed)
            for layer in part.modules():
                if hasattr(layer, "reset_parameters"):
                    layer.reset_parameters()
        outputs = len(self.parts[0].head.bias)
        self.head = nn.Linear(count * outputs, outputs) if is_joined else None

    def forward(self, x):
        outputs = torch.stack([part(x) for part in self.parts], 1)
        return self.head(outputs.flatten(1)) if self.head else outputs.mean(1)


@pytest.mark.parametrize("is_joined", [False, True], ids=["mean", "joined"])
@pytest.mark.parametrize("count", [2, 3, 5, 16])
def test_a_network_of_several_parts_has_no_layer(count, is_joined) -> None:
    torch.manual_seed(0)
    network = Vote(count, is_joined=is_joined)
    with pytest.raises(InputError, match=r"most of its outputs.*layer=NAME"):
        find(network)
    assert find(network, "parts.1.features").name == "parts.1.features"


def test_two_equal_networks_have_no_layer() -> None:
    """The change has the right direction, and half of the size."""
    network = Vote(2)
    network.parts[1].load_state_dict(network.parts[0].state_dict())
    with pytest.raises(InputError, match="most of its outputs"):
        find(network)


def test_outputs_of_zeros_have_a_layer() -> None:
    network = Strides(3, 2, 1, 3)
    nn.init.zeros_(network.head.weight)
    assert find(network).name == "features"
