"""Classifiers of a run that are in memory, and what the run stores about them."""

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from unsee.classifiers import answers, loading, model_state
from unsee.classifiers.classes import classes_of
from unsee.classifiers.classifier import Classifier
from unsee.evaluation.columns import metric_of
from unsee.evaluation.manifest import ClassifierView
from unsee.evaluation.plan import Plan
from unsee.evaluation.store import Store
from unsee.images.framing import Fit
from unsee.parts import onnx_files, resolve_parts
from unsee.registry import parse, resolve
from unsee.storage.files import exists

MAX_CLASSIFIERS = 8
"""Classifiers that a process keeps in memory."""


@lru_cache(maxsize=MAX_CLASSIFIERS)
def load_classifier(
    name: str, chunk: int, device: str | None, precision: str, fit: Fit | None = None
) -> Classifier:
    """Load a classifier; each process loads it once."""
    classifier = loading.load(name, device=device, precision=getattr(torch, precision), fit=fit)
    return replace(classifier, chunk=chunk)


def load_parts(plan: Plan, chunk: int, device: str, precision: str) -> None:
    """Load the classifiers and in-fillers of a plan, as many as a process keeps.

    Raises:
        InputError: One of them cannot be loaded. A run that began anyway would store this error
            once for each photo.
    """
    for name in plan.classifiers[:MAX_CLASSIFIERS]:
        classifier = load_classifier(plan.spec("sources", name), chunk, device, precision, plan.fit)
        check_metrics(plan, classifier)
    for name in plan.reference_classifiers[: MAX_CLASSIFIERS - 1]:
        load_classifier(plan.spec("sources", name), chunk, device, precision)
    specs = [(c.method, plan.spec("infillers", c.infiller)) for c in plan.combinations()]
    infillers = [resolve_parts(*spec).infiller for spec in dict.fromkeys(specs)]
    if plan.metric_infiller is not None:
        infillers.append(resolve("infillers", plan.spec("infillers", plan.metric_infiller)))
    for infiller in infillers:
        infiller.prepare(torch.device(device))


def check_same(plan: Plan, folder: Path, chunk: int, device: str | None, precision: str) -> None:
    """Compare the classifiers of a plan with those that the rows of a run are of, if any.

    Raises:
        InputError: One has other weights, outputs or names of classes.
    """
    store = Store(folder)
    for number, name in enumerate(plan.classifiers[:MAX_CLASSIFIERS]):
        if exists(folder) and store.read_view(number) is not None:
            spec = plan.spec("sources", name)
            store.write_view(number, view_of(spec, chunk, device, precision, plan.fit))


def check_metrics(plan: Plan, classifier: Classifier) -> None:
    """Raise `InputError` for metrics that have no number for a classifier."""
    for column in plan.columns:
        metric_of(column).check_classifier(classifier)


@lru_cache(maxsize=MAX_CLASSIFIERS)
def digest_of(
    name: str, chunk: int, device: str | None, precision: str, fit: Fit | None = None
) -> str:
    """Return a hash of a classifier's weights and normalisation; empty for a function."""
    classifier = load_classifier(name, chunk, device, precision, fit)
    normalisation = repr((classifier.mean, classifier.std))
    if isinstance(classifier.model, nn.Module):
        return model_state.digest_of(classifier.model, normalisation)
    path = Path(parse("sources", name).argument)
    if path.suffix != ".onnx":
        return ""
    content = hashlib.sha256(normalisation.encode())
    for file in onnx_files(path):
        content.update(file.read_bytes())
    return content.hexdigest()


@lru_cache(maxsize=MAX_CLASSIFIERS)
def answers_of(
    name: str, chunk: int, device: str | None, precision: str, fit: Fit | None = None
) -> tuple[float, ...]:
    """Return a classifier's outputs for fixed pictures, which change if its code is edited."""
    return answers.answers_of(load_classifier(name, chunk, device, precision, fit))


def view_of(
    name: str, chunk: int, device: str | None, precision: str, fit: Fit | None = None
) -> ClassifierView:
    """Return what a run stores about a classifier, with a pass unless it has had one."""
    classifier = load_classifier(name, chunk, device, precision, fit)
    is_determined = classes_of(classifier) is not None
    return ClassifierView(
        classifier.framing,
        classifier.channels,
        tuple(map(classifier.label, range(len(classifier.labels)))),
        digest_of(name, chunk, device, precision, fit),
        str(classifier.kind) if is_determined else "",
        classifier.data_mean,
        classifier.data_std,
        answers_of(name, chunk, device, precision, fit),
        answers.tolerance_of(classifier),
    )
