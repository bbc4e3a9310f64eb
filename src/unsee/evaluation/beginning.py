"""Begin a run: select its photos and write its manifest, or check that it is the same."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import torch

from unsee.datasets.base import Samples
from unsee.errors import InputError
from unsee.evaluation import part_files, photos
from unsee.evaluation.manifest import Choice
from unsee.evaluation.paper_tables import Table
from unsee.evaluation.photos import Classify
from unsee.evaluation.plan import Plan, digest
from unsee.evaluation.store import MANIFEST, Store
from unsee.storage.files import exists


def begin(
    plan: Plan, store: Store, numerics: dict[str, Any], classify: Classify,
    *, threads: int | None, table: Table | None,
) -> tuple[Plan, Samples]:  # fmt: skip
    """Write the manifest of a run, or check that a folder is of the same run.

    Photos are selected once: the manifest lists them, and all that continue the run take these.

    Args:
        plan: Plan of the run.
        store: Folder of the run.
        numerics: Precision, chunk and type of device.
        classify: Classifies photos, where the plan takes only those that are answered rightly.
        threads: Threads of each process, by default those of torch on this machine.
        table: Published numbers and claims.

    Returns:
        The plan of the run, which may be of an earlier version, and its photos.

    Raises:
        InputError: There are no photos, or the folder is of another run.
    """
    command, plan = plan, photos.continued(plan, store)
    settings = {**plan.settings(), **numerics}
    if exists(store.folder / MANIFEST):  # before photos are read: these may be of other settings
        store.check_same({"settings": settings}, ("settings",))
    stored = photos.stored_ids(store)
    samples, choice = _photos(plan, store, stored, classify)
    if plan != command and plan.limit is not None:
        note = (
            f"{store.folder}: begun by an earlier version with the first photos of the data set, "
            "and continued with them"
        )
        samples = samples.part(samples, [note])
    manifest = {
        "settings": settings,
        **_of_photos(plan, samples, choice),
        "files": part_files.digests(plan) or None,
        "measures": plan.measures(),
        "threads": threads or torch.get_num_threads(),
        "table": (table or Table()).plain(),
        "versions": {"unsee": version("unsee"), "torch": torch.__version__},
    }
    try:
        store.begin(manifest)
    except InputError:
        if stored is not None or not plan.takes_a_part or photos.stored_ids(store) is None:
            raise
        # another process has begun the run in the meantime, perhaps with other photos
        return begin(command, store, numerics, classify, threads=threads, table=table)
    return plan, samples


def _photos(
    plan: Plan, store: Store, stored: tuple[str, ...] | None, classify: Classify
) -> tuple[Samples, Choice | None]:
    """Return the photos of a run: those that are stored, or else those of the plan."""
    samples = plan.samples()
    if not samples:
        raise InputError(f"{plan.data}: no photos")
    if stored is not None:
        return photos.pick(plan, samples, stored, store), None
    return photos.select(plan, samples, classify)


def _of_photos(plan: Plan, samples: Samples, choice: Choice | None) -> dict[str, Any]:
    """Return what a manifest says about the photos."""
    annotations = [(s.id, s.target, s.boxes.tolist(), s.size) for s in samples]
    return {
        "photos": len(samples),
        "annotations": digest(annotations),
        "classes": digest(sorted(samples.classes.items())) if samples.classes else None,
        "notes": samples.notes,
        "photo_ids": [s.id for s in samples] if plan.takes_a_part else None,
        "choice": asdict(choice) if choice and plan.takes_a_part else None,
    }
