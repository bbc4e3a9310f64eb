"""Published numbers and claims next to the results of runs."""

from statistics import fmean
from typing import NamedTuple

from unsee.evaluation.paper_tables import Claim
from unsee.evaluation.plan import Combination
from unsee.registry import RECIPE
from unsee.reports.results import PairedDifference, Results

OUTCOMES = {"better": "holds", "worse": "does not hold"}
"""Outcome of a claim by the outcome of its difference; otherwise they are the same."""


class ClaimResult(NamedTuple):
    """A published claim and the paired difference that tests it."""

    claim: Claim
    classifier: str
    metric: str
    difference: PairedDifference
    pair: tuple[Combination, Combination]
    """The configuration that the paper claims to be better, and the other one."""
    labels: tuple[str, str]
    """Labels of the pair."""
    means: tuple[float | None, float | None]
    """Means of both on the photos that both have a number for."""
    paper: tuple[float | None, float | None]
    """The paper's numbers of both, if it has them."""

    @property
    def statement(self) -> str:
        """The claim as `better > worse`."""
        return " > ".join(self.labels)

    @property
    def outcome(self) -> str:
        """Whether the claim holds."""
        return OUTCOMES.get(self.difference.outcome, self.difference.outcome)


def claim_results(results: Results) -> list[ClaimResult]:
    """Return all claims of the papers that the results can test, for each classifier."""
    results_of_claims = []
    for claim in results.table.claims:
        for classifier in dict.fromkeys(c.classifier for c in results.configurations):
            better = _match(results, Combination(classifier, claim.better, claim.infiller))
            worse = _match(results, Combination(classifier, claim.worse, claim.against))
            if better and worse:
                results_of_claims += [
                    _tested(results, claim, better, worse, number)
                    for number, metric in enumerate(claim.metrics)
                    if metric in results.columns or metric in results.tuned
                ]
    return results_of_claims


def _tested(
    results: Results, claim: Claim, better: Combination, worse: Combination, number: int
) -> ClaimResult:
    """Test a claim by one of its metrics."""
    metric = claim.metrics[number]
    first, second = results.values(better, metric), results.values(worse, metric)
    shared = sorted(first.keys() & second.keys())
    means = [fmean(values[photo] for photo in shared) for values in (first, second) if shared]
    return ClaimResult(
        claim,
        better.classifier,
        metric,
        results.difference(better, worse, metric),
        (better, worse),
        (results.label(better), results.label(worse)),
        (means[0], means[1]) if means else (None, None),
        claim.paper[number] if claim.paper else (None, None),
    )


def published(results: Results, configuration: Combination, metric: str) -> float | None:
    """Return the paper's number, if it has one, for another classifier and other photos."""
    for row in results.table.paper:
        name = Combination(configuration.classifier, row.method, row.infiller)
        if row.metric == metric and _match(results, name) == configuration:
            return row.value
    return None


def _match(results: Results, name: Combination) -> Combination | None:
    """Return the configuration that a table names.

    It has this very name, or it is the only one that has it with further settings: `casm` in a
    table stands for the `casm:weights=PATH` of a run.
    """
    matches = [
        c
        for c in results.configurations
        if c.classifier == name.classifier
        and _extends(c.method, name.method)
        and _extends(c.infiller, name.infiller)
    ]
    if name in matches:
        return name
    return matches[0] if len(matches) == 1 else None


def _extends(text: str, name: str) -> bool:
    """Whether a text names this part, perhaps with further settings."""
    separator = "," if ":" in name.removeprefix(RECIPE) else ":"
    return text == name or text.startswith(name + separator)
