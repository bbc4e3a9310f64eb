"""Arguments of the Python functions that cannot be used: one line, and no other error."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import unsee
from tests.conftest import Convolutional, toy
from unsee import Classifier, Explanation, Framing, InputError, Study, create, explain, load

NAN = float("nan")
IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def network(**settings) -> Classifier:
    return toy(Convolutional(), **settings)


def call(images=IMAGES, method="rise", model=None, **settings):
    return lambda path: explain(model or network(), images, method, **settings)


def loading(spec=None, **settings):
    return lambda path: load(spec or network(), **settings)


BAD = {
    "cells that are a fraction": call(cells=2.5),
    "cells that are a list": call(cells=["slic", "slic"]),
    "cells that are a label map": call(cells=np.zeros((32, 32), int)),
    "cells that are a class": call(cells=type(create("cells", "slic"))),
    "cells of a kind that there is not": call(cells="superpixels"),
    "cells of a file that there is not": call(cells="labels:none.npy"),
    "cells that are a truth value": call(cells=True),
    "cells for a method without": call(method="box", cells="slic"),
    "more cells than pixels": call(cells="slic:n=2000"),
    "targets of another length": call(targets=[0, 1, 2]),
    "target that is a fraction": call(targets=1.5),
    "targets that are fractions": call(targets=torch.tensor([0.5, 1.0])),
    "targets in a matrix": call(targets=torch.zeros(2, 2, dtype=torch.long)),
    "target that is None in a list": call(targets=[None, 1]),
    "target that is a truth value": call(targets=True),
    "targets in a dictionary": call(targets={0: 1}),
    "targets in a set": call(targets={0, 1}),
    "target below zero": call(targets=-1),
    "target that is too large": call(targets=2**40),
    "target that is a foreign digit": call(targets="²"),
    "target with two signs": call(targets="--5"),
    "target that is a function": call(targets=len),
    "target without names": call(targets="cat"),
    "path and tensor": call(["a.png", IMAGES[0]]),
    "no image": call([]),
    "tensors of two sizes": call([IMAGES[0], IMAGES[0, :, :16]]),
    "tensors of two types": call([IMAGES[0], IMAGES[0].double()]),
    "image that is None": call(None),
    "image that is a number": call(3),
    "images in a list of numbers": call([1, 2]),
    "images of 8 bits": call((IMAGES * 255).byte()),
    "images of complex numbers": call(IMAGES.to(torch.complex64)),
    "images without numbers": call(IMAGES.to("meta")),
    "images of two axes": call(IMAGES[0, 0]),
    "images of five axes": call(IMAGES[None]),
    "images without a row": call(IMAGES[:0]),
    "images of NaN": call(IMAGES * NAN),
    "images of one channel": call(IMAGES[:, :1]),
    "photo of bytes": call(b"abc"),
    "photo that does not exist": call("no-such-file.png"),
    "photo with a null character": call("a\0b.png"),
    "array of texts": call(np.array(["a", "b"])),
    "array of four axes": call(np.zeros((2, 32, 32, 3), np.uint8)),
    "seed that is a text": call(seed="one"),
    "seed that is a fraction": call(seed=0.5),
    "seed that is None": call(seed=None),
    "seed that is too large": call(seed=2**80),
    "repeats of zero": call(repeats=0),
    "repeats of half": call(repeats=0.5),
    "repeats as a text": call(repeats="2"),
    "budget of zero": call(budget=0),
    "budget of NaN": call(budget=NAN),
    "budget of infinity": call(budget=float("inf")),
    "budget of another name": call(budget="enormous"),
    "budget that is a foreign digit": call(budget="²"),
    "budget that is a list": call(budget=[300]),
    "measure that is a number": call(measure=3),
    "measure of another name": call(measure="likelihood"),
    "method that is None": call(method=None),
    "method that is a class": call(method=type(create("methods", "rise"))),
    "in-filler that is a number": call(infiller=3),
    "setting of another name": call(colour=3),
    "setting of another type": call(samples="many"),
    "model that is None": lambda path: explain(None, IMAGES),
    "model that is a number": lambda path: explain(3, IMAGES),
    "model without a forward pass": call(model=nn.Module().eval()),
    "model of a whole batch": call(model=toy(nn.Flatten(0))),
    "model without output": call(model=toy(nn.Identity())),
    "size that is a number": loading(size=32),
    "size of three sides": loading(size=(32, 32, 3)),
    "size below zero": loading(size=(-32, 32)),
    "size of fractions": loading(size=(32.5, 32)),
    "size as a text": loading(size="32x32"),
    "size of NaN": loading(size=(NAN, 32)),
    "fit of another name": loading(fit="squeeze"),
    "device meta": loading(device="meta"),
    "device that is not there": loading(device="cuda:77"),
    "device of another name": loading(device="gpu"),
    "device that is a fraction": loading(device=1.5),
    "precision of another name": loading(precision="half"),
    "precision of integers": loading(precision=torch.int8),
    "precision that is a number": loading(precision=16),
    "settings of a module": loading(labels=("a", "b")),
    "classifier that is a class": loading(Convolutional),
    "classifier of an empty name": lambda path: load(""),
    "network in training": lambda path: load(Convolutional()),
    "network without numbers": lambda path: load(Convolutional().eval().to("meta")),
    "folder that is no result": lambda path: Explanation.load(path),
    "part of another kind": lambda path: create("method", "rise"),
    "study without images": lambda path: Study.of(network(), ()),
    "black box of another setting": lambda path: unsee.black_box(len, colour=3),
    "black box with unfit outputs": lambda path: unsee.black_box(len, outputs="softest"),
    "black box that is no function": lambda path: unsee.black_box(3),
    "black box that returns None": lambda path: explain(
        unsee.black_box(lambda x: None, size=(32, 32)), IMAGES, "rise"
    ),
    "black box that returns texts": lambda path: explain(
        unsee.black_box(lambda x: np.array([["a"]] * len(x)), size=(32, 32)), IMAGES, "rise"
    ),
    "picture without pixels": call(Image.new("RGB", (0, 0))),
}


@pytest.mark.parametrize("name", BAD)
def test_unfit_arguments_are_refused_in_one_line(name, tmp_path, unchecked) -> None:
    with pytest.raises(InputError) as raised:
        BAD[name](tmp_path)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


def test_the_same_functions_accept_fit_arguments(unchecked) -> None:
    rise = create("methods", "rise", samples=20)
    for targets in (np.int64(1), np.array([1, 1]), (1, "1"), torch.tensor([1, 1]), "1"):
        explained = explain(network(), IMAGES, rise, targets=targets, seed=np.int64(3), budget="20")
        assert explained.targets.tolist() == [1, 1]
    assert load(network(), size=[16, 24]).framing.size == (16, 24)
    assert load(network(), device=torch.device("cpu")).framing == Framing((32, 32))
