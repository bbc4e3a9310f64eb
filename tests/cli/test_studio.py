"""Options of `unsee studio`; the page itself is tested in tests/studio."""

import json
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from unsee.cli import main
from unsee.cli.studio import Studio


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "0"], "expected 1 to 65535, got 0"),
        (["--classifiers", "no_such"], "unknown classifier source 'no_such'"),
        (["--device", "gpu"], "gpu"),
    ],
)
def test_invalid_options_end_before_the_server_starts(arguments, words, capsys) -> None:
    assert main(["studio", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box", False)],
)
def test_users_of_other_machines_choose_from_the_list(host, is_local) -> None:
    assert Studio(host=host).is_local is is_local


def test_without_gradio_a_line_says_what_to_install(monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["studio"]) == 2
    assert "python -m pip install gradio" in capsys.readouterr().err


def test_a_taken_port_is_one_line(capsys) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["studio", "--port", str(port)]) == 2
    assert f"port {port} is taken" in capsys.readouterr().err


def test_json_is_printed_when_the_page_is_served() -> None:
    pytest.importorskip("gradio")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "unsee", "studio", "--json", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--classifiers", "factory:tests.toys:corner"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        lines = [process.stdout.readline() for _ in range(3)]
        assert process.poll() is None
        process.terminate()
    assert json.loads("".join(lines)) == {"address": f"http://127.0.0.1:{port}/"}
