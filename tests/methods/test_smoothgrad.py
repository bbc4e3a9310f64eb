import torch

from tests.conftest import Convolutional, toy
from unsee import explain


def test_map_is_independent_of_the_batch_size_at_odd_image_sizes() -> None:
    image = torch.rand(1, 3, 15, 15, generator=torch.Generator().manual_seed(0))
    maps = [
        explain(toy(Convolutional(), size=15, chunk=chunk), image, "smoothgrad").saliency
        for chunk in (3, 64)
    ]
    torch.testing.assert_close(*maps)
