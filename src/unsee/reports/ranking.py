"""Which configuration is best in a metric: on the photos for which all of them have a number."""

import math

from unsee.evaluation.plan import Combination
from unsee.reports.results import Results


def shared_photos(results: Results, metric: str) -> set[str]:
    """Return the photos for which every configuration has a number."""
    return set.intersection(*(set(results.values(c, metric)) for c in results.configurations))


def all_share(results: Results, metric: str) -> bool:
    """Return whether all configurations have numbers for the same photos."""
    shared = len(shared_photos(results, metric))
    return all(len(results.values(c, metric)) == shared for c in results.configurations)


def shared_means(results: Results, metric: str) -> dict[Combination, float]:
    """Return the mean of each configuration over the shared photos; empty if there are none."""
    photos = sorted(shared_photos(results, metric))
    if not photos:
        return {}
    return {
        c: math.fsum(results.values(c, metric)[photo] for photo in photos) / len(photos)
        for c in results.configurations
    }


def best(results: Results, metric: str) -> set[Combination]:
    """Return the configurations with the best shared mean; none where nothing is compared."""
    if len(results.configurations) == 1 or not results.ranks_maps(metric):
        return set()
    sign = 1 if results.higher_is_better(metric) else -1
    means = {c: sign * mean for c, mean in shared_means(results, metric).items()}
    return {c for c, mean in means.items() if mean == max(means.values())}


def photos_of(results: Results, configuration: Combination) -> int:
    """Return the largest number of photos that a metric of a configuration has a number for."""
    return max(results.mean(configuration, metric).photos for metric in results.metrics)


def scope(photos: int, whole: int) -> str:
    """Return of how many photos a mean is, e.g. "on 1 of 6"; empty if of all or of none."""
    return f"on {photos} of {whole}" if 0 < photos < whole else ""
