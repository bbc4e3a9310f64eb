import sys

import pytest
import torch

from tests.conftest import Convolutional, toy
from tests.sources.conftest import PREPROCESSING
from unsee import InputError, load


def make_classifier():
    return toy(Convolutional())


def make_number():
    return 3


def test_function_returns_a_module_or_a_classifier(images, expected) -> None:
    torch.testing.assert_close(
        load("tests.conftest:Convolutional", **PREPROCESSING).predict(images), expected
    )
    torch.testing.assert_close(
        load("tests.sources.test_factory:make_classifier").predict(images), expected
    )
    assert load("factory:tests.sources.test_factory:make_classifier").channels == 3


def make_exported():
    shapes = ({0: torch.export.Dim("n")},)
    batch = torch.rand(2, 3, 32, 32)
    return torch.export.export(Convolutional().eval(), (batch,), dynamic_shapes=shapes).module()


def test_function_returns_an_exported_program(images, expected) -> None:
    loaded = load("tests.sources.test_factory:make_exported", **PREPROCESSING)
    torch.testing.assert_close(loaded.predict(images), expected)


def test_settings_replace_those_of_a_classifier() -> None:
    spec = "tests.sources.test_factory:make_classifier"
    assert load(spec).outputs == "auto"
    changed = load(spec, outputs="sigmoid", mean=(0.1, 0.2, 0.3), share=0.5)
    assert (changed.outputs, changed.mean, changed.std) == ("sigmoid", (0.1, 0.2, 0.3), (1.0,) * 3)
    assert (changed.framing.size, changed.framing.share) == ((32, 32), 0.5)


def make_error():
    raise KeyError("no weights\nand a long explanation")


def make_exit():
    raise SystemExit(0)


def make_input_error():
    raise InputError("the weights are elsewhere")


def make_meta():
    return Convolutional().to("meta")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("make_error", r"failed \(KeyError: 'no weights"),
        ("make_exit", r"failed \(SystemExit: 0\)"),
        ("make_input_error", "^the weights are elsewhere$"),
        ("make_meta", "cannot use device meta"),
        ("PREPROCESSING", "expected a function without arguments, got dict"),
        ("images", "has no attribute images"),
    ],
)
def test_functions_that_fail_are_refused_in_a_line(name, message) -> None:
    with pytest.raises(InputError, match=message) as error:
        load(f"tests.sources.test_factory:{name}", device="cpu")
    assert "InputError(" not in str(error.value)
    if name != "PREPROCESSING":
        return
    with pytest.raises(InputError, match="expected a function of images, got dict"):
        load(f"blackbox:tests.sources.test_factory:{name}")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError"),
        ("import no_such_module_of_ours", "ModuleNotFoundError"),
        ("import sys; sys.path.clear(); raise ValueError('x')", "ValueError: x"),
    ],
)
def test_modules_that_fail_are_refused_in_a_line(code, message, tmp_path, monkeypatch) -> None:
    (tmp_path / "bad_module.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    with pytest.raises(InputError, match=rf"cannot import bad_module \({message}"):
        load("bad_module:make")


def test_device_meta_is_refused() -> None:
    with pytest.raises(InputError, match=r"cannot use device '?meta"):
        load("tests.conftest:Convolutional", device="meta")
