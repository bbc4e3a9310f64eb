"""`unsee sanity-labels`: maps of a network that learned true labels, and of one that could not."""

import csv
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from unsee.cli import explain_options
from unsee.datasets._loading import load_data
from unsee.errors import InputError
from unsee.evaluation import label_randomisation
from unsee.evaluation.label_randomisation import Beside, Pupil, Schooling
from unsee.folders import check_new, new_folder, write_manifest
from unsee.images.drawing import overview
from unsee.metrics._similarity import MEASURES
from unsee.registry import made, settings_of
from unsee.reports import bootstrap


@dataclass(frozen=True)
class SanityLabels:
    """Label randomisation (Adebayo et al. 2018): two small networks, true and shuffled labels.

    Both are trained here, then every method explains the same pictures under both. Maps that stay
    alike do not depend on what was learned. Writes table.csv, rows.csv, labels.png and maps.npz.
    """

    data: str = ""
    """Labelled pictures: a path, or DATASET:PATH; e.g. fashion_mnist:/usr/share/datasets/..."""
    methods: Annotated[tuple[str, ...], tyro.conf.arg(metavar="METHOD ...")] = (
        "tide", "fido", "sliding_patch", "gradient", "box",
    )  # fmt: skip
    """NAME or NAME:setting=value,...; see `unsee list methods`."""
    infiller: str | None = None
    """See `unsee list infillers`; by default what each method was published with."""
    photos: int = 6000
    """Pictures to learn from."""
    explained: int = 50
    """Further pictures to explain, that no network saw."""
    schooling: Schooling = field(default_factory=Schooling)
    device: str = "cpu"
    out: Path = Path("unsee-labels")
    """Folder for the results."""
    overwrite: bool = False
    """Replace results that exist."""


def run(arguments: list[str]) -> int:
    """Train twice, explain twice, compare."""
    chosen = tyro.cli(SanityLabels, prog="unsee sanity-labels", args=arguments)
    if not chosen.data:
        raise InputError("expected --data; see unsee sanity-labels --help")
    if chosen.photos < 2 or chosen.explained < 1:
        raise InputError(
            f"expected photos >= 2 and explained >= 1, got {chosen.photos} and {chosen.explained}"
        )
    methods = {name: made("methods", name) for name in chosen.methods}
    check_new(chosen.out, overwrite=chosen.overwrite)
    images, targets = label_randomisation.pictures(_chosen(chosen), chosen.schooling)
    seen = len(images) - chosen.explained
    real, shuffled = (_school(chosen, images[:seen], targets[:seen], way) for way in (False, True))
    found = list(
        label_randomisation.check(
            real.classifier, shuffled.classifier, images[seen:], targets[seen:], methods,
            **({"infiller": chosen.infiller} if chosen.infiller else {}),
            seed=chosen.schooling.seed,
        )
    )  # fmt: skip
    _write(chosen, images[seen:], found, (real, shuffled), methods)
    Console().print(_table(found, chosen.explained))
    sys.stdout.write(f"picture and tables: {chosen.out}\n")
    return 0


def _chosen(chosen: SanityLabels) -> list[Any]:
    """Evenly spread over the data, in an order that is random and always the same."""
    samples = load_data(chosen.data)
    wanted = chosen.photos + chosen.explained
    if len(samples) < chosen.explained + 2:
        raise InputError(f"{chosen.data}: {len(samples)} pictures are too few to explain some")
    order = np.random.default_rng(chosen.schooling.seed).permutation(len(samples))
    return [samples[i] for i in order[:wanted]]


def _school(chosen: SanityLabels, images: Any, targets: Any, shuffled: bool) -> Pupil:
    with explain_options.progress() as bars:
        name = "shuffled labels" if shuffled else "true labels"
        bar = bars.add_task(name, total=chosen.schooling.epochs, loss="")
        return label_randomisation.school(
            images, targets, chosen.schooling, shuffled=shuffled, device=chosen.device,
            watch=lambda epoch, known: bars.update(bar, completed=epoch, loss=f"{known:.0%} right"),
        )  # fmt: skip


def _write(
    chosen: SanityLabels, images: Any, found: list[Beside], pupils: tuple[Pupil, Pupil],
    methods: dict[str, Any],
) -> None:  # fmt: skip
    import torch

    with new_folder(chosen.out, overwrite=chosen.overwrite) as folder:
        with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["method", "picture", *MEASURES])
            for result in found:
                for number, values in enumerate(zip(*result.similarity.values(), strict=True)):
                    writer.writerow([result.method, number, *(f"{v:.4f}" for v in values)])
        (folder / "table.csv").write_text(_csv(found), encoding="utf-8")
        maps = torch.cat([m[:1] for result in found for m in (result.real, result.shuffled)])
        shorts = [result.method.partition(":")[0] for result in found]
        names = [f"{short}, {way}" for short in shorts for way in ("true", "shuffled")]
        shown = images[:1].expand(len(maps), 3, -1, -1)
        overview(shown, maps, names).savefig(folder / "labels.png", dpi=80)
        arrays = {
            f"{r.method} {way}": getattr(r, way).cpu().numpy()
            for r in found
            for way in ("real", "shuffled")
        }
        np.savez_compressed(folder / "maps.npz", **arrays)
        write_manifest(
            folder,
            {
                "data": chosen.data,
                "photos": chosen.photos,
                "schooling": asdict(chosen.schooling),
                "learned": [
                    {"labels": p.classifier.name, "known": p.known, "epochs": p.epochs}
                    for p in pupils
                ],
                "methods": {name: settings_of(method) for name, method in methods.items()},
            },
        )


def _csv(found: list[Beside]) -> str:
    lines = ["method,measure,mean,low,high,pictures"]
    lines += [
        ",".join([result.method, name, *(f"{v:.4f}" for v in mean[:3]), str(mean.photos)])
        for result in found
        for name, values in result.similarity.items()
        for mean in [bootstrap.mean(values)]
    ]
    return "\n".join(lines) + "\n"


def _table(found: list[Beside], count: int) -> Table:
    table = Table(box=None, pad_edge=False, caption_justify="left")
    table.add_column("method")
    for name in MEASURES:
        table.add_column(name, justify="right")
    for result in found:
        means = (str(bootstrap.mean(values)) for values in result.similarity.values())
        table.add_row(result.method, *means)
    table.caption = (
        f"similarity of maps under true and under shuffled labels, {count} pictures, mean [95 % "
        "interval]; lower: the map depends on what was learned"
    )
    return table
