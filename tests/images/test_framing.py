import pytest
import torch

from unsee import Framing


@pytest.mark.parametrize("fit", ["crop", "resize", "resize_crop"])
@pytest.mark.parametrize("size", [(32, 32), (48, 24)])
def test_boxes_and_masks_match_the_framed_photo(fit, size) -> None:
    photo = torch.zeros(1, 60, 90)
    photo[:, 20:40, 30:65] = 1
    framing = Framing(size, fit, share=0.9)
    box = framing.boxes(torch.tensor([[30.0, 20.0, 65.0, 40.0]]), 60, 90)[0]
    x1, y1, x2, y2 = box.round().int().tolist()
    painted = torch.zeros(size)
    painted[y1:y2, x1:x2] = 1
    shown = framing.show(photo)[0, 0]
    mask = framing.mask(photo[0] > 0)
    assert ((shown > 0.5) != mask).float().mean() < 0.04
    assert ((painted > 0) != mask).float().mean() < 0.06
    assert mask.any()


def test_box_outside_of_the_crop_has_no_area() -> None:
    framing = Framing((32, 32), share=0.5)
    x1, _, x2, _ = framing.boxes(torch.tensor([[0.0, 0.0, 10.0, 60.0]]), 60, 90)[0]
    assert x1 == x2 == 0


@pytest.mark.parametrize("size", [(32, 32), (24, 48)])
@pytest.mark.parametrize("photo", [(100, 60), (60, 100), (7, 5), (32, 32)])
@pytest.mark.parametrize("fit", ["crop", "resize", "resize_crop"])
def test_projected_map_matches_the_photo(size, photo, fit) -> None:
    framing = Framing(size, fit=fit, share=0.8)
    spot = torch.zeros(3, *photo)
    top, left, height, width = framing.box(*photo)
    middle = top + height // 2, left + width // 2
    spot[:, middle[0] :, middle[1] :] = 1
    shown = framing.show(spot)
    assert shown.shape == (1, 3, *size)
    back = framing.back(shown[0, 0], *photo)
    assert back.shape == photo
    inside = back[top : top + height, left : left + width]
    expected = spot[0, top : top + height, left : left + width]
    assert (inside - expected).abs().mean() < 0.2
    if fit != "resize":
        outside = back.clone()
        outside[top : top + height, left : left + width] = 0
        assert outside.abs().max() == 0


@pytest.mark.parametrize(("values", "outside"), [((-1, 1), 0), ((-3, -2), -3), ((1, 2), 1)])
def test_pixels_outside_of_the_crop_have_no_evidence(values, outside) -> None:
    saliency = torch.full((32, 32), values[0], dtype=torch.float32)
    saliency[:16] = values[1]
    back = Framing((32, 32)).back(saliency, 64, 128)
    assert back[0, 0] == back[-1, -1] == outside


def test_crop_equals_torchvisions() -> None:
    framing = Framing((224, 224), share=0.875)
    assert framing.box(256, 341) == (16, 58, 224, 224)
    assert Framing((224, 224), share=224 / 256).box(300, 451) == (19, 94, 262, 262)


def test_resize_crop_keeps_the_proportions_of_the_photo() -> None:
    assert Framing((64, 64), "resize_crop", share=0.5).box(100, 60) == (25, 15, 50, 30)


def test_nearest_leaves_out_pixels() -> None:
    photo = torch.arange(81.0).view(1, 9, 9) / 81
    shown = Framing((3, 3), "resize", interpolation="nearest").show(photo)
    assert torch.equal(shown[0], photo[:, 1::3, 1::3])


@pytest.mark.parametrize("size", [(32, 32), (24, 48), (224, 224), (299, 299)])
@pytest.mark.parametrize("fit", ["crop", "resize", "resize_crop"])
def test_photo_of_the_inputs_size_is_whole_unless_a_share_is_stated(size, fit) -> None:
    framing = Framing(size, fit)
    assert framing.box(*size) == (0, 0, *size)
    photo = torch.rand(3, *size)
    assert torch.equal(framing.show(photo)[0], photo)
    assert torch.equal(framing.mask(photo[0] > 0.5), photo[0] > 0.5)
    assert torch.equal(framing.back(photo[0], *size), photo[0])
    boxes = torch.tensor([[1.0, 2.0, 20.0, 24.0]])
    assert torch.equal(framing.boxes(boxes, *size), boxes)
    if fit != "resize":
        assert Framing(size, fit, share=0.5).box(*size)[2:] == (size[0] // 2, size[1] // 2)


def test_only_the_default_input_has_the_crop_of_imagenet() -> None:
    for default in (Framing(), Framing((224, 224))):
        assert default.box(256, 341) == Framing((224, 224), share=0.875).box(256, 341)
        assert default.box(224, 300) == Framing((224, 224), share=0.875).box(224, 300)
    assert Framing((32, 32)).box(256, 341) == (0, 42, 256, 256)
    assert Framing((32, 32), "resize_crop").box(256, 341) == (0, 0, 256, 341)


@pytest.mark.parametrize(("size", "photo"), [((299, 299), (86, 87)), ((28, 14), (500, 61))])
def test_the_largest_crop_loses_no_pixel_to_rounding(size, photo) -> None:
    _, _, height, width = Framing(size, share=1.0).box(*photo)
    assert height == photo[0] or width == photo[1]


def test_a_framing_of_a_photo_holds_for_masks_of_other_resolutions() -> None:
    framing, mask = Framing(), torch.zeros(224, 224, dtype=torch.bool)
    mask[56:168, 56:168] = True
    enlarged = mask.repeat_interleave(2, 0).repeat_interleave(2, 1)
    resolved = framing.resolved(448, 448)
    assert resolved == Framing(share=0.875)
    assert (resolved.mask(mask) != framing.mask(enlarged)).float().mean() < 0.02
