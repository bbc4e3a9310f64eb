"""Progress bars: in a terminal, in a notebook, and nowhere else."""

import sys
from abc import ABC, abstractmethod
from html import escape
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Bar(ABC):
    """A progress bar of one task; it is shown inside a `with` block."""

    @abstractmethod
    def __enter__(self) -> "Bar":
        """Show the bar."""

    @abstractmethod
    def __exit__(self, *error: object) -> None:
        """Remove the bar."""

    @abstractmethod
    def update(self, done: int, total: int, loss: str = "") -> None:
        """Show that `done` of `total` units of work are finished."""


def terminal_bars() -> Progress:
    """Return progress bars on the error stream, if that is a terminal; they disappear at the end.

    Descriptions are shown as they are: square brackets are no markup.
    """
    stream = sys.stderr
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}", markup=False),
        TimeRemainingColumn(),
        console=Console(file=stream, force_jupyter=False),
        transient=True,
        disable=stream is None or not stream.isatty(),
    )


def bar(description: str) -> Bar:
    """Return a progress bar for a terminal or a notebook; elsewhere one that shows nothing."""
    return NotebookBar(description) if in_notebook() else TerminalBar(description)


def in_notebook() -> bool:
    """Return whether this program is a kernel of Jupyter, which displays HTML."""
    interactive = sys.modules.get("IPython")  # a kernel has imported it
    shell = interactive.get_ipython() if interactive else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class TerminalBar(Bar):
    """A progress bar of rich."""

    def __init__(self, description: str) -> None:
        self._bars = terminal_bars()
        self._task = self._bars.add_task(description, total=None, loss="")

    def __enter__(self) -> "TerminalBar":
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def update(self, done: int, total: int, loss: str = "") -> None:
        """Show that `done` of `total` units of work are finished."""
        self._bars.update(self._task, completed=done, total=total, loss=loss)


class NotebookBar(Bar):
    """A progress element of HTML, which a notebook updates in place; it is empty at the end."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._handle: Any = None

    def __enter__(self) -> "NotebookBar":
        from IPython.display import HTML, display

        self._handle = display(HTML(""), display_id=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._show("")

    def update(self, done: int, total: int, loss: str = "") -> None:
        """Show that `done` of `total` units of work are finished."""
        self._show(
            f'{escape(self._description)} <progress value="{done}" max="{total}"></progress> '
            f"{done} of {total} {escape(loss)}"
        )

    def _show(self, text: str) -> None:
        from IPython.display import HTML

        self._handle.update(HTML(text))
