"""`unsee sanity`: one photo's map while the classifier's layers are randomised."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from tyro.conf import arg

from unsee.classifiers import measures, randomisation
from unsee.classifiers.classifier import Classifier
from unsee.cli import checks, explain_options, keeping
from unsee.cli.console import print_errors, show_table
from unsee.cli.cost import Forecast
from unsee.cli.explain_options import ExplainOptions, Folder, InfillerName, MethodName, Photo
from unsee.cli.parsing import parse
from unsee.errors import InputError, as_message
from unsee.evaluation import parameter_randomisation
from unsee.evaluation.parameter_randomisation import RandomisedMaps
from unsee.images import reading
from unsee.images.drawing import overview, save_figure
from unsee.masking.slots import Slots
from unsee.methods._cells import GRID
from unsee.metrics._similarity import MEASURES
from unsee.output.bars import terminal_bars
from unsee.output.table import Column, Table
from unsee.parts import Parts
from unsee.registry import name_of, settings_of
from unsee.storage.files import check_file, write_text
from unsee.storage.folders import new_folder, write_manifest
from unsee.study import DEFAULT_METHOD
from unsee.types import Images


@dataclass(frozen=True, kw_only=True)
class Sanity(ExplainOptions):
    """Randomise the classifier's parameters layer by layer (Adebayo et al., NeurIPS 2018).

    The map of a method that explains the classifier changes; that of one that only draws edges does
    not. Prints the similarity with the original map and writes sanity.png, table.csv and maps.npz.
    """

    photo: Photo
    """The photo."""
    method: MethodName = DEFAULT_METHOD
    """Method, NAME[:setting=value,...] or recipe:NAME; see `unsee list methods`."""
    infiller: InfillerName = None
    """In-filler, NAME[:setting=value,...], see `unsee list infillers`."""
    order: Literal["cascading", "independent"] = "cascading"
    """Randomise all layers from the output down to one, or one layer alone."""
    layers: Annotated[int | None, arg(metavar="N")] = 8
    """Number of the network's layers, evenly spaced; `none` randomises all."""
    out: Folder = Path("unsee-sanity")
    """Folder for the results."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        super().check()
        checks.at_least(1, layers=self.layers)
        check_file(self.photo, "photo")
        checks.new_result(self.out, overwrite=self.overwrite)


def run(arguments: list[str]) -> int:
    """Explain the photo with each of the randomised classifiers; print and write."""
    options = parse(Sanity, arguments, "unsee sanity")
    options.check()
    parts = explain_options.parts_of(options, options.method, options.infiller)
    classifier = explain_options.classifier_of(options)
    parts = explain_options.with_contrast(parts, options)
    photo = reading.read(options.photo, classifier.channels).pixels
    image = classifier.framing.show(photo)
    slots = explain_options.slots_of(options, classifier, photo, image)
    results: list[RandomisedMaps] = []
    failed: list[InputError] = []
    stopped = False
    try:
        _compute(options, classifier, image, slots, parts, results)
    except (KeyboardInterrupt, Exception) as error:  # what is finished is written
        if len(results) <= 1:
            raise
        stopped = not isinstance(error, Exception)
        failed = [as_message(error)] if isinstance(error, Exception) else []
    show_table(_table(results, options.order))
    status = print_errors(failed)

    def write(folder: Path, overwrite: bool) -> None:
        _write(replace(options, out=folder, overwrite=overwrite), parts, image, results)

    keeping.write_result(
        options.out, write, "picture and table", overwrite=options.overwrite,
        complete=not (stopped or failed),
    )  # fmt: skip
    if stopped:
        raise KeyboardInterrupt
    return status


def _compute(
    options: Sanity,
    classifier: Classifier,
    image: Images,
    slots: Slots | None,
    parts: Parts,
    results: list[RandomisedMaps],
) -> None:
    """Explain the photo with each of the classifiers, and add the maps to the results."""
    layers = len(randomisation.layers(classifier.require_network("unsee sanity")))
    maps = 1 + min(options.layers or layers, layers)
    forecast = Forecast(f"{maps} maps of {name_of(parts.method)}", maps)
    with terminal_bars() as bars:
        bar = bars.add_task("layers", total=maps, loss="")
        for result in parameter_randomisation.check(
            classifier, image, parts.method, order=options.order, steps=options.layers,
            seed=options.seed, infiller=parts.infiller, targets=options.target,
            measure=parts.measure, cells=slots, budget=options.budget,
            deterministic=options.deterministic,
        ):  # fmt: skip
            results.append(result)
            forecast.end()
            bars.update(bar, completed=len(results))


def _write(
    options: Sanity,
    parts: Parts,
    image: Images,
    results: list[RandomisedMaps],
) -> None:
    import torch

    names = [result.layer or "original" for result in results]
    with new_folder(options.out, overwrite=options.overwrite) as folder:
        maps = torch.cat([result.maps for result in results])
        figure = overview(image.expand(len(maps), -1, -1, -1), maps, names)
        save_figure(figure, folder / "sanity.png", 80)
        rows = [
            (name, *(result.similarity[key][0] for key in MEASURES))
            for name, result in zip(names, results, strict=True)
        ]
        table = Table([Column("layer"), *(Column(key, spec=".4f") for key in MEASURES)], rows)
        write_text(folder / "table.csv", table.csv())
        np.savez_compressed(folder / "maps.npz", maps=maps.cpu().numpy(), layers=np.array(names))
        write_manifest(
            folder,
            {
                "photo": options.photo,
                "method": settings_of(parts.method),
                "infiller": settings_of(parts.infiller),
                "cells": options.cells or GRID,
                "measure": measures.name_of(parts.measure),
                "order": options.order,
                "seed": options.seed,
                "deterministic": options.deterministic,
            },
        )


def _table(results: list[RandomisedMaps], order: str) -> Table:
    first = "randomised down to" if order == "cascading" else "randomised"
    columns = [
        Column("layer", first, align="left"),
        *(Column(name, spec=".3f") for name in MEASURES),
    ]
    rows = [
        (result.layer or "nothing", *(result.similarity[name][0] for name in MEASURES))
        for result in results
    ]
    note = "similarity to the original map; a faithful method's decreases as layers are randomised"
    return Table(columns, rows, note=note)
