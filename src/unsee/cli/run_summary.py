"""What `unsee evaluate` prints when a run ends: the number of rows, and what failed."""

from dataclasses import dataclass, field
from pathlib import Path

from unsee.cli.console import print_error, print_note, say
from unsee.errors import cut
from unsee.evaluation.plan import Combination
from unsee.evaluation.run import Run

MAX_ERRORS = 10
"""Number of photos whose errors are printed."""


@dataclass
class Failures:
    """Rows with an error, of one combination."""

    unexplained: int = 0
    """Rows without a map; a metric alone failed in the others."""

    rows: int = 0
    """Rows with and without an error."""
    errors: dict[str, str] = field(default_factory=dict)
    """Error of each photo."""

    @property
    def are_all(self) -> bool:
        """Whether no photo could be explained."""
        return self.unexplained == self.rows


def show(run: Run, out: Path, *, in_stage: bool = False) -> int:
    """Print the number of rows, and the errors of some photos; return the exit status.

    In a stage, a method that explains no photo although another does is noted, and is no failure
    of the run: a class activation map has no black box, and weights belong to one classifier.
    """
    combinations: dict[Combination, Failures] = {}
    columns = (*Combination._fields, "photo", "target", "error")
    for row in run.store.walk(columns):  # streamed, since a long run has many
        key = Combination(*(row[name] for name in Combination._fields))
        failures = combinations.setdefault(key, Failures())
        failures.rows += 1
        if row["error"]:
            failures.errors[row["photo"]] = row["error"]
            failures.unexplained += row["target"] is None
    rows = sum(failures.rows for failures in combinations.values())
    stage, report = (f"stage {out.name}: ", "") if in_stage else ("", f"; unsee report {out}")
    errors = {
        photo: e for failures in combinations.values() for photo, e in failures.errors.items()
    }
    say(
        f"{stage}{rows} rows of {len(run.samples)} photos and {len(run.plan.combinations())} "
        f"combinations: {out / 'rows'}{report}\n",
        runs=[
            {
                "run": out,
                "rows": rows,
                "photos": len(run.samples),
                "combinations": len(run.plan.combinations()),
                "errors": errors,
            }
        ],
    )
    unable = {key for key, failures in combinations.items() if failures.are_all}
    if not in_stage or len(unable) == len(combinations):
        unable = set()
    for key in unable:
        print_note(f"stage {out.name}: {key.method} cannot run here ({_reason(combinations[key])})")
    return _show_errors([f for key, f in combinations.items() if key not in unable])


def without_photo(error: str, photo: str) -> str:
    """Return the error of a row without the name of the photo."""
    return error.removeprefix(f"{photo}: ")


def _reason(failures: Failures) -> str:
    photo, error = next(iter(failures.errors.items()))
    return cut(without_photo(error, photo), 300)


def _show_errors(combinations: list[Failures]) -> int:
    """Print an error for each photo; return the exit status."""
    errors = {photo: error for f in combinations for photo, error in f.errors.items()}
    for line in list(errors.values())[:MAX_ERRORS]:
        print_error(line)
    if len(errors) > MAX_ERRORS:
        print_error(f"and {len(errors) - MAX_ERRORS} more photos with errors")
    if combinations and all(f.are_all for f in combinations):
        print_error("no photo could be explained")
    return 1 if errors else 0
