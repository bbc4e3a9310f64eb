"""Jobs of unsee: each function does the set-up and returns the function that is timed."""

import time
from collections.abc import Callable
from typing import Any

import torch
from peers import FLIPPING_STEPS, POINTS, SAMPLES, SEGMENTS, STRIDE, WINDOW, Work
from PIL import Image
from skimage.data import chelsea

from unsee import Classifier, Study, create, load
from unsee.metrics import _curves
from unsee.recipes import recipe


def study(precision: torch.dtype | str = "auto", **settings: Any) -> Work:
    """Return the work of explaining one photo.

    Args:
        precision: Precision of the classifier.
        **settings: Name and settings of a method or `recipe=NAME`, and optionally `budget`,
            `infiller` and `measure`.
    """
    options = {k: settings.pop(k) for k in ("budget", "infiller", "measure") if k in settings}
    base = recipe(settings.pop("recipe")) if "recipe" in settings else None
    method = create("methods", **{**(base.method if base else {}), **settings})
    if base:
        infiller = create("infillers", **base.infiller)
        options = {"infiller": infiller, "measure": base.measure, **options}
    classifier = load(precision=precision)
    photo = Image.fromarray(chelsea())
    warm_up(classifier)
    # work that a process does once; the other libraries search their batch size before as well
    Study.of(classifier, photo, method, **{**options, "budget": 32}).finish()

    def work() -> dict:
        study = Study.of(classifier, photo, method, **options)
        study.finish()
        return study.explanation.provenance["cost"]

    return work


def warm_up(classifier: Classifier) -> None:
    """Measure the batch sizes, which is done once per machine."""
    image = torch.rand(1, 3, *classifier.framing.size)
    for gradient in (False, True):
        classifier.batch_size_for(image, 64, gradient=gradient)
    classifier.predict(image)


def both_curves() -> Work:
    """Return the work of deletion and insertion under RISE's protocol.

    Its cost includes the seconds of the same number of passes of the network alone.
    """
    classifier, photo = load(), Image.fromarray(chelsea())
    warm_up(classifier)
    random_map = Study.of(classifier, photo, create("methods", "random"))
    random_map.finish()
    score, saliency = random_map.score, random_map.explanation.saliency
    protocol = _curves.PROTOCOLS["rise"]
    x = classifier.normalise(score.images).expand(2 * (FLIPPING_STEPS + 1), -1, -1, -1)
    x = x.contiguous(memory_format=torch.channels_last)

    def work() -> dict:
        start = time.perf_counter()
        for direction in ("deletion", "insertion"):
            _curves.curve(score, saliency, protocol, direction)
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        with torch.no_grad():
            chunk = classifier.batch_size_for(score.images, len(x))
            for part in x.split(chunk):
                classifier.model(part)
        network_seconds = time.perf_counter() - start
        return {"seconds": seconds, "forwards": len(x), "network_seconds": network_seconds}

    return work


OURS: dict[str, Callable[[], Work]] = {
    "igos_pp published": lambda: study(recipe="igos_pp-published"),
    "igos_pp balanced": lambda: study(recipe="igos_pp-published", budget="balanced"),
    "tide fast": lambda: study(name="tide", budget="fast"),
    "tide balanced": lambda: study(name="tide", budget="balanced"),
    "fido": lambda: study(name="fido", infiller="grey"),
    "fido early stop": lambda: study(name="fido", infiller="grey", tolerance=0.1),
    "rise": lambda: study(name="rise", samples=SAMPLES),
    "rise float32": lambda: study(torch.float32, name="rise", samples=SAMPLES),
    "sliding_patch": lambda: study(name="sliding_patch", patch=WINDOW, stride=STRIDE),
    "occlusion": lambda: study(name="occlusion", patch=WINDOW, stride=STRIDE),
    "sliding_patch float32": lambda: study(
        torch.float32, name="sliding_patch", patch=WINDOW, stride=STRIDE
    ),
    "integrated_gradients": lambda: study(
        name="integrated_gradients", steps=POINTS, infiller="grey"
    ),
    "lime": lambda: study(name="lime", samples=SAMPLES, segments=SEGMENTS),
    "lime float32": lambda: study(torch.float32, name="lime", samples=SAMPLES, segments=SEGMENTS),
    "score_cam": lambda: study(name="score_cam"),
    "deletion + insertion": both_curves,
}
