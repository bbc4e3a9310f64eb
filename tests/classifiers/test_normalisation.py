"""Models that state their normalisation, as those of timm do."""

from dataclasses import replace

import pytest
import torch

from tests.conftest import Convolutional
from unsee import Classifier, InputError, explain, load
from unsee.classifiers.normalisation import IMAGENET_MEAN, IMAGENET_STD
from unsee.integrations.captum import Attribution

HALVES = (0.5, 0.5, 0.5)
OWN = {"mean": HALVES, "std": HALVES, "architecture": "vit_tiny_patch16_224"}


class Stating(Convolutional):
    """A network with a configuration of its weights."""

    def __init__(self, attribute="pretrained_cfg", **config) -> None:
        super().__init__()
        self.eval()
        setattr(self, attribute, config)


def make_stating():
    return Stating(**OWN)


REFUSED = (
    r"^Stating comes with a normalisation of its own, .* load it as timm:vit_tiny_patch16_224, or "
    r"state .* mean=\(0.5, 0.5, 0.5\), std=\(0.5, 0.5, 0.5\)$"
)


@pytest.mark.parametrize("attribute", ["pretrained_cfg", "default_cfg"])
def test_imagenets_normalisation_is_not_assumed_for_a_model_that_states_another(attribute) -> None:
    model, image = Stating(attribute, **OWN), torch.rand(1, 3, 32, 32)
    for use in (Classifier, load, Attribution, lambda model: explain(model, image, "gradient")):
        with pytest.raises(InputError, match=REFUSED):
            use(model)
    with pytest.raises(InputError, match=REFUSED):
        load(f"{__name__}:make_stating")


def test_what_is_stated_counts_for_such_a_model() -> None:
    model = Stating(**OWN)
    for mean, std in ((HALVES, HALVES), (IMAGENET_MEAN, IMAGENET_STD)):
        classifier = replace(Classifier(model, mean=mean, std=std), name="mine")
        assert (classifier.mean, classifier.std) == (mean, std)
    assert load(f"{__name__}:make_stating", mean=HALVES, std=HALVES).std == HALVES
    with pytest.raises(InputError, match="normalisation of its own"):
        Classifier(model, mean=HALVES)  # ImageNet's std would be assumed


@pytest.mark.parametrize(
    "config",
    [
        {"mean": list(IMAGENET_MEAN), "std": (0.229, 0.224, 0.2250001)}, {}, {"mean": HALVES},
        {"mean": "0.5", "std": "0.5"}, {"mean": None, "std": HALVES}, {"mean": (), "std": ()},
    ],
)  # fmt: skip
def test_other_models_keep_imagenets(config) -> None:
    classifier = Classifier(Stating(**config))
    assert (classifier.mean, classifier.std) == (IMAGENET_MEAN, IMAGENET_STD)
    changed = replace(classifier, model=Stating(**OWN))  # the normalisation is stated by now
    assert changed.mean == IMAGENET_MEAN
    assert type(changed.mean) is tuple
