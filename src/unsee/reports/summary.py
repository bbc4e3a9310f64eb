"""Sentences of a report: its title, its conclusions and its notes."""

from typing import NamedTuple

from unsee.errors import printable
from unsee.evaluation.plan import Combination
from unsee.metrics import _curves
from unsee.registry import parse, summary
from unsee.reports import ranking
from unsee.reports.bootstrap import MIN_PHOTOS, TOO_FEW, Mean
from unsee.reports.claims import ClaimResult
from unsee.reports.photos import counted
from unsee.reports.results import Results
from unsee.reports.sweeps import TUNED, TUNED_SETTING

INTERVAL_NOTE = (
    "Means over photos with their 95 % bootstrap intervals (BCa), which need at least "
    f"{MIN_PHOTOS} photos; the best in bold."
)
UNEQUAL_NOTE = (
    'A number of fewer photos than its row has says so ("on 1 of 6"); the best is that on the '
    "photos that all configurations share, and none where they share no photo."
)
PASSES_NOTE = (
    "passes: forward passes for a map, of which with gradient in brackets; s/photo: seconds for a "
    "map and its metrics on the machine of the run."
)
TUNED_NOTE = (
    f"{TUNED_SETTING}={TUNED}: each photo's number at the {TUNED_SETTING} that is best for its "
    "configuration on the other half of the photos."
)
DIFFERENCES_NOTE = (
    "Paired over photos, positive where the first is better; in brackets the 95 % interval; wins: "
    "share of photos on which the first is better."
)
CLAIMS_NOTE = "Claims of the paper, paired over photos; positive differences agree with the claim."


class Lead(NamedTuple):
    """The best configuration in a metric, on the photos for which all have a number."""

    metric: str
    best: Combination
    second: Combination
    value: float
    """Mean of the best."""
    difference: Mean
    """By how much it is better than the next best."""
    is_tie: bool
    """Whether both are equally good."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval of the difference excludes zero."""
        return self.difference.has_interval and self.difference.low > 0


def lead(results: Results, metric: str) -> Lead | None:
    """Return which of several configurations is best; None where they share no photo."""
    shared = ranking.shared_photos(results, metric)
    if len(results.configurations) < 2 or not shared:
        return None
    sign = 1 if results.higher_is_better(metric) else -1
    means = ranking.shared_means(results, metric)
    best, second, *_ = sorted(means, key=lambda c: sign * means[c], reverse=True)
    difference = results.difference(best, second, metric, shared).mean
    is_tie = means[best] == means[second]
    return Lead(metric, best, second, means[best], difference, is_tie)


def title(results: Results) -> str:
    """Return in one sentence which configuration is best, by how much, and on which photos."""
    metrics = _rated(results)
    photos = _photos(results)
    if len(results.configurations) == 1:
        (configuration,), name = results.configurations, _short(metrics[0])
        mean = results.mean(configuration, metrics[0])
        return printable(f"{results.label(configuration)} has a mean {name} of {mean} on {photos}")
    leads = [one for metric in metrics if (one := lead(results, metric)) is not None]
    ahead = [one for one in leads if not one.is_tie]
    if not ahead:
        what = "no metric has a best configuration" if leads else "no metric compares all of them"
        return printable(f"{scope(results)}; {what}")
    clear = [one for one in ahead if one.is_clear]
    if not clear:
        return printable(f"{_no_winner(results, ahead[0], len(metrics))}, on {photos}")
    by_winner: dict[Combination, list[Lead]] = {}
    for one in clear:
        by_winner.setdefault(one.best, []).append(one)
    winners = sorted(by_winner, key=lambda c: len(by_winner[c]), reverse=True)
    parts = [_win(results, by_winner[winners[0]], len(metrics))]
    parts += [f"{results.label(c)} in {len(by_winner[c])}" for c in winners[1:3]]
    unclear = len(metrics) - len(clear)
    parts += [f"none clearly in {unclear}"] if unclear else []
    return printable(f"{', '.join(parts)}, on {photos}")


def _win(results: Results, leads: list[Lead], total: int) -> str:
    """Return what a configuration is clearly best in, and by how much in one metric."""
    top = leads[0]
    best, name, by = results.label(top.best), _short(top.metric), _ahead(results, top)
    if total == 1:
        return f"{best} has the best {name} ({top.value:.3f}, {by})"
    count = "both" if len(leads) == total == 2 else f"all {total}"
    count = count if len(leads) == total else f"{len(leads)} of {total}"
    return f"{best} is best in {count} metrics ({name}: {by})"


def _no_winner(results: Results, top: Lead, total: int) -> str:
    """Return that no configuration is clearly best, and how far one of them is ahead."""
    where = "" if total == 1 else f" in any of {total} metrics"
    chance = "the interval includes zero" if top.difference.has_interval else TOO_FEW
    best = results.label(top.best)
    return (
        f"No configuration is clearly best{where} ({_short(top.metric)}: {best} is "
        f"{_ahead(results, top)}; {chance})"
    )


