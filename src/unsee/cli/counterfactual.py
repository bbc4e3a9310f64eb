"""`unsee counterfactual`: which pixels must be in-filled so that another class is the answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import torch
from tyro.conf import arg

from unsee.classifiers import labels
from unsee.classifiers.classifier import Classifier
from unsee.cli import checks, cost, explain_options, keeping
from unsee.cli.console import print_note, say, show_table
from unsee.cli.explain_options import ExplainOptions, Folder, InfillerName, MethodName, Photo
from unsee.cli.parsing import parse
from unsee.errors import InputError
from unsee.images import reading
from unsee.images.drawing import drawable, overlay, save_figure, save_png, show, to_pixels
from unsee.output.bars import terminal_bars
from unsee.output.table import Column, Table
from unsee.registry import resolve, settings_of
from unsee.results.counterfactual import (
    FIRST_SHARE,
    Counterfactual,
    check_answer,
    counterfactual,
)
from unsee.storage.files import check_file, write_text
from unsee.storage.folders import new_folder, write_manifest
from unsee.study import DEFAULT_METHOD, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DRAWN = 3
"""Samples in the picture; all are saved."""


@dataclass(frozen=True, kw_only=True)
class CounterfactualOptions(ExplainOptions):
    """In-fill the evidence for one class against another, until the other one is the answer.

    The smallest of 24 shares of the map that suffices, without the regions that are not needed, is
    in-filled with several seeds. Samples that are answered with the class of --contrast come first,
    the most plausible first. Writes counterfactual.png, a picture of each sample, table.csv and
    manifest.json. The exit status is 1 if no share of the pixels up to --largest suffices; the
    picture then shows the share with the highest probability.
    """

    photo: Photo
    """The photo."""
    method: MethodName = DEFAULT_METHOD
    """Method that ranks the pixels, NAME[:setting=value,...] or recipe:NAME; see
    `unsee list methods`."""
    infiller: InfillerName = None
    """In-filler of the method, NAME[:setting=value,...], see `unsee list infillers`."""
    picture_infiller: Annotated[str, arg(metavar="INFILLER")] = "painter"
    """In-filler of the pictures."""
    samples: Annotated[int, arg(metavar="N")] = 4
    """Number of in-fillings, with different seeds."""
    largest: Annotated[float, arg(metavar="SHARE")] = 0.6
    """Largest share of the pixels."""
    out: Folder = Path("unsee-counterfactual")
    """Folder for the results."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        super().check()
        if self.contrast is None:
            raise InputError("expected --contrast CLASS: the class that is to be the answer")
        checks.at_least(1, samples=self.samples)
        if not FIRST_SHARE < self.largest <= 1:
            raise InputError(
                f"--largest: expected a share in ({FIRST_SHARE}, 1], got {self.largest:g}"
            )
        check_file(self.photo, "photo")
        checks.new_result(self.out, overwrite=self.overwrite)


def run(arguments: list[str]) -> int:
    """Explain the photo, in-fill the evidence and write the pictures."""
    options = parse(CounterfactualOptions, arguments, "unsee counterfactual")
    options.check()
    trusted = explain_options.infiller_of(options.picture_infiller, trust=options.trust)
    infiller = resolve("infillers", trusted)
    parts = explain_options.parts_of(options, options.method, options.infiller)
    classifier = explain_options.classifier_of(options)
    parts = explain_options.with_contrast(parts, options)
    for each in (infiller, parts.infiller):
        each.prepare(classifier.device)
    photo = reading.read(options.photo, classifier.channels).pixels
    image = classifier.framing.show(photo)
    study = Study.of(
        classifier, image, parts.method, infiller=parts.infiller, targets=options.target,
        measure=parts.measure, cells=explain_options.slots_of(options, classifier, photo, image),
        seed=options.seed, budget=options.budget, deterministic=options.deterministic,
    )  # fmt: skip
    _explain(options, study)
    result = counterfactual(study, infiller, samples=options.samples, largest=options.largest)
    target, wanted = (labels.name_of(classifier.labels, i) for i in (result.target, result.wanted))
    table = _table(result, target, wanted)
    content = {
        "target": {"class": result.target, "name": target},
        "wanted": {"class": result.wanted, "name": wanted, "reached": result.reached},
    }
    show_table(table, rows=table.values(), share=result.share, **content)
    if result.reached:
        sentence = f"in-filling {result.share:.1%} of the pixels makes {wanted} the answer"
        say(f"{sentence}\n", conclusions=[sentence])
    else:
        print_note(
            f"no share of the pixels up to {options.largest:.0%} makes {wanted} the answer; its "
            f"probability is highest, {result.samples[0].probabilities[result.wanted]:.1%}, with "
            f"{result.share:.1%} in-filled"
        )

    def write(folder: Path, overwrite: bool) -> None:
        with new_folder(folder, overwrite=overwrite) as place:
            save_figure(_figure(study, result, classifier), place / "counterfactual.png", 100)
            for number, sample in enumerate(result.samples, 1):
                save_png(place / f"sample-{number}.png", sample.picture[0].cpu())
            write_text(place / "table.csv", table.csv())
            write_manifest(
                place,
                {
                    "photo": options.photo,
                    **content,
                    "share": round(result.share, 6),
                    "largest": options.largest,
                    "seeds": [sample.seed for sample in result.samples],
                    "picture_infiller": settings_of(infiller),
                    "explanation": study.explanation.provenance,
                },
            )

    keeping.write_result(options.out, write, "pictures and table", overwrite=options.overwrite)
    return 0 if result.reached else 1


