"""The same by unsee: each function returns the work that is timed."""

import time
from collections.abc import Callable
from typing import Any

import torch
from peers import FLIPS, POINTS, SAMPLES, SEGMENTS, STRIDE, WINDOW, Work
from PIL import Image
from skimage.data import chelsea

from unsee import Classifier, Study, create, load
from unsee.metrics import _curves
from unsee.recipes import recipe


def study(precision: torch.dtype | str = "auto", **asked: Any) -> Work:
    """A method and its settings, an in-filler, a budget."""
    settings = {key: asked.pop(key) for key in ("budget", "infiller", "measure") if key in asked}
    base = recipe(asked.pop("recipe")) if "recipe" in asked else None
    method = create("methods", **{**(base.method if base else {}), **asked})
    if base:
        settings = {
            "infiller": create("infillers", **base.infiller), "measure": base.measure, **settings
        }  # fmt: skip
    classifier = load(precision=precision)
    picture = Image.fromarray(chelsea())
    warm_up(classifier)
    # what a process does once, as peers do when they look for their best batch
    Study.of(classifier, picture, method, **{**settings, "budget": 32}).finish()

    def work() -> dict:
        asked = Study.of(classifier, picture, method, **settings)
        asked.finish()
        return asked.explanation.provenance["cost"]

    return work


def warm_up(classifier: Classifier) -> None:
    """Chunk sizes are measured once on a machine."""
    image = torch.rand(1, 3, *classifier.framing.size)
    for gradient in (False, True):
        classifier.at_a_time(image, 64, gradient=gradient)
    classifier.predict(image)


def both_curves() -> Work:
    """Deletion and insertion by RISE's protocol, and the bare passes that they need."""
    classifier, picture = load(), Image.fromarray(chelsea())
    warm_up(classifier)
    asked = Study.of(classifier, picture, create("methods", "random"))
    asked.finish()
    score, saliency = asked.score, asked.explanation.saliency
    protocol = _curves.PROTOCOLS["rise"]
    x = classifier.normalise(score.images).expand(2 * (FLIPS + 1), -1, -1, -1)
    x = x.contiguous(memory_format=torch.channels_last)

    def work() -> dict:
        start = time.perf_counter()
        for direction in ("deletion", "insertion"):
            _curves.curve(score, saliency, protocol, direction)
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        with torch.no_grad():
            chunk = classifier.at_a_time(score.images, len(x))
            for part in x.split(chunk):
                classifier.model(part)
        bare = time.perf_counter() - start
        return {"seconds": seconds, "forwards": len(x), "bare": bare}

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
