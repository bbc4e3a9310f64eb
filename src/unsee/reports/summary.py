"""Sentences of a report: its title, its conclusions and its notes."""

from unsee.errors import printable
from unsee.metrics import _curves
from unsee.registry import parse, summary
from unsee.reports import ranking
from unsee.reports.bootstrap import MIN_PHOTOS, TOO_FEW, Mean
from unsee.reports.claims import ClaimResult
from unsee.reports.photos import counted
from unsee.reports.results import Results
from unsee.reports.sweeps import TUNED, TUNED_SETTING

INTERVAL_NOTE = (
    "Means over photos with their 95 % bootstrap intervals, which need at least "
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


def title(results: Results) -> str:
    """Return the paper's table that the runs reproduce, or else the scope of the runs."""
    return printable(results.table.summary) or scope(results)


def scope(results: Results) -> str:
    """Return e.g. "Evaluation of 3 methods on 100 photos: imagenet-val"."""
    counts = [
        _count(len({getattr(c, name) for c in results.configurations}), noun)
        for name, noun in (
            ("method", "method"), ("infiller", "in-filler"), ("classifier", "classifier"),
        )
    ]  # fmt: skip
    parts = [counts[0], *(count for count in counts[1:] if not count.startswith("1 "))]
    photos = {photo for columns in results.measurements.values() for photo in columns.photos}
    number = counted(len(photos), [run.words for run in results.runs])
    data = ", ".join(dict.fromkeys(run.data for run in results.runs))
    text = f"Evaluation of {' with '.join(parts)} on {number}: {data}"
    return printable(text)


def conclusions(results: Results) -> list[str]:
    """Return a sentence for each metric: which configuration is best, by how much, how surely.

    Statistics that make no map better than another, e.g. its entropy, are left out if there are
    other metrics.
    """
    metrics = [metric for metric in results.metrics if results.ranks_maps(metric)]
    return [printable(_conclusion(results, metric)) for metric in metrics or results.metrics]


def _conclusion(results: Results, metric: str) -> str:
    if len(results.configurations) == 1:
        (configuration,) = results.configurations
        mean = results.mean(configuration, metric)
        photos = _count(mean.photos, "photo")
        return f"{metric}: {results.label(configuration)} has a mean of {mean} on {photos}."
    shared = ranking.shared_photos(results, metric)
    if not shared:
        return f"{metric}: no photo has a number for every configuration."
    sign = 1 if results.higher_is_better(metric) else -1
    means = ranking.shared_means(results, metric)
    best, second, *_ = sorted(means, key=lambda c: sign * means[c], reverse=True)
    photos = _count(len(shared), "photo")
    if not ranking.all_share(results, metric):
        photos = f"the {photos} that all configurations share"
    if means[best] == means[second]:
        return (
            f"{metric}: {results.label(best)} and {results.label(second)} are equally good "
            f"({means[best]:.3f}) on {photos}."
        )
    difference = results.difference(best, second, metric, shared).mean
    return (
        f"{metric}: {results.label(best)} is best ({means[best]:.3f}), {difference.value:.3f} "
        f"better than {results.label(second)}, the next best, on {photos} "
        f"({_certainty(difference)})."
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
        lines.append(f"{results.heading(name)}: {text}.{note}")
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
