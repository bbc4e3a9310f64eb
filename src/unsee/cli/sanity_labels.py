"""`unsee sanity-labels`: maps of networks trained on true and on shuffled labels."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import Int
from torch import Tensor
from tyro.conf import arg

from unsee.classifiers.devices import check_device
from unsee.classifiers.measures import name_of
from unsee.cli import checks, cost, explain_options, keeping
from unsee.cli.console import print_errors, print_note, show_table
from unsee.cli.explain_options import Data, Folder, InfillerName, MethodNames, Trust
from unsee.cli.parsing import parse
from unsee.datasets._loading import load_data
from unsee.datasets.base import Sample
from unsee.errors import InputError, as_message
from unsee.evaluation import label_randomisation
from unsee.evaluation.label_randomisation import MapPair, TrainConfig, TrainedNetwork
from unsee.images.drawing import overview, save_figure
from unsee.metrics._similarity import MEASURES
from unsee.output.bars import terminal_bars
from unsee.output.table import Column, Table
from unsee.parts import Parts, resolve_parts
from unsee.registry import settings_of
from unsee.registry.grammar import split_words
from unsee.reports import bootstrap
from unsee.storage.files import write_text
from unsee.storage.folders import new_folder, write_manifest
from unsee.study import Study
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
    trust: Trust = False
    """Load in-fillers that are programs (TorchScript), which can run any code on this machine."""
    overwrite: bool = False
    """Replace existing results."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        checks.at_least(2, photos=self.photos)
        checks.at_least(1, explained=self.explained)
        checks.seed(self.training.seed)
        check_device(self.device)
        checks.new_result(self.out, overwrite=self.overwrite)

    def parts(self) -> dict[str, Parts]:
        """Return the methods with their in-fillers and measures, by name."""
        infiller = explain_options.infiller_of(self.infiller, trust=self.trust)
        parts = {name: resolve_parts(name, infiller) for name in split_words(self.methods)}
        if not parts:
            raise InputError("expected at least one name after --methods")
        for part in parts.values():
            part.method.check()
        return parts


def run(arguments: list[str]) -> int:
    """Train both networks, explain with both and compare the maps."""
    options = parse(SanityLabels, arguments, "unsee sanity-labels")
    options.check()
    parts = options.parts()
    samples = _samples(options)
    images, targets = label_randomisation.pictures(samples, options.training)
    count = len(images) - options.explained
    real, shuffled = (
        _trained(options, images[:count], targets[:count], shuffled=shuffled)
        for shuffled in (False, True)
    )
    explained = images[count:]
    seconds = [_seconds(real, explained[:1], part) for part in parts.values()]
    maps = f"{2 * len(explained)} maps of each of {len(parts)} methods"
    cost.announce(sum(seconds) * 2 * len(explained), maps)
    results: list[MapPair] = []
    failed: list[InputError] = []
    stopped = False
    for name, (method, infiller, measure) in parts.items():
        try:
            results += label_randomisation.check(
                real.classifier, shuffled.classifier, explained, targets[count:], {name: method},
                infiller=infiller, measure=measure, seed=options.training.seed,
            )  # fmt: skip
        except KeyboardInterrupt:
            stopped = True
            break
        except Exception as error:
            failed.append(as_message(error).prefixed(name))
    if results:
        show_table(_table(results, options.explained), rows=_means(results).values())
    status = print_errors(failed)
    if results:
        _finish(options, explained, results, (real, shuffled), parts, complete=not stopped)
    if stopped:
        raise KeyboardInterrupt
    return status


def _samples(options: SanityLabels) -> list[Sample]:
    """Return a random choice of the data, the same for the same seed."""
    samples = load_data(options.data, trust=options.trust)
    for note in samples.notes:
        print_note(note)
    if len(samples) < options.explained + 2:
        raise InputError(
            f"{options.data}: expected at least {options.explained + 2} pictures, two for training "
            f"and {options.explained} to explain, got {len(samples)}"
        )
    order = np.random.default_rng(options.training.seed).permutation(len(samples))
    return [samples[i] for i in order[: options.photos + options.explained]]


def _seconds(network: TrainedNetwork, image: Images, parts: Parts) -> float:
    """Return the expected duration of one map; 0 if it fails, which is reported later."""
    method, infiller, measure = parts
    try:
        return cost.seconds_of(
            Study.of(network.classifier, image, method, infiller=infiller, measure=measure)
        )
    except Exception:
        return 0.0


def _trained(
    options: SanityLabels, images: Images, targets: Int[Tensor, " n"], *, shuffled: bool
) -> TrainedNetwork:
    epochs = options.training.epochs
    forecast = cost.Forecast(f"at most {epochs} epochs of each of two networks", 2)
    with terminal_bars() as bars:
        name = "shuffled labels" if shuffled else "true labels"
        bar = bars.add_task(name, total=epochs, loss="")

        def after_epoch(epoch: int, accuracy: float) -> None:
            bars.update(bar, completed=epoch, loss=f"accuracy {accuracy:.0%}")
            if not shuffled:  # the second network takes as long as the first
                forecast.step(epoch, epochs)

        return label_randomisation.train(
            images, targets, options.training, shuffled=shuffled, device=options.device,
            callback=after_epoch,
        )  # fmt: skip


def _finish(
    options: SanityLabels,
    images: Images,
    results: list[MapPair],
    networks: tuple[TrainedNetwork, TrainedNetwork],
    parts: dict[str, Parts],
    *,
    complete: bool,
) -> None:
    """Write the results and print where they are."""

    def write(folder: Path, overwrite: bool) -> None:
        written = replace(options, out=folder, overwrite=overwrite)
        _write(written, images, results, networks, parts)

    keeping.write_result(
        options.out, write, "picture and tables", overwrite=options.overwrite, complete=complete
    )


def _write(
    options: SanityLabels,
    images: Images,
    results: list[MapPair],
    networks: tuple[TrainedNetwork, TrainedNetwork],
    parts: dict[str, Parts],
) -> None:
    import torch

    with new_folder(options.out, overwrite=options.overwrite) as folder:
        write_text(folder / "rows.csv", _rows(results).csv())
        write_text(folder / "table.csv", _means(results).csv())
        maps = torch.cat([m[:1] for result in results for m in (result.real, result.shuffled)])
        short_names = [result.method.partition(":")[0] for result in results]
        names = [f"{short}, {labels}" for short in short_names for labels in ("true", "shuffled")]
        copies = images[:1].expand(len(maps), 3, -1, -1)
        save_figure(overview(copies, maps, names), folder / "labels.png", 80)
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
                "measures": {name: name_of(part.measure) for name, part in parts.items()},
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
