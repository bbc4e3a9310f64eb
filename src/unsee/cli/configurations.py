"""Explain one photo in several configurations; those that fail leave the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.progress import Progress, TaskID

from unsee.cli import cost, explain_options, keeping
from unsee.cli.console import print_error, print_note, say, show_table
from unsee.errors import as_message
from unsee.images.reading import PhotoFile
from unsee.metrics import _similarity
from unsee.output.bars import terminal_bars
from unsee.results import comparison
from unsee.results.comparison import Entry
from unsee.study import Study
from unsee.types import Images

STOPPED = "not computed: the command was stopped"
"""In place of the error of a configuration that an interruption left out."""


@dataclass(frozen=True)
class Configuration:
    """A row of the table, or several that differ in their seed."""

    row: str
    columns: tuple[str, ...]
    """Column of each run in the picture."""
    bind: Callable[[int], Study]
    """Return the study of a run by its number, or raise `InputError`."""


@dataclass
class Outcome:
    """What was computed."""

    entries: list[Entry]
    title: str = ""
    """Title of the picture."""
    summary: str = ""
    """Lines below the table, if there are any."""
    values: dict[str, Any] = field(default_factory=dict)
    """The same for programs."""
    stopped: bool = False
    """Whether the command was interrupted."""


@dataclass(frozen=True)
class Result:
    """The folder of a comparison."""

    out: Path
    overwrite: bool
    """Whether the folder may exist."""
    photo: PhotoFile
    """The photo as it was read."""
    image: Images
    """The photo as the classifier sees it."""
    heads: tuple[str, str]
    """Heads of the table's first two columns; an empty one leaves its column out."""

    def finish(self, outcome: Outcome, *, as_strip: bool) -> int:
        """Print the table and the errors, write the folder; return the exit status.

        `as_strip` draws a single column as a row of pictures. An interruption is raised again. An
        older result is not replaced after it, nor if every configuration failed.
        """
        entries = outcome.entries
        if outcome.stopped and all(entry.error for entry in entries):
            raise KeyboardInterrupt
        complete = not outcome.stopped and not all(entry.error for entry in entries)
        table = comparison.table(entries, self.heads)
        show_table(comparison.short_table(entries, self.heads), rows=table.values())
        say(outcome.summary, **outcome.values)
        for note, titles in _notes(entries).items():
            more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
            print_note(f"{titles[0]}{more}: {note}")
        failed = [entry for entry in entries if entry.error]
        for entry in failed:
            print_error(f"{entry.title}: {entry.error}")

        def write(folder: Path, overwrite: bool) -> None:
            comparison.write(
                folder, self.photo, self.image, outcome.title, entries,
                comparison.as_strip(entries) if as_strip else entries, self.heads,
                overwrite=overwrite,
            )  # fmt: skip

        keeping.write_result(
            self.out, write, "picture and tables", overwrite=self.overwrite, complete=complete
        )
        if outcome.stopped:
            raise KeyboardInterrupt
        return 1 if failed else 0


def _notes(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Return notes that maps show no evidence, with the titles of their entries."""
    notes: dict[str, list[str]] = {}
    for entry in entries:
        for note in filter(None, (entry.provenance or {}).get("note", [])):
            notes.setdefault(note, []).append(entry.title)
    return notes


def explain_all(configurations: Sequence[Configuration]) -> Outcome:
    """Explain the photo in all configurations, after an estimate of the time."""
    outcome = Outcome([])
    runs = sum(len(configuration.columns) for configuration in configurations)
    with terminal_bars() as bars:
        bar = bars.add_task(f"{runs} maps", total=runs, loss="")
        try:
            if runs > 1:
                cost.announce(sum(map(_seconds, configurations)), f"{runs} maps of one photo")
            for configuration in configurations:
                outcome.entries += _entries(configuration, outcome, (bars, bar))
        except KeyboardInterrupt:
            outcome.stopped = True
    if outcome.stopped:
        finished = {(entry.row, entry.column) for entry in outcome.entries}
        missing = {(c.row, column): None for c in configurations for column in c.columns}
        outcome.entries += [Entry(*key, error=STOPPED) for key in missing if key not in finished]
    return outcome


def _seconds(configuration: Configuration) -> float:
    """Return the expected duration of a configuration; 0 for one that fails."""
    try:
        return cost.seconds_of(configuration.bind(0)) * len(configuration.columns)
    except Exception as error:  # reported when it is explained
        as_message(error)
        return 0.0


def _entries(
    configuration: Configuration, outcome: Outcome, progress: tuple[Progress, TaskID]
) -> list[Entry]:
    """Explain the photo in one configuration."""
    bars, bar = progress
    studies: list[Study] = []
    try:
        for number, column in enumerate(configuration.columns):
            study = configuration.bind(number)
            explain_options.run_with_bar(study, f"{configuration.row} {column}", bars)
            studies.append(study)
            bars.advance(bar)
        entries = list(_measured(configuration, studies))
    except Exception as error:
        message = as_message(error).in_shell()
        column = configuration.columns[0] if len(configuration.columns) == 1 else ""
        return [Entry(configuration.row, column, error=message)]
    outcome.title = title_of(studies[0])
    return entries


def _measured(configuration: Configuration, studies: list[Study]) -> list[Entry]:
    """Return the runs with their measurements; several runs also have a stability."""
    further: dict[str, float] = {}
    if len(studies) > 1:
        maps = torch.cat([study.explanation.saliency for study in studies])
        similarities = _similarity.stability_by_measure(maps)
        further = {comparison.STABILITIES[name]: value for name, value in similarities.items()}
    return [
        comparison.measure_study(study, configuration.row, column, **further)
        for study, column in zip(studies, configuration.columns, strict=True)
    ]


def title_of(study: Study) -> str:
    """Return a title with the class that is explained and the classifier."""
    classifier = study.score.classifier
    return f"Why “{classifier.label(int(study.score.targets[0]))}”?   {classifier.name}"
