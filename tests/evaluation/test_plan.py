"""Settings of a run: names of parts, types of values, defaults from files."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.evaluation.runs import ROOT, make_plan
from unsee import InputError
from unsee.evaluation.plan import Plan
from unsee.evaluation.run import Run
from unsee.parts import resolve_parts
from unsee.registry import resolve


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"methods": ("fidoo",)}, "did you mean 'fido'"),
        ({"methods": ("rise:sample=4",)}, "did you mean 'samples'"),
        ({"methods": ("rise:samples",)}, "expected NAME:setting=value"),
        ({"methods": ("recipe:fido",)}, "did you mean"),
        ({"metrics": ("deletions",)}, "did you mean 'deletion'"),
        ({"metrics": ()}, "at least one of metrics"),
        ({"infillers": ("gray",)}, "did you mean 'grey'"),
        ({"budget": "fats"}, "did you mean 'fast'"),
        ({"measure": "odds"}, "measure"),
        ({"shard": 0}, "shard >= 1"),
        ({"classifiers": ()}, "at least one of classifiers"),
        ({"methods": ("random", "random")}, "duplicate method 'random'"),
        ({"data": "nowhere"}, "no such data set"),
    ],
)
def test_bad_settings_are_refused_before_loading(data, tmp_path, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        Run.begin(make_plan(data, **settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


KINDS = {
    'limit = "5"': "limit: expected a number, got '5'",
    "batch = 2.5": "batch: expected int, got 2.5",
    'methods = "rise"': "methods: expected a list of words, got 'rise'",
    "methods = [1]": "methods: expected a list of words, got (1,)",
    "measure = 3": "measure: expected a word, got 3",
    'fit = "cut"': "fit of Evaluate",
    'target = "best"': "target of Evaluate",
    "claims = [1]": "expected claims[0] to be a mapping, got 1",
}
"""Lines of a TOML file, and their error messages. Outside of tests nothing else checks types."""


def test_values_of_wrong_types_are_refused(data, tmp_path) -> None:
    code = (
        "import sys; from unsee.cli import main\n"
        "for path in sys.argv[2:]: print(main(['evaluate', '--plan', path, '--data', sys.argv[1],"
        " '--classifiers', 'tests.toys:classifier', '--out', path + '-run']))"
    )
    paths = [tmp_path / f"{number}.toml" for number in range(len(KINDS))]
    for path, content in zip(paths, KINDS, strict=True):
        path.write_text(content)
    process = subprocess.run(
        [sys.executable, "-c", code, str(data), *map(str, paths)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert process.stdout.split() == ["2"] * len(KINDS)
    for line, words in zip(process.stderr.splitlines(), KINDS.values(), strict=True):
        assert words in line


def test_parts_have_names_settings_or_recipes() -> None:
    assert resolve("methods", "rise:samples=40,cells=5").samples == 40
    assert resolve("methods", "fido:mode=sdr").mode == "sdr"
    method, infiller, measure = resolve_parts("recipe:fido-ssr", "own")
    assert (method.steps, type(infiller).__name__) == (300, "Local")
    assert measure.__name__ == "log_odds"
    _, infiller, _ = resolve_parts("recipe:fido-ssr", "blur:sigma=10")
    assert infiller.sigma == 10


def test_measures_are_those_of_the_methods_unless_one_is_set() -> None:
    plan = Plan(data="photos", methods=("fido", "rise"))
    assert plan.measures() == {"fido": "log_odds", "rise": "probability"}
    assert replace(plan, measure="logit").measures() == {"fido": "logit", "rise": "logit"}


SAME = {
    "the budget": (
        {"methods": ("igos_pp", "igos_pp:noise=0.0"), "budget": "fast"},
        "igos_pp and igos_pp:noise=0.0 are the same configuration: the budget fast replaces the "
        "settings in which they differ; omit one of them or the budget",
    ),
    "the budget of samples": (
        {"methods": ("rise:samples=100", "rise"), "budget": "50"},
        "rise:samples=100 and rise are the same configuration: the budget 50",
    ),
    "the in-filler": (
        {
            "methods": ("recipe:sliding_patch", "recipe:sliding_patch-g"),
            "infillers": ("deepfill1:weights",),
        },
        "the in-filler deepfill1:weights replaces that of both; name one of them alone, such as "
        "recipe:sliding_patch-g, or omit the in-filler",
    ),
    "equal settings": (
        {"methods": ("mp", "recipe:mp")},
        "mp and recipe:mp are the same configuration: their settings are equal",
    ),
    "an in-filler that is the published one": (
        {"methods": ("mp",), "infillers": ("own", "blur")},
        "mp with the in-filler own and mp with the in-filler blur are the same configuration",
    ),
    "a line search under a budget": (
        {"methods": ("recipe:igos_pp-published",), "budget": "fast"},
        "recipe:igos_pp-published: igos_pp: a budget replaces the line search, for which rate=",
    ),
}
"""Plans with a row that would not be what its name says, and the message."""


@pytest.mark.parametrize("case", SAME)
def test_rows_that_are_not_what_they_are_named_are_refused(data, tmp_path, case) -> None:
    settings, words = SAME[case]
    with pytest.raises(InputError) as error:
        Run.begin(make_plan(data, **settings), tmp_path / "run")
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_settings_in_which_rows_differ_survive_a_budget(data) -> None:
    ablations = ("noise=0.1", "optimizer=nesterov,rate=1.0", "variation=plain", "path=5")
    methods = ("igos_pp", *(f"igos_pp:{settings}" for settings in ablations))
    make_plan(data, methods=methods, budget="fast").check()
    make_plan(data, methods=("recipe:lime", "recipe:lime-g"), budget="fast").check()


def test_methods_without_the_setting_are_refused_before_a_run(data) -> None:
    metric = "robustness:setting=patch,values=[4,8]"
    make_plan(data, methods=("sliding_patch",), metrics=(metric,)).check()
    with pytest.raises(InputError, match="unknown setting of rise 'patch'"):
        make_plan(data, methods=("rise",), metrics=(metric,)).check()
    plan = make_plan(
        data, methods=("sliding_patch",), metrics=("robustness:setting=patch,values=[0,8]",)
    )
    with pytest.raises(InputError, match="patch"):
        plan.check()
