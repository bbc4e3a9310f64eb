import pytest
import torch

from unsee import InputError
from unsee.images.superpixels import check_segments, segment


@pytest.mark.parametrize("algorithm", ["slic", "quickshift", "grid"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_pixel_belongs_to_one_of_the_counted_superpixels(algorithm, channels) -> None:
    image = torch.rand(channels, 24, 30, generator=torch.Generator().manual_seed(0))
    indices = segment(image, algorithm, 9)
    assert indices.shape == (24, 30)
    assert indices.unique().tolist() == list(range(int(indices.max()) + 1))
    if algorithm == "grid":
        assert indices.max() == 8


def test_more_superpixels_than_pixels_are_refused() -> None:
    check_segments("lime", 12, torch.zeros(1, 3, 3, 4))
    with pytest.raises(InputError, match="lime: expected at most 12 segments"):
        check_segments("lime", 13, torch.zeros(1, 3, 3, 4))
