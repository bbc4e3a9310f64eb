"""Figures of a report."""

from unsee.reports.figures import metrics
from unsee.reports.results import Results


def test_figure_has_room_for_long_names(write_run, tmp_path) -> None:
    write_run("run", methods=["casm:weights=" + "a/long/folder/" * 9 + "casm.safetensors"])
    figure = metrics(Results.read([tmp_path / "run"]))
    figure.savefig(tmp_path / "metrics.png")  # matplotlib warns if there is no room: an error here
    (label,) = figure.axes[0].get_yticklabels()
    assert label.get_window_extent().x0 >= 0


def test_binary_metrics_are_bars(write_run, tmp_path) -> None:
    write_run("run", metrics=["deletion", "pointing_game"])
    results = Results.read([tmp_path / "run"])
    boxes, bars = metrics(results).axes
    assert boxes.get_xlim() != (0, 1)
    assert bars.get_xlim() == (0, 1)
    widths = [bar.get_width() for bar in bars.patches]
    assert widths == [results.mean(c, "pointing_game").value for c in results.configurations]
