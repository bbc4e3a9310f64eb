"""Commands on one photo: labels, contrast classes, unknown measures, failed methods."""

import pytest

from tests.cli.conftest import MODEL
from unsee.cli import main


def test_table_of_a_sweep_names_the_values(photo, tmp_path) -> None:
    out = tmp_path / "out"
    command = ["sweep", str(photo), "--classifier", MODEL, "--method", "random", "--out", str(out)]
    assert main([*command, "--setting", "grid=2,3"]) == 0
    lines = (out / "table.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["value", "grid=2", "grid=3"]


def test_contrast_overrides_the_measure_of_a_recipe(photo, tmp_path) -> None:
    command = ["explain", str(photo), "--classifier", MODEL, "--out", str(tmp_path / "out")]
    method = ["--method", "recipe:fido-sdr:steps=2,grid=8"]
    assert main([*command, *method, "--target", "1", "--contrast", "2"]) == 0


@pytest.mark.parametrize("command", ["compare", "sweep"])
def test_unknown_measures_are_refused_before_the_first_map(
    photo, tmp_path, capsys, command
) -> None:
    out = tmp_path / "out"
    options = ["--classifier", MODEL, "--out", str(out), "--measure", "probabilty"]
    assert main([command, str(photo), *options]) == 2
    assert "did you mean 'probability'" in capsys.readouterr().err
    assert not out.exists()


def test_failed_method_does_not_stop_a_comparison(photo, tmp_path, capsys) -> None:
    source = ["--classifier", "blackbox:tests.results.test_comparison:answer"]
    out = ["--out", str(tmp_path / "out")]
    assert main(["compare", str(photo), *source, *out, "--methods", "gradient,random"]) == 1
    assert "unsee: gradient : Gradient needs" in capsys.readouterr().err
