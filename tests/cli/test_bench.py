"""`unsee bench`."""

from unsee.cli import main


def test_bench_times_classifier_and_methods(capsys) -> None:
    arguments = [
        "bench", "--classifier", "tests.toys:classifier", "--methods", "rise", "gradient",
        "--budget", "8", "--chunks", "1", "2", "--rounds", "1", "--batch", "2",
        "--seconds", "0.01",
    ]  # fmt: skip
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for word in ("milliseconds per image", "bfloat16", "overhead", "rise", "gradient"):
        assert word in out
    assert main([*arguments, "--extra-precisions", "int8"]) == 2
    assert "expected float32, bfloat16, float16, got 'int8'" in capsys.readouterr().err
