"""`unsee sanity-labels`: maps of networks trained on true and on shuffled labels."""

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import Int
from rich.console import Console
from torch import Tensor
from tyro.conf import arg

from unsee.cli import explain_options, print_error
from unsee.cli.explain_options import Data, Folder, InfillerName, MethodNames
from unsee.cli.parsing import parse
from unsee.datasets._loading import load_data
from unsee.datasets.base import Sample
from unsee.errors import InputError
from unsee.evaluation import label_randomisation
from unsee.evaluation.label_randomisation import MapPair, TrainConfig, TrainedNetwork
from unsee.folders import check_new, new_folder, write_manifest
from unsee.images.drawing import overview
from unsee.metrics._similarity import MEASURES
from unsee.registry import settings_of, split_words
from unsee.reports import bootstrap
from unsee.study import Parts, resolve_parts
from unsee.table import Column, Table
from unsee.types import Images


@dataclass(frozen=True, kw_only=True)
class SanityLabels:
    """Train two small networks, on true and on shuffled labels (Adebayo et al., NeurIPS 2018).

    Every method explains the same pictures to both. Maps that stay alike do not depend on what the
    network learned. Writes table.csv, rows.csv, labels.png and maps.npz.
    """

    data: Data
    """Labelled pictures: a path, or DATASET:PATH such as fashion_mnist:PATH; see
    `unsee list datasets`."""
    methods: MethodNames = ("tide", "fido", "sliding_patch", "gradient", "box")
    """Methods, NAME[:setting=value,...] or recipe:NAME; see `unsee list methods`."""
    infiller: InfillerName = None
    """In-filler, NAME[:setting=value,...], see `unsee list infillers`."""
    photos: Annotated[int, arg(metavar="N")] = 6000
    """Number of pictures for training."""
    explained: Annotated[int, arg(metavar="N")] = 50
    """Number of pictures that are explained; they are not used for training."""
    training: TrainConfig = field(default_factory=TrainConfig)
    device: Annotated[str, arg(metavar="DEVICE")] = "cpu"
    """Device of the networks: cpu, cuda, cuda:1, mps."""
    out: Folder = Path("unsee-labels")
    """Folder for the results."""
    overwrite: bool = False
    """Replace existing results."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        if self.photos < 2 or self.explained < 1:
            raise InputError(
                f"expected photos >= 2 and explained >= 1, got {self.photos} and {self.explained}"
            )
        check_new(self.out, overwrite=self.overwrite)

    def parts(self) -> dict[str, Parts]:
        """Return the methods with their in-fillers and measures, by name."""
        return {name: resolve_parts(name, self.infiller) for name in split_words(self.methods)}


def run(arguments: list[str]) -> int:
    """Train both networks, explain with both and compare the maps."""
    options = parse(SanityLabels, arguments, "unsee sanity-labels")
    parts = options.parts()
    options.check()
    samples = _samples(options)
    images, targets = label_randomisation.pictures(samples, options.training)
    count = len(images) - options.explained
    real, shuffled = (
        _trained(options, images[:count], targets[:count], shuffled=shuffled)
        for shuffled in (False, True)
    )
    results: list[MapPair] = []
    for name, (method, infiller, measure) in parts.items():
        results += label_randomisation.check(
            real.classifier, shuffled.classifier, images[count:], targets[count:], {name: method},
            infiller=infiller, measure=measure, seed=options.training.seed,
        )  # fmt: skip
    _write(options, images[count:], results, (real, shuffled), parts)
    Console().print(_table(results, options.explained).terminal())
    sys.stdout.write(f"picture and tables: {options.out}\n")
    return 0


def _samples(options: SanityLabels) -> list[Sample]:
    """Return a random choice of the data, the same for the same seed."""
    samples = load_data(options.data)
    for note in samples.notes:
        print_error(note)
    if len(samples) < options.explained + 2:
        raise InputError(
            f"{options.data}: expected at least {options.explained + 2} pictures, two for training "
            f"and {options.explained} to explain, got {len(samples)}"
        )
    order = np.random.default_rng(options.training.seed).permutation(len(samples))
    return [samples[i] for i in order[: options.photos + options.explained]]


def _trained(
    options: SanityLabels, images: Images, targets: Int[Tensor, " n"], *, shuffled: bool
) -> TrainedNetwork:
    with explain_options.progress() as bars:
        name = "shuffled labels" if shuffled else "true labels"
        bar = bars.add_task(name, total=options.training.epochs, loss="")
        return label_randomisation.train(
            images, targets, options.training, shuffled=shuffled, device=options.device,
            callback=lambda epoch, accuracy: bars.update(
                bar, completed=epoch, loss=f"accuracy {accuracy:.0%}"
            ),
        )  # fmt: skip


def _write(
    options: SanityLabels,
    images: Images,
    results: list[MapPair],
    networks: tuple[TrainedNetwork, TrainedNetwork],
    parts: dict[str, Parts],
) -> None:
    import torch

    with new_folder(options.out, overwrite=options.overwrite) as folder:
        (folder / "rows.csv").write_text(_rows(results).csv(), encoding="utf-8")
        (folder / "table.csv").write_text(_means(results).csv(), encoding="utf-8")
        maps = torch.cat([m[:1] for result in results for m in (result.real, result.shuffled)])
        short_names = [result.method.partition(":")[0] for result in results]
        names = [f"{short}, {labels}" for short in short_names for labels in ("true", "shuffled")]
        copies = images[:1].expand(len(maps), 3, -1, -1)
        overview(copies, maps, names).savefig(folder / "labels.png", dpi=80)
        arrays = {
            f"{result.method} {labels}": maps.cpu().numpy()
            for result in results
            for labels, maps in (("real", result.real), ("shuffled", result.shuffled))
        }
        np.savez_compressed(folder / "maps.npz", **arrays)  # type: ignore[arg-type]
        write_manifest(
            folder,
            {
                "data": options.data,
                "photos": options.photos,
                "training": asdict(options.training),
                "learned": [
                    {"labels": n.classifier.name, "accuracy": n.accuracy, "epochs": n.epochs}
                    for n in networks
                ],
                "methods": {name: settings_of(part.method) for name, part in parts.items()},
            },
        )


def _rows(results: list[MapPair]) -> Table:
    """Return the similarities of each picture."""
    columns = [Column("method"), Column("picture"), *(Column(m, spec=".4f") for m in MEASURES)]
    rows = [
        (pair.method, number, *values)
        for pair in results
        for number, values in enumerate(zip(*pair.similarity.values(), strict=True))
    ]
    return Table(columns, rows)


def _means(results: list[MapPair]) -> Table:
    """Return the mean similarities with their intervals."""
    columns = [Column("method"), Column("measure")]
    columns += [Column(name, spec=".4f") for name in ("mean", "low", "high")]
    rows = [
        (pair.method, name, *bootstrap.mean(values))
        for pair in results
        for name, values in pair.similarity.items()
    ]
    return Table([*columns, Column("pictures")], rows)


def _table(results: list[MapPair], count: int) -> Table:
    rows = [
        (pair.method, *(str(bootstrap.mean(values)) for values in pair.similarity.values()))
        for pair in results
    ]
    note = (
        f"similarity of maps for true and for shuffled labels, {count} pictures, mean [95 % "
        "interval]; lower: the map depends on what was learned"
    )
    return Table([Column("method", align="left"), *map(Column, MEASURES)], rows, note=note)
