"""`unsee sanity`: the map while the classifier forgets, layer by layer."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from rich.console import Console

from unsee.cli import explain_options, flags
from unsee.cli.explain_options import Question
from unsee.errors import InputError
from unsee.evaluation import parameter_randomisation
from unsee.folders import check_new, new_folder, write_manifest
from unsee.images import reading
from unsee.images.drawing import overview
from unsee.metrics._similarity import MEASURES
from unsee.registry import settings_of
from unsee.study import DEFAULT_METHOD
from unsee.table import Column, Table


@dataclass(frozen=True)
class Sanity(Question):
    """Model randomisation (Adebayo et al. 2018): layers forget, from the output to the input.

    A map that explains the classifier falls apart; one that only draws edges stays. Prints the
    similarity with the real map and writes sanity.png, table.csv and maps.npz.
    """

    photo: Annotated[str, tyro.conf.Positional] = ""
    """The photo."""
    method: str = DEFAULT_METHOD
    """See `unsee list methods`."""
    infiller: str | None = None
    """See `unsee list infillers`; by default what the method was published with."""
    recipe: str | None = None
    """Published settings, see `unsee list recipes`; flags override them."""
    order: Literal["cascading", "independent"] = "cascading"
    """All layers down to one, or that one alone."""
    layers: int = 8
    """How many of the network's layers, evenly; 0 takes all."""
    out: Path = Path("unsee-sanity")
    """Folder for the results."""


def run(arguments: list[str]) -> int:
    """Explain again and again; print and write."""
    chosen = flags.parse(Sanity, arguments, "unsee sanity")
    if not chosen.photo:
        raise InputError("expected a photo; see unsee sanity --help")
    if chosen.layers < 0:
        raise InputError(f"--layers: expected at least 0, got {chosen.layers}")
    check_new(chosen.out, overwrite=chosen.overwrite)
    classifier = explain_options.classifier_of(chosen)
    measure = explain_options.measure_of(chosen, classifier)
    image = classifier.framing.show(reading.read(chosen.photo, classifier.channels).pixels)
    found = []
    with explain_options.progress() as bars:
        bar = bars.add_task("layers", total=None, loss="")
        for result in parameter_randomisation.check(
            classifier, image, chosen.chosen_method, order=chosen.order, steps=chosen.layers,
            seed=chosen.seed, infiller=chosen.chosen_infiller, targets=chosen.target,
            measure=measure, budget=chosen.budget,
        ):  # fmt: skip
            found.append(result)
            bars.update(bar, completed=len(found))
    _write(chosen, image, found)
    Console().print(_table(found, chosen.order).terminal())
    sys.stdout.write(f"picture and table: {chosen.out}\n")
    return 0


def _write(chosen: Any, image: Any, found: list[parameter_randomisation.RandomisedMaps]) -> None:
    import torch

    names = [result.layer or "original" for result in found]
    with new_folder(chosen.out, overwrite=chosen.overwrite) as folder:
        maps = torch.cat([result.maps for result in found])
        overview(image.expand(len(maps), -1, -1, -1), maps, names).savefig(
            folder / "sanity.png", dpi=80
        )
        rows = [
            (name, *(result.similarity[key][0] for key in MEASURES))
            for name, result in zip(names, found, strict=True)
        ]
        table = Table([Column("layer"), *(Column(key, spec=".4f") for key in MEASURES)], rows)
        (folder / "table.csv").write_text(table.csv(), encoding="utf-8")
        np.savez_compressed(folder / "maps.npz", maps=maps.cpu().numpy(), layers=np.array(names))
        write_manifest(
            folder,
            {
                "photo": chosen.photo,
                "method": settings_of(chosen.chosen_method),
                "infiller": settings_of(chosen.chosen_infiller),
                "order": chosen.order,
                "seed": chosen.seed,
            },
        )


def _table(found: list[parameter_randomisation.RandomisedMaps], order: str) -> Table:
    first = "randomised down to" if order == "cascading" else "randomised"
    columns = [Column(first, align="left"), *(Column(name, spec=".3f") for name in MEASURES)]
    rows = [
        (result.layer or "nothing", *(result.similarity[name][0] for name in MEASURES))
        for result in found
    ]
    note = "similarity to the original map; a faithful method's decreases as layers are randomised"
    return Table(columns, rows, note=note)