def _explain(options: CounterfactualOptions, study: Study) -> None:
    """Run the study, unless no counterfactual can follow."""
    study.score.classifier.kind.require_one_answer("unsee counterfactual")
    check_answer(study)
    with terminal_bars() as bars:
        explain_options.run_with_bar(study, options.method, bars, cost.Forecast(options.method))


def _table(result: Counterfactual, target: str, wanted: str) -> Table:
    """Return a row for each sample."""
    rows = [
        (
            number, "yes" if sample.answer == result.wanted else "no",
            sample.probabilities[result.wanted].item(), sample.probabilities[result.target].item(),
            sample.misfit,
        )
        for number, sample in enumerate(result.samples, 1)
    ]  # fmt: skip
    columns = [
        Column("sample"), Column("answered as wanted", align="left"),
        Column("p_wanted", "p wanted", ".3f"), Column("p_target", "p target", ".3f"),
        Column("misfit", spec=".4f"),
    ]  # fmt: skip
    note = (
        f"wanted: {wanted}; target: {target}; misfit: distance of in-filled pixels from the "
        "nearest visible patches, lower is better"
    )
    return Table(columns, rows, note=note)


def _figure(study: Study, result: Counterfactual, classifier: Classifier) -> "Figure":
    """Draw the photo, what is in-filled, and the best samples."""
    from unsee.images.figure import Figure

    image, names = study.score.images[0].cpu(), classifier.labels
    best = result.samples[:MOST_DRAWN]
    figure = Figure(figsize=(2.7 * (2 + len(best)), 3.4), layout="constrained")
    axes = figure.subplots(1, 2 + len(best))
    assert study.logits is not None
    before = classifier.kind.probabilities(study.logits)[0].cpu()

    def caption(probabilities: torch.Tensor) -> str:
        lines = [
            f"{labels.name_of(names, index)} {probabilities[index].item():.1%}"
            for index in (result.target, result.wanted)
        ]
        return drawable(", ".join(lines))

    def below(place: "Axes", probabilities: torch.Tensor) -> None:
        place.text(
            0.5, -0.03, caption(probabilities), transform=place.transAxes, ha="center", va="top",
            fontsize=9,
        )  # fmt: skip

    show(axes[0], to_pixels(image))
    axes[0].set_title("photo", fontsize=10)
    below(axes[0], before)
    show(axes[1], overlay(image, study.explanation.saliency[0].cpu()))
    axes[1].contour(result.removed.cpu().numpy(), levels=[0.5], colors="white", linewidths=1.2)
    axes[1].set_title(f"in-filled: {result.share:.1%} of the pixels", fontsize=10)
    for number, (place, sample) in enumerate(zip(axes[2:], best, strict=True), 1):
        show(place, to_pixels(sample.picture[0].cpu()))
        answer = labels.name_of(names, sample.answer)
        place.set_title(drawable(f"sample {number}: {answer}"), fontsize=10)
        below(place, sample.probabilities)
    return figure
