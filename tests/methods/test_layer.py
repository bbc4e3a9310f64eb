"""The layer of class activation maps, in networks whose right layer is known."""

import pytest
import torch
from torch import nn

from tests.conftest import Convolutional
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
