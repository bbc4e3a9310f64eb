"""Photos of a run with their maps, as an audit reads them."""

from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor

from unsee.audits.findings import ExplainedPhoto
from unsee.classifiers.classifier import Classifier
from unsee.datasets._classes import numbered
from unsee.datasets.base import Sample
from unsee.evaluation.rows import Row
from unsee.evaluation.run import Run
from unsee.evaluation.worker import FramedPhoto, frame
from unsee.methods._constant import NO_EVIDENCE
from unsee.metrics._boxes import region_mask
from unsee.types import Images

IN_MEMORY = 256
"""Photos that are kept for the causal tests."""


class ExplainedRun:
    """A run that saved its maps, of one method, with its classifier."""

    def __init__(self, run: Run, classifier: Classifier) -> None:
        self.run, self.classifier = run, classifier
        samples = numbered(run.samples, classifier, run.plan.data)
        self._samples: dict[str, Sample] = {sample.id: sample for sample in samples}
        self._framed = lru_cache(IN_MEMORY)(self._frame)
        self._rows = {row["photo"]: row for row in run.store.walk()}

    def image_of(self, photo: str) -> Images:
        """Return a photo (1, c, h, w) as the classifier sees it."""
        image: Images = self._framed(photo).image.to(self.classifier.device)
        return image

    def __iter__(self) -> Iterator[ExplainedPhoto]:
        """Yield the photos that were explained, in the order of the run.

        One whose map shows no evidence has a constant map.
        """
        for unit in self.run.units():
            maps = self.run.store.read_maps(unit.number, unit.shard)
            for sample in unit.samples:
                row = self._rows[sample.id]
                if sample.id in maps:
                    yield self._photo(row, torch.from_numpy(maps[sample.id]).float())
                elif shows_no_evidence(row):
                    yield self._without_evidence(row)

    def failed(self) -> list[str]:
        """Return the messages of photos that could not be explained."""
        rows = self._rows.values()
        return [row["error"] for row in rows if row["error"] and not shows_no_evidence(row)]

    def without_evidence(self) -> int:
        """Return the number of photos whose maps show no evidence."""
        return sum(map(shows_no_evidence, self._rows.values()))

    def _frame(self, photo: str) -> FramedPhoto:
        return frame(self._samples[photo], self.run.plan, self.classifier)

    def _without_evidence(self, row: Row) -> ExplainedPhoto:
        image = self.image_of(row["photo"])
        answer = int(self.classifier.predict(image)[0].argmax())
        target = answer
        if self.run.plan.target == "label":
            target = self._samples[row["photo"]].target or 0
        complete = {**row, "target": target, "predicted": answer}
        return self._photo(complete, torch.zeros(image.shape[-2:]))

    def _photo(self, row: Row, saliency: Tensor) -> ExplainedPhoto:
        name, label = row["photo"], self._samples[row["photo"]].target
        truth = self._framed(name).truth
        is_labelled = label is not None and label >= 0 and row["predicted"] is not None
        return ExplainedPhoto(
            name, int(row["target"]), saliency,
            row["predicted"] == label if is_labelled else None,
            region_mask(truth.region, saliency),
        )  # fmt: skip


def shows_no_evidence(row: Row) -> bool:
    """Return whether a photo was explained, and its map is the same everywhere."""
    return NO_EVIDENCE in (row["error"] or "")
