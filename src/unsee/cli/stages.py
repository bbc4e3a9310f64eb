"""The stages of a plan: `unsee evaluate` computes one run after the other."""

from collections.abc import Callable, Sequence
from pathlib import Path

from unsee.cli import checks
from unsee.cli.console import print_error, print_note, say
from unsee.errors import DiskFullError, as_message, unknown
from unsee.evaluation import stages
from unsee.evaluation.paper_tables import PlanFile
from unsee.evaluation.plan import Plan


def run(
    file: PlanFile,
    common: Plan,
    out: Path,
    names: Sequence[str],
    compute: Callable[[Plan, Path], int],
) -> int:
    """Check all stages, then compute each in its folder; one that fails does not end the others.

    Args:
        file: The file of the plan.
        common: Settings that the stages share, with those of the command line.
        out: Folder of the folders of the stages.
        names: Stages to compute; none stands for all.
        compute: Function that computes a run in a folder and returns the exit status.

    Returns:
        1 if a stage failed, or if photos could not be explained.

    Raises:
        InputError: A setting of a stage is invalid, or the folder holds something else.
    """
    all_names = [stage.name for stage in file.stages]
    for name in names:
        if name not in all_names:
            raise unknown("stage of the plan", name, all_names)
    checked, plans = _checked(file, common)
    share = stages.begin(out, checked, file.table.plain(), plans)
    try:
        parts = zip(checked, plans, strict=True)
        wanted = [(stage, plan) for stage, plan in parts if stage.name in (names or all_names)]
        status = _compute(wanted, out, compute)
    finally:
        share.close()
    if stages.is_staged(out):
        say(f"unsee report {out}\n", results=[out])
    return status


def _compute(
    parts: Sequence[tuple[stages.Stage, Plan]], out: Path, compute: Callable[[Plan, Path], int]
) -> int:
    status, failed = 0, []
    for stage, plan in parts:
        if stage.note:
            print_note(f"stage {stage.name}: {stage.note}")
            continue
        try:
            status = max(status, compute(plan, out / stage.name))
        except DiskFullError as error:  # the next stage would fail, too
            print_error(f"stage {stage.name}: {error}; what is written is kept")
            return 1
        except Exception as error:
            print_error(as_message(error).prefixed(f"stage {stage.name}"))
            failed.append(stage.name)
    if failed:
        print_error(f"{len(failed)} of {len(parts)} stages failed: {', '.join(failed)}")
    return 1 if failed else status


def _checked(file: PlanFile, common: Plan) -> tuple[list[stages.Stage], list[Plan]]:
    """Return the stages and their plans, all of which are valid."""
    plans = [stage.plan(common) for stage in file.stages]
    for plan in plans:
        checks.seed(plan.seed)
    return [stage.check(plan) for stage, plan in zip(file.stages, plans, strict=True)], plans
