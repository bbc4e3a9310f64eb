import pickle

import pytest

from unsee.errors import MAX_MESSAGE, InputError, as_input_error, shown, unknown


@pytest.mark.parametrize(
    ("name", "choices", "message"),
    [
        ("ryse", ["rise", "fido"], "unknown method 'ryse'; did you mean 'rise'?"),
        ("RISE", ["rise", "fido"], "unknown method 'RISE'; did you mean 'rise'?"),
        ("xyz", ["rise", "fido"], "unknown method 'xyz'; choose from rise, fido"),
        ("abc", [f"{n}" for n in range(99)], "choose from 0, 1, 2, 3, 4, 5, 6, 7 and 91 others"),
    ],
)
def test_unknown_names_are_answered_with_close_or_all_choices(name, choices, message) -> None:
    assert message in str(unknown("method", name, choices))


def test_messages_speak_the_language_of_the_caller() -> None:
    error = InputError("out: exists; overwrite it: {overwrite}", overwrite=True)
    assert str(error) == "out: exists; overwrite it: overwrite=True"
    assert error.in_shell() == "out: exists; overwrite it: --overwrite"
    assert error.prefixed("a.jpg").in_shell() == "a.jpg: out: exists; overwrite it: --overwrite"
    assert error.prefixed("out") is error
    assert pickle.loads(pickle.dumps(error)).in_shell() == error.in_shell()


def test_messages_are_one_line_without_control_characters() -> None:
    assert str(InputError("a\nb\x1b[31m\udcff")) == "a b\\x1b[31m\\udcff"


def test_the_middle_of_a_very_long_message_is_left_out() -> None:
    message = str(InputError(f"start {'x' * 100_000} end"))
    assert MAX_MESSAGE - 10 < len(message) <= MAX_MESSAGE
    assert message.startswith("start x")
    assert message.endswith("x end")


@pytest.mark.parametrize("raised", [ValueError("x\ny"), SystemExit(0), RecursionError("x")])
def test_foreign_errors_become_one_line(raised) -> None:
    message = r"^photo: cannot be read \("
    with (
        pytest.raises(InputError, match=message) as caught,
        as_input_error("photo: cannot be read"),
    ):
        raise raised
    assert caught.value.__cause__ is raised


def test_own_errors_and_interrupts_pass_unchanged() -> None:
    for raised in (InputError("own"), KeyboardInterrupt(), MemoryError()):
        with pytest.raises(type(raised)) as caught, as_input_error("photo"):
            raise raised
        assert caught.value is raised


def test_long_messages_lose_their_middle() -> None:
    message = str(InputError(f"{'x' * 10_000}: no such file"))
    assert len(message) <= MAX_MESSAGE
    assert message.endswith("xxx: no such file")
    assert " ... " in message


def test_any_value_can_be_shown() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    assert shown(10**5000) == "a whole number of 16610 bits"
    assert shown(Broken()) == "Broken"
    assert shown(7) == "7"
    assert len(shown("x" * 1000)) <= 60