def _ahead(results: Results, top: Lead) -> str:
    """Return by how much a configuration is better than the next one."""
    by = f"{top.difference.value:.3f} better than {results.label(top.second)}"
    if not ranking.all_share(results, top.metric):
        by += f" on the {top.difference.photos} that all share"
    return by


def _short(metric: str) -> str:
    """Return the name of a metric without its settings."""
    return metric.partition(":")[0]


def _rated(results: Results) -> list[str]:
    """Return the metrics that make a map better than another, or else all."""
    metrics = [metric for metric in results.metrics if results.ranks_maps(metric)]
    return metrics or list(results.metrics)


def subtitle(results: Results) -> str:
    """Return the paper's table that the runs reproduce, if there is one, and their scope."""
    return ". ".join(filter(None, (printable(results.table.summary), scope(results))))


def scope(results: Results) -> str:
    """Return e.g. "Evaluation of 3 methods on 100 photos: imagenet-val"."""
    counts = [
        _count(len({getattr(c, name) for c in results.configurations}), noun)
        for name, noun in (
            ("method", "method"), ("infiller", "in-filler"), ("classifier", "classifier"),
        )
    ]  # fmt: skip
    parts = [counts[0], *(count for count in counts[1:] if not count.startswith("1 "))]
    return printable(f"Evaluation of {' with '.join(parts)} on {_photos(results)}")


def _photos(results: Results) -> str:
    """Return the number of photos and their data set."""
    data = ", ".join(dict.fromkeys(run.data for run in results.runs))
    return counted(len(results.photos), [run.words for run in results.runs], data)


def conclusions(results: Results) -> list[str]:
    """Return a sentence for each metric: which configuration is best, by how much, how surely.

    Statistics that make no map better than another, e.g. its entropy, are left out if there are
    other metrics.
    """
    return [printable(_conclusion(results, metric)) for metric in _rated(results)]


def _conclusion(results: Results, metric: str) -> str:
    if len(results.configurations) == 1:
        (configuration,) = results.configurations
        mean = results.mean(configuration, metric)
        photos = _count(mean.photos, "photo")
        return f"{metric}: {results.label(configuration)} has a mean of {mean} on {photos}."
    one = lead(results, metric)
    if one is None:
        return f"{metric}: no photo has a number for every configuration."
    best, second = results.label(one.best), results.label(one.second)
    photos = _count(len(ranking.shared_photos(results, metric)), "photo")
    if not ranking.all_share(results, metric):
        photos = f"the {photos} that all configurations share"
    if one.is_tie:
        return f"{metric}: {best} and {second} are equally good ({one.value:.3f}) on {photos}."
    return (
        f"{metric}: {best} is best ({one.value:.3f}), {one.difference.value:.3f} better than "
        f"{second}, the next best, on {photos} ({_certainty(one.difference)})."
    )


def _certainty(mean: Mean) -> str:
    """Return whether a difference is more than chance, in words."""
    if not mean.has_interval:
        return f"{TOO_FEW} for an interval, at least {MIN_PHOTOS} are needed"
    verb = "excludes" if mean.low > 0 or mean.high < 0 else "includes"
    return f"the 95 % interval {mean.interval('+')} {verb} zero"


def metric_notes(results: Results) -> list[str]:
    """Return a line for each metric: what it measures, by which protocol."""
    lines = []
    for name in results.metrics:
        protocol = _curves.PROTOCOLS.get(getattr(results.metric(name), "protocol", ""))
        note = f" Protocol {protocol.name}: {protocol.summary}." if protocol else ""
        text = summary("metrics", parse("metrics", name).name).rstrip(".")
        lines.append(f"{results.heading(name)}: {text}.{note}".replace("`", ""))
    return lines


def table_note(results: Results) -> str:
    """Return a note that explains the columns of the means."""
    tuned = any(TUNED in name for name in results.metrics)
    photos = {results.mean(c, m).photos for c in results.configurations for m in results.metrics}
    unequal = len(photos) > 1 or not all(ranking.all_share(results, m) for m in results.metrics)
    notes = [INTERVAL_NOTE, UNEQUAL_NOTE if unequal else "", TUNED_NOTE if tuned else ""]
    return " ".join([*filter(None, notes), PASSES_NOTE])


def tally(claims: list[ClaimResult]) -> str:
    """Return how many claims hold."""
    outcomes = [claim.outcome for claim in claims]
    kinds = ["holds", "does not hold", "not significant"]
    kinds += [TOO_FEW] if TOO_FEW in outcomes else []
    counts = ", ".join(f"{outcomes.count(kind)} {kind}" for kind in kinds)
    return f"Of {_count(len(outcomes), 'comparison')}: {counts}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
