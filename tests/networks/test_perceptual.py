import pytest
import torch

from unsee import InputError
from unsee.networks.perceptual import TRUNKS, Perceptual
from unsee.training.infiller import MIN_WINDOW


@pytest.mark.parametrize("trunk", TRUNKS)
def test_published_weights_load_and_measure_distance(tmp_path, trunk) -> None:
    torch.manual_seed(0)
    stored, before = {}, 3
    for b, block in enumerate(TRUNKS[trunk]):
        for layer in block.layers:
            name, kernel = f"net.slice{b + 1}.{layer.number}", layer.kernel
            weight = torch.randn(layer.width, before, kernel, kernel) / (kernel * before**0.5)
            stored[f"{name}.weight"], stored[f"{name}.bias"] = weight, torch.zeros(layer.width)
            before = layer.width
        stored[f"lin{b}.model.1.weight"] = torch.rand(1, before, 1, 1)
    stored["scaling_layer.shift"] = torch.tensor([-0.03, -0.088, -0.188]).view(1, 3, 1, 1)
    stored["scaling_layer.scale"] = torch.tensor([0.458, 0.448, 0.45]).view(1, 3, 1, 1)
    torch.save(stored, tmp_path / "trunk.pth")
    network = Perceptual.load(tmp_path / "trunk.pth")
    assert network.trunk == trunk
    x = torch.rand(2, 3, 64, 64)
    y = (x + 0.1 * torch.randn_like(x)).clamp(0, 1)
    assert network.distance(x, x).max() < 1e-6
    assert (network.distance(x, 1 - x) > network.distance(x, y)).all()
    for side in (64, MIN_WINDOW):
        features = [network.features(part[..., :side, :side]) for part in (x, y)]
        assert (network.feature_distance(*features) > 0).all()
        assert [part.shape[1] for part in features[0]] == network.widths
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="not the weights of ST-LPIPS"):
        Perceptual.load(tmp_path / "other.pth")
    (tmp_path / "none.pth").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot read weights"):
        Perceptual.load(tmp_path / "none.pth")
