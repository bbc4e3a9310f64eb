"""Every call that cannot succeed raises `InputError`, whatever is wrong with its arguments."""

from tests.bad_calls import outcomes


def test_bad_calls_raise_input_errors(tmp_path, unchecked) -> None:
    others = {name: text for name, text in outcomes(tmp_path) if text != "InputError"}
    assert not others
