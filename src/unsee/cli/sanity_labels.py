"""`unsee sanity-labels`: maps of a network that learned true labels, and of one that could not."""

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console

from unsee.cli import explain_options
from unsee.datasets._loading import load_data
from unsee.errors import InputError
from unsee.evaluation import label_randomisation
from unsee.evaluation.label_randomisation import MapPair, TrainConfig, TrainedNetwork
from unsee.folders import check_new, new_folder, write_manifest
from unsee.images.drawing import overview
from unsee.metrics._similarity import MEASURES
from unsee.registry import made, settings_of
from unsee.reports import bootstrap
from unsee.table import Column, Table


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
    training: TrainConfig = field(default_factory=TrainConfig)
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
    images, targets = label_randomisation.pictures(_chosen(chosen), chosen.training)
    seen = len(images) - chosen.explained
    real, shuffled = (_school(chosen, images[:seen], targets[:seen], way) for way in (False, True))
    found = list(
        label_randomisation.check(
            real.classifier, shuffled.classifier, images[seen:], targets[seen:], methods,
            **({"infiller": chosen.infiller} if chosen.infiller else {}),
            seed=chosen.training.seed,
        )
    )  # fmt: skip
    _write(chosen, images[seen:], found, (real, shuffled), methods)
    Console().print(_table(found, chosen.explained).terminal())
    sys.stdout.write(f"picture and tables: {chosen.out}\n")
    return 0


def _chosen(chosen: SanityLabels) -> list[Any]:
    """Evenly spread over the data, in an order that is random and always the same."""
    samples = load_data(chosen.data)
    wanted = chosen.photos + chosen.explained
    if len(samples) < chosen.explained + 2:
        raise InputError(f"{chosen.data}: {len(samples)} pictures are too few to explain some")
    order = np.random.default_rng(chosen.training.seed).permutation(len(samples))
    return [samples[i] for i in order[:wanted]]


def _school(chosen: SanityLabels, images: Any, targets: Any, shuffled: bool) -> TrainedNetwork:
    with explain_options.progress() as bars:
        name = "shuffled labels" if shuffled else "true labels"
        bar = bars.add_task(name, total=chosen.training.epochs, loss="")
        return label_randomisation.train(
            images, targets, chosen.training, shuffled=shuffled, device=chosen.device,
            callback=lambda epoch, accuracy: bars.update(
                bar, completed=epoch, loss=f"accuracy {accuracy:.0%}"
            ),
        )  # fmt: skip


def _write(
    chosen: SanityLabels, images: Any, found: list[MapPair],
    networks: tuple[TrainedNetwork, TrainedNetwork],
    methods: dict[str, Any],
) -> None:  # fmt: skip
    import torch

    with new_folder(chosen.out, overwrite=chosen.overwrite) as folder:
        (folder / "rows.csv").write_text(_rows(found).csv(), encoding="utf-8")
        (folder / "table.csv").write_text(_means(found).csv(), encoding="utf-8")
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
                "training": asdict(chosen.training),
                "learned": [
                    {"labels": n.classifier.name, "accuracy": n.accuracy, "epochs": n.epochs}
                    for n in networks
                ],
                "methods": {name: settings_of(method) for name, method in methods.items()},
            },
        )


def _rows(found: list[MapPair]) -> Table:
    """Return the similarities of each picture."""
    columns = [Column("method"), Column("picture"), *(Column(m, spec=".4f") for m in MEASURES)]
    rows = [
        (pair.method, number, *values)
        for pair in found
        for number, values in enumerate(zip(*pair.similarity.values(), strict=True))
    ]
    return Table(columns, rows)


def _means(found: list[MapPair]) -> Table:
    """Return the mean similarities with their intervals."""
    columns = [Column("method"), Column("measure")]
    columns += [Column(name, spec=".4f") for name in ("mean", "low", "high")]
    rows = [
        (pair.method, name, *bootstrap.mean(values))
        for pair in found
        for name, values in pair.similarity.items()
    ]
    return Table([*columns, Column("pictures")], rows)


def _table(found: list[MapPair], count: int) -> Table:
    rows = [
        (pair.method, *(str(bootstrap.mean(values)) for values in pair.similarity.values()))
        for pair in found
    ]
    note = (
        f"similarity of maps for true and for shuffled labels, {count} pictures, mean [95 % "
        "interval]; lower: the map depends on what was learned"
    )
    return Table([Column("method", align="left"), *map(Column, MEASURES)], rows, note=note)
