"""The kind of outputs and the class names as settings of sources."""

import codecs

import numpy as np
import pytest
import torch

import unsee
from tests.conftest import Convolutional
from tests.sources.conftest import PREPROCESSING
from unsee import InputError, load
from unsee.classifiers.labels import Synonyms
from unsee.sources._custom import read_labels
from unsee.sources._imagenet import labels as imagenet_labels
from unsee.sources.timm import _labels as timm_labels

ONE = "tests.sources.test_outputs:one_output"


def one_output():
    return Convolutional(1)


def one_logit(images):
    return np.asarray(images).mean((1, 2, 3), keepdims=True).reshape(-1, 1) * 4 + 1


def one_probability(images):
    return 1 / (1 + np.exp(-one_logit(images)))


def labels_of_several(images):
    return images.mean((2, 3)) * 4 - 1


def test_functions_and_files_have_the_setting(images, tmp_path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "weights.safetensors"
    save_file({k: v + 0 for k, v in Convolutional(1).state_dict().items()}, path)
    for spec in (ONE, f"file:{path},architecture={ONE}"):
        single = load(spec, **PREPROCESSING)
        z = single.predict(images)
        assert single.kind == "binary"
        torch.testing.assert_close(single.probabilities(images)[:, 1], z[:, 1].sigmoid())
        assert load(f"{spec},outputs=regression", **PREPROCESSING).predict(images).shape[1] == 1
        with pytest.raises(InputError, match="set outputs=binary"):
            load(f"{spec},outputs=softmax", **PREPROCESSING).predict(images)
    with pytest.raises(InputError, match="outputs of factory"):
        load(f"{ONE},outputs=softest")


@pytest.mark.parametrize(
    ("function", "outputs"),
    [(one_logit, "logits"), (one_logit, "binary"), (one_probability, "probabilities")],
)
def test_a_black_box_with_one_number(function, outputs, images) -> None:
    box = unsee.black_box(function, size=(32, 32), outputs=outputs)
    p = torch.from_numpy(one_probability(images.numpy()))
    expected = torch.cat([1 - p, p], 1)
    torch.testing.assert_close(box.probabilities(images), expected, atol=1e-5, rtol=1e-4)


def test_a_black_box_with_several_labels(images) -> None:
    box = unsee.black_box(labels_of_several, size=(32, 32), outputs="sigmoid", tensors=True)
    torch.testing.assert_close(box.probabilities(images), labels_of_several(images).sigmoid())
    explained = unsee.explain(box, images, unsee.create("methods", "rise", samples=20))
    assert explained.provenance["classifier"]["outputs"] == "sigmoid"


@pytest.mark.parametrize(
    ("start", "encoding"),
    [(b"", "utf-8"), (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
     (codecs.BOM_UTF16_BE, "utf-16-be")],
)  # fmt: skip
def test_files_of_class_names(start, encoding, tmp_path) -> None:
    path = tmp_path / "labels.txt"
    text = "Pepper,_bell___healthy\r\nForêt \n猫\n\n"
    path.write_bytes(start + text.encode(encoding))
    assert read_labels(str(path)) == ("Pepper,_bell___healthy", "Forêt", "猫")
    path.write_bytes("Forêt".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_labels(str(path))
    with pytest.raises(InputError, match="no such file with one class name per line"):
        read_labels(str(tmp_path / "absent.txt"))


def test_a_thousand_other_classes_keep_their_names() -> None:
    others = tuple(f"species {number}" for number in range(1000))
    assert timm_labels(others, 1000) == others
    assert timm_labels(others[:7], 7) == others[:7]
    wnids = ("n01440764", *others[1:])
    assert timm_labels((), 1000) == timm_labels(wnids, 1000) == imagenet_labels()
    assert timm_labels((), 1001) == ()


def test_synonyms_only_where_the_list_has_them(images, tmp_path) -> None:
    path = tmp_path / "imagenet.txt"
    path.write_text("\n".join(imagenet_labels()))
    for labels in (imagenet_labels(), read_labels(str(path)), read_labels("imagenet")):
        assert all(isinstance(label, Synonyms) for label in labels)
        assert labels == imagenet_labels()
    (tmp_path / "two.txt").write_text("tench, Tinca tinca\ngoldfish\n")
    assert not any(isinstance(x, Synonyms) for x in read_labels(str(tmp_path / "two.txt")))
