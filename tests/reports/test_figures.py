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


def test_few_photos_are_points_with_their_mean(write_run, tmp_path) -> None:
    write_run("run", metrics=["deletion"], photos=3)
    results = Results.read([tmp_path / "run"])
    (axes,) = metrics(results).axes
    drawn = [line.get_xdata().tolist() for line in axes.lines]
    for row, configuration in enumerate(results.configurations):
        values = list(results.values(configuration, "deletion").values())
        assert drawn[2 * row] == values
        assert drawn[2 * row + 1] == [results.mean(configuration, "deletion").value]


def test_photos_that_a_metric_lacks_in_all_rows_are_named_once(write_run, tmp_path) -> None:
    write_run("run", missing={"fido": (0,), "rise": (0,)})
    deletion, insertion = metrics(Results.read([tmp_path / "run"])).axes
    assert deletion.get_title().endswith("(on 19 of 20 photos)")
    assert "on" not in insertion.get_title().split()
    assert not [text for text in deletion.texts if text.get_text()]
