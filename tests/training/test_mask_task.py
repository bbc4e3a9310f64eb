import json

import pytest
import torch
from PIL import Image
from torch import nn

from tests.conftest import Convolutional, toy
from tests.training import small
from unsee import InputError, create, explain, load
from unsee.training import casm
from unsee.training.crops import resize_whole

THREE = "tests.toys:three_sides"


def test_training_uses_the_labels_of_a_data_set(folder, tmp_path) -> None:
    losses = small.train(
        "casm", f"image_folder:{folder}", tmp_path / "run", labels="data", classifier=small.CORNERS
    )
    assert len(losses) == 4


def test_labels_of_other_classes_than_the_classifiers_are_refused(folder) -> None:
    data, settings = (f"image_folder:{folder}",), {"stored_size": 32, "labels": "data"}
    with pytest.raises(InputError, match="has 2 classes, and the classifier 5"):
        casm.CasmTraining(data=data, classifier=small.TOY, **settings).photos()
    name = f"{__name__}:named"
    photos = casm.CasmTraining(data=data, classifier=name, **settings).photos()
    assert photos.targets.tolist() == [1] * 6 + [0] * 6


def named():
    return toy(Convolutional(2), size=24, labels=("b", "a"))


def probabilities():
    return toy(nn.Sequential(Convolutional(), nn.Softmax(1)), size=24)


def test_training_needs_logits_of_classes(folder, tmp_path) -> None:
    name = f"{__name__}:probabilities"
    with pytest.raises(InputError, match=r"training needs the logits .* has outputs=probabilities"):
        small.train("casm", folder, tmp_path / "run", classifier=name)


def test_training_selects_photos_by_predicted_class(folder) -> None:
    Image.new("RGB", (24, 24), (250, 250, 250)).save(folder / "white.png")
    settings = {"data": (str(folder),), "stored_size": 32, "classifier": THREE}
    every, selected = (
        casm.CasmTraining(**settings, classes=classes).photos().pictures
        for classes in (None, "1-2")
    )
    classifier = load(THREE)
    predicted = classifier.predict(resize_whole(every, classifier.framing.size[0])).argmax(1)
    assert sorted(predicted.unique().tolist()) == [0, 1, 2]
    assert torch.equal(selected, every[predicted > 0])
    with pytest.raises(InputError, match="at least two classes, got 1 photos of 1"):
        casm.CasmTraining(**settings, classes="2").photos()
    with pytest.raises(InputError, match="predicts classes 7 for no photo"):
        casm.CasmTraining(**settings, classes="7").photos()


@pytest.mark.parametrize("network", ["casm", "variational", "features", "gradients", "distilled"])
def test_photos_may_be_smaller_than_the_classifiers_input(folder, tmp_path, network) -> None:
    small.train(network, folder, tmp_path / "run", size=16)
    (path,) = (tmp_path / "run").glob("*.safetensors")
    assert json.loads(small.metadata(path)["run"])["size"] == 16
    method = create("methods", path.stem, weights=str(path))
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    assert explain(load(small.TOY), images, method).saliency.isfinite().all()
    with pytest.raises(InputError, match="holds a run with size = 16, got None"):
        small.train(network, folder, tmp_path / "run")


@pytest.mark.parametrize(
    ("network", "settings", "message"),
    [
        ("variational", {"share": 0.0}, r"expected share in \(0, 1\]"),
        ("variational", {"share": 1.5}, r"expected share in \(0, 1\]"),
        ("variational", {"length": 3.0, "nugget": 1e-4, "side": 28}, "or a larger nugget"),
        ("variational", {"length": 300.0, "nugget": 0.0}, "not positive definite at length 300"),
        ("variational", {"rate": 1e30}, "not finite"),
        ("variational", {"side": 0}, "expected side >= 1"),
        ("features", {"side": None}, "expected side >= 1"),
        ("gradients", {"side": 0}, "expected side >= 1"),
        ("gradients", {"classifier": "tests.toys:patches"}, "no feature maps"),
        ("gradients", {"heads": 0}, "expected heads >= 1"),
        ("variational", {"heads": 2}, "heads = 1 for an encoder of images, got 2"),
        ("variational", {"spread": 0.5}, "expected spread >= 1"),
        ("variational", {"share": 0.5, "spread": 3.0}, r"share \* spread <= 1"),
        ("casm", {"size": 8}, "expected size >= 16, got 8"),
        ("features", {"classifier": "tests.toys:patches"}, "no feature maps"),
        ("distilled", {"levels": 0}, "expected levels >= 1"),
        ("distilled", {"infiller": "gray"}, "did you mean 'grey'"),
        ("distilled", {"infiller": "blur:sigma"}, "expected NAME"),
        ("casm", {"data": ()}, "expected data"),
        ("casm", {"classifier": "tests.toys:patches"}, "no feature maps"),
        ("distilled", {"classifier": "tests.toys:patches"}, "no feature maps"),
        ("casm", {"classifier": "tests.toys:grey"}, "photos have 3 channels"),
    ],
)
def test_training_refuses_wrong_settings(folder, tmp_path, network, settings, message) -> None:
    make, _, values = small.NETWORKS[network]
    plain = {"data": (str(folder),), "out": tmp_path / "run", **small.SMALL, **values, "steps": 30}
    module = {"casm": casm, "distilled": small.distilled}.get(network, small.variational)
    with pytest.raises(InputError, match=message):
        list(module.train(make(**{**plain, **settings})))


@pytest.mark.parametrize("name", ["reads", "reconstruction", "labels"])
def test_training_refuses_an_unknown_choice(name) -> None:
    config = small.variational.VariationalTraining(**small.SMALL)
    object.__setattr__(config, name, "pixels")  # as a caller without type checks would
    with pytest.raises(InputError, match=f"{name} of VariationalTraining.*'pixels'"):
        config.__post_init__()
