"""The photos of a run in words: how many, how they were taken, and from how many."""

from collections.abc import Sequence
from dataclasses import dataclass

from unsee.evaluation.manifest import RunManifest, Settings

KINDS = {"random": "random ", "stratified": "stratified random ", "first": ""}
"""Words before "photos", by the setting `subset`."""


@dataclass(frozen=True)
class PhotoWords:
    """How the photos of a run were taken from those of the data set, for sentences."""

    subset: str = ""
    """Setting of a run whose limit left photos out; empty if none were."""
    condition: str = ""
    """Words after "photos", with a blank at the start."""

    @classmethod
    def of_run(cls, manifest: RunManifest) -> "PhotoWords":
        """Return the words for the photos of a run, by its manifest."""
        settings, choice = manifest.settings, manifest.choice
        is_limited = settings.limit is not None and manifest.photos >= settings.limit
        if choice is not None and choice.of == manifest.photos:
            is_limited = False
        return cls(settings.subset if is_limited else "", _condition(settings))

    def counted(self, count: int, data: str = "") -> str:
        """Return a number of photos: 100 random photos of DATA that NAME answers rightly."""
        return f"{self._counted(count)}{f' of {data}' if data else ''}{self.condition}"

    def sentence(self, manifest: RunManifest, data: str) -> str:
        """Return the number of photos of a run, of how many, and of which data set.

        An example: 100 random photos of 50,000 of val that NAME answers rightly (820 tried, seed 0)
        """
        settings, choice = manifest.settings, manifest.choice
        is_part = choice is not None and choice.of > manifest.photos
        whole = f"{choice.of:,} of " if choice is not None and is_part else ""
        classes = f"the classes {settings.classes} of " if settings.classes else ""
        details = []
        if choice is not None and settings.correct:
            details.append(f"{choice.tried:,} tried")
        if KINDS.get(self.subset):
            details.append(f"seed {settings.seed}")
        more = f" ({', '.join(details)})" if details else ""
        number = self._counted(manifest.photos)
        return f"{number} of {whole}{classes}{data}{self.condition}{more}"

    def _counted(self, count: int) -> str:
        first = "the first " if self.subset == "first" else ""
        return f"{first}{count} {KINDS.get(self.subset, '')}photo{'' if count == 1 else 's'}"


def counted(count: int, words: Sequence[PhotoWords], data: str = "") -> str:
    """Return a number of photos of several runs, in the words that all of them share."""
    return (words[0] if len({*words}) == 1 else PhotoWords()).counted(count, data)


def _condition(settings: Settings) -> str:
    if not settings.correct:
        return ""
    *others, last = settings.classifiers
    if not others:
        return f" that {last} answers rightly"
    return f" that {', '.join(others)} and {last} answer rightly"
