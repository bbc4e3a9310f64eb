from itertools import islice

import pytest
import torch

from unsee import InputError
from unsee.training.crops import Crops, CropsWithHoles, StepSampler, resize_whole


@pytest.fixture
def pictures():
    return torch.randint(0, 255, (5, 3, 40, 40), dtype=torch.uint8)


def test_crop_depends_on_seed_and_number_alone(pictures) -> None:
    crops = Crops(pictures, 24, seed=1)
    crop, photo = crops[5]
    assert crop.shape == (3, 24, 24)
    assert photo in range(5)
    assert torch.equal(crop, Crops(pictures, 24, seed=1)[5][0])
    assert not torch.equal(crop, crops[6][0])
    assert 0 <= crop.min() <= crop.max() <= 1
    with pytest.raises(InputError, match="min_side <= 1, got 2"):
        Crops(pictures, 24, seed=1, min_side=2.0)


def test_crop_with_hole_depends_on_seed_and_number_alone(pictures) -> None:
    crops, read = CropsWithHoles(pictures, 32, 1), CropsWithHoles(pictures, 32, 1)
    list(map(read.__getitem__, range(9)))
    assert torch.equal(crops[9][0], read[9][0])
    assert not torch.equal(crops[9][0], CropsWithHoles(pictures, 32, 2)[9][0])
    assert len({float(crops[n][0].sum()) for n in range(5)}) == 5
    crop, photo = crops[3]
    assert crop.shape == (4, 32, 32)
    assert 0 <= photo < 5
    assert set(crop[3].unique().tolist()) <= {0.0, 1.0}


def test_sampler_gives_each_process_its_part_of_a_step() -> None:
    numbers = [list(islice(StepSampler(3, 4, first, 2), 4)) for first in (0, 2)]
    assert numbers == [[12, 13, 16, 17], [14, 15, 18, 19]]


def test_whole_photos_keep_their_pixels_at_their_own_size(pictures) -> None:
    assert resize_whole(pictures, 40)[1, 2, 3, 4] * 255 == pictures[1, 2, 3, 4]
