import pytest

from unsee.errors import unknown


@pytest.mark.parametrize(
    ("name", "choices", "message"),
    [
        ("ryse", ["rise", "fido"], "unknown method 'ryse'; did you mean 'rise'?"),
        ("RISE", ["rise", "fido"], "unknown method 'RISE'; did you mean 'rise'?"),
        ("xyz", ["rise", "fido"], "unknown method 'xyz'; choose from rise, fido"),
        ("abc", [f"{n}" for n in range(99)], "28, 29, ..."),
    ],
)
def test_unknown_names_are_answered_with_close_or_all_choices(name, choices, message) -> None:
    assert message in str(unknown("method", name, choices))
