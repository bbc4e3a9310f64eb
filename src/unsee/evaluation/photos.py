"""Which photos of a data set a run takes, and the list of them in its manifest."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from unsee.datasets.base import Sample, Samples
from unsee.errors import InputError, printable
from unsee.evaluation.manifest import Choice
from unsee.evaluation.plan import Plan, Subset
from unsee.evaluation.recognition import Trial, is_labelled
from unsee.evaluation.store import MANIFEST, Store
from unsee.noise import random_bytes
from unsee.storage.files import exists

Classify = Callable[[Samples], Iterable[Trial]]
"""Classifies photos one after the other."""


class Selection(NamedTuple):
    """Photos of a run, and from how many they were taken."""

    samples: Samples
    choice: Choice


def ordered(samples: Sequence[Sample], subset: Subset, seed: int) -> list[Sample]:
    """Return photos in the order in which a run with a limit takes them.

    A random order depends on the seed and the ids of the photos: neither on the order of files nor
    on which other photos there are. Stratified, the n-th photos of all classes come before the
    next ones; photos without a class are last.
    """
    if subset == "first":
        return list(samples)
    shuffled = sorted(samples, key=lambda sample: random_bytes(seed, sample.id))
    if subset == "random":
        return shuffled
    counts: Counter[int | None] = Counter()
    places: dict[str, tuple[bool, int, bytes]] = {}
    for sample in shuffled:
        place = random_bytes(seed, "class", sample.target)
        places[sample.id] = (not is_labelled(sample), counts[sample.target], place)
        counts[sample.target] += 1
    return sorted(shuffled, key=lambda sample: places[sample.id])


def select(plan: Plan, samples: Samples, classify: Classify) -> Selection:
    """Return the photos that a new run takes.

    Args:
        plan: Plan of the run.
        samples: Photos of the data set, of the classes of the plan.
        classify: Classifies photos, where the plan takes only those that are answered rightly.

    Raises:
        InputError: No photo is answered rightly.
    """
    order = list(samples)
    if plan.limit is not None:
        order = ordered(samples, plan.subset, plan.seed)
    if not plan.correct:
        return Selection(samples.part(order[: plan.limit]), Choice(len(samples)))
    trials: list[Trial] = []
    right: list[Sample] = []
    for trial in classify(samples.part(order)):
        trials.append(trial)
        right += [trial.sample] if trial.outcome == "right" else []
        if len(right) == plan.limit:
            break
    counts = Counter(trial.outcome for trial in trials)
    if not right:
        raise InputError(f"{plan.data}: {_none_is_right(plan, trials)}")
    choice = Choice(
        len(samples), len(trials), counts["wrong"], counts["unlabelled"], counts["failed"]
    )
    return Selection(samples.part(right, [_note(plan, trials, len(right))]), choice)


def pick(plan: Plan, samples: Samples, ids: Sequence[str], store: Store) -> Samples:
    """Return the photos that the manifest of a run lists, in its order.

    Raises:
        InputError: The data set lacks one of them.
    """
    by_id = {sample.id: sample for sample in samples}
    if missing := [photo for photo in ids if photo not in by_id]:
        classes = f" in the classes {plan.classes}" if plan.classes else ""
        raise InputError(
            f"{plan.data}: lacks {len(missing)} of the {len(ids)} photos of the run "
            f"{store.folder}{classes}, the first is {printable(missing[0])}; put them back, or "
            "choose another folder"
        )
    return samples.part(by_id[photo] for photo in ids)


def of_run(plan: Plan, store: Store) -> Samples:
    """Return the photos of a run that has a manifest, without classifying any.

    Raises:
        InputError: The data set lacks one of them, or cannot be read.
    """
    samples = plan.samples()
    ids = store.info().photo_ids
    if ids is None:  # all, or those of an earlier version
        return samples.part(samples[: plan.limit])
    return pick(plan, samples, ids, store)


def stored_ids(store: Store) -> tuple[str, ...] | None:
    """Return the photos that a manifest lists; None without a list or a manifest."""
    return store.info().photo_ids if exists(store.folder / MANIFEST) else None


def continued(plan: Plan, store: Store) -> Plan:
    """Return the plan with which a folder is continued.

    Earlier versions took the first photos and stored no `subset`. The command that began such a run
    continues it with the same photos.
    """
    if plan.subset == "random" and exists(store.folder / MANIFEST):
        settings = store.manifest().get("settings")
        if isinstance(settings, dict) and "subset" not in settings:
            return replace(plan, subset="first")
    return plan


def _note(plan: Plan, trials: Sequence[Trial], right: int) -> str:
    """Return how many photos were tried, and why others were left out."""
    counts = Counter(trial.outcome for trial in trials)
    text = f"{right} of {len(trials)} photos are answered rightly by {_names(plan)}"
    left_out = [f"{counts['wrong']} with another answer"]
    left_out += [f"{counts['unlabelled']} without a class"] if counts["unlabelled"] else []
    if counts["failed"]:
        error = next(trial.error for trial in trials if trial.outcome == "failed")
        left_out.append(f"{counts['failed']} that cannot be read or classified, {error}")
    if plan.limit is not None and right < plan.limit:
        text += f", fewer than the limit of {plan.limit}"
    return printable(f"{plan.data}: {text}; left out {'; '.join(left_out)}")


def _none_is_right(plan: Plan, trials: Sequence[Trial]) -> str:
    counts = Counter(trial.outcome for trial in trials)
    text = f"no photo is answered rightly by {_names(plan)}, of {len(trials)} that were tried"
    if shares := [trial.probability for trial in trials if trial.probability is not None]:
        return (
            f"{text}; the mean probability of the labelled class is {np.mean(shares):.2g}. Are the "
            "classes of the data set numbered as the classifier's?"
        )
    if counts["failed"]:
        error = next(trial.error for trial in trials if trial.outcome == "failed")
        return f"{text}; {counts['failed']} cannot be read or classified: {error}"
    return f"{text}; none has a labelled class"


def _names(plan: Plan) -> str:
    names = ", ".join(plan.classifiers)
    return names if len(plan.classifiers) == 1 else f"all of {names}"
