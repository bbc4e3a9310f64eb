import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unsee.images.filters import box_sum, gaussian_blur


@pytest.mark.parametrize(("sigma", "kernel"), [(1.5, None), (3.0, 11), (10.0, 51)])
def test_gaussian_blur_equals_opencvs(sigma, kernel) -> None:
    image = torch.rand(2, 3, 40, 33, generator=torch.Generator().manual_seed(0))
    side = kernel or 2 * int(np.ceil(3 * sigma)) + 1
    blurred = gaussian_blur(image, sigma, kernel)
    for picture, result in zip(image, blurred, strict=True):
        expected = cv2.GaussianBlur(
            picture.permute(1, 2, 0).numpy(), (side, side), sigma, borderType=cv2.BORDER_REFLECT_101
        )
        np.testing.assert_allclose(result.permute(1, 2, 0), expected, atol=1e-5)


def test_box_sum_equals_a_convolution_with_ones() -> None:
    image = torch.rand(2, 3, 12, 9, generator=torch.Generator().manual_seed(0))
    expected = F.conv2d(image.flatten(0, 1)[:, None], torch.ones(1, 1, 5, 5), padding=2)
    torch.testing.assert_close(box_sum(image, 5).flatten(0, 1)[:, None], expected)
