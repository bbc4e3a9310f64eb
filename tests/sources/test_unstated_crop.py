"""Classifiers of which nobody states a crop: a photo of the input's size is seen whole."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import Convolutional
from unsee import Classifier, Framing, black_box, load
from unsee.inputs import as_images

SIZES = [(24, 20), (224, 224)]


def function(images):
    """A function of NumPy arrays, which sees every pixel."""
    means = [images[:, :, :3].mean((1, 2, 3)), images[..., -3:].mean((1, 2, 3))]
    return np.stack([*means, 2 - sum(means)], 1) / 2


def module():
    return Convolutional().eval()


def weights(folder, size):
    torch.save(module().state_dict(), folder / "weights.pt")
    spec = f"file:{folder / 'weights.pt'}"
    return load(spec, architecture="tests.conftest:Convolutional", size=size)


def program(folder, size):
    torch.jit.trace(module(), torch.rand(2, 3, *size)).save(folder / "model.pt")
    return load(f"file:{folder / 'model.pt'}", trust=True, size=size)


def onnx(folder, size):
    pytest.importorskip("onnx")
    from tests.sources.test_onnx import saved

    return load(saved(folder / "net.onnx", ["n", 3, *size]))


CLASSIFIERS = {
    "module": lambda folder, size: load(module(), size=size),
    "Classifier": lambda folder, size: Classifier(module(), framing=Framing(size)),
    "Classifier of another size": lambda folder, size: load(Classifier(module()), size=size),
    "black_box": lambda folder, size: black_box(function, size=size),
    "blackbox": lambda folder, size: load(f"blackbox:{__name__}:function", size=size),
    "factory": lambda folder, size: load(f"{__name__}:module", size=size),
    "file of weights": weights,
    "file of a program": program,
    "onnx": onnx,
}


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_picture_of_the_inputs_size_is_its_tensor(kind, size, tmp_path) -> None:
    classifier = CLASSIFIERS[kind](tmp_path, size)
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    for picture in (pixels, Image.fromarray(pixels)):
        shown = as_images(picture, classifier).images
        torch.testing.assert_close(shown[0], tensor)
        torch.testing.assert_close(classifier.predict(shown), classifier.predict(tensor[None]))


def test_a_share_that_is_stated_crops_a_picture_of_the_inputs_size() -> None:
    for classifier in (
        black_box(function, size=(24, 24), share=0.5),
        load(f"{__name__}:module", size=(24, 24), share=0.5),
        load(Classifier(module(), framing=Framing((32, 32), share=0.5)), size=(24, 24)),
    ):
        assert classifier.framing.box(24, 24) == (6, 6, 12, 12)
