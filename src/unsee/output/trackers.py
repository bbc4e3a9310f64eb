"""Experiment trackers by name, through Accelerate: TensorBoard, Weights & Biases, Trackio.

They write to this machine. wandb sends to a server only if `WANDB_MODE` says so, and trackio only
if `TRACKIO_SPACE_ID` or `TRACKIO_SERVER_URL` names one.
"""

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from unsee.errors import missing_package

Tracker = Literal["tensorboard", "wandb", "trackio"]
"""Name of a tracker, which is that of its package."""
PROJECT = "unsee"
"""Project in which runs are tracked."""


def check_trackers(names: Sequence[str]) -> None:
    """Raise `InputError` for a tracker that is not installed."""
    for name in names:
        for package in ("accelerate", name):
            if find_spec(package) is None:
                raise missing_package(name, f"the tracker {name}")


def settings_of_run(run: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the settings of each tracker for a run.

    Args:
        run: Name of the run.
        folder: Folder of the files of wandb; trackio has one of its own.
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    return {
        "wandb": {
            "name": run,
            "dir": str(folder),
            "mode": os.environ.get("WANDB_MODE", "offline"),
            "settings": {"silent": True, "console": "off"},
        },
        "trackio": {"name": run, "embed": False, "auto_log_cpu": False, "auto_log_gpu": False},
    }


@contextmanager
def started(accelerator: Any, run: str, folder: Path, project: str = PROJECT,
            config: Mapping[str, str] | None = None) -> Iterator[None]:  # fmt: skip
    """Start the trackers of an accelerator, and end them after the block, also after an error.

    What they print is dropped: standard output has the results of a command.
    """
    with redirect_stdout(io.StringIO()):
        accelerator.init_trackers(project, config, settings_of_run(run, folder))
    try:
        yield
    finally:
        with redirect_stdout(io.StringIO()):
            accelerator.end_training()
            _forget_trackio(accelerator)


def _forget_trackio(accelerator: Any) -> None:
    """Let trackio forget a run that has ended; it would end it again when Python exits."""
    if accelerator.is_main_process and any(
        tracker.name == "trackio" for tracker in accelerator.trackers
    ):
        import trackio

        trackio.finish()


def log_once(
    names: Sequence[str], run: str, values: Mapping[str, float], config: Mapping[str, str],
    folder: Path,
) -> None:  # fmt: skip
    """Log the numbers of one run to trackers.

    Args:
        names: Names of the trackers.
        run: Name of the run.
        values: Numbers by name.
        config: Settings of the run.
        folder: Folder of the files of TensorBoard, in a folder of the run, and of wandb.
    """
    from accelerate import Accelerator

    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        accelerator = Accelerator(cpu=True, log_with=name, project_dir=str(folder))
        is_folder = name == "tensorboard"  # its projects are folders
        project = re.sub(r"[^\w.=,-]+", "-", run).strip("-.") if is_folder else PROJECT
        with started(accelerator, run, folder, project or PROJECT, config):
            accelerator.log(dict(values), step=0)
