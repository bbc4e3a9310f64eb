"""Classify photos, to leave out those whose labelled class is not the answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from unsee.classifiers import determinism, loading
from unsee.classifiers.classes import classes_of
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import first_answer, probability
from unsee.datasets._classes import class_numbers
from unsee.datasets.base import Sample, Samples
from unsee.errors import as_message
from unsee.evaluation.loaded import load_classifier
from unsee.evaluation.plan import Plan

Outcome = Literal["right", "wrong", "unlabelled", "failed"]


class Trial(NamedTuple):
    """A photo that was classified."""

    sample: Sample
    outcome: Outcome
    """Whether every classifier answers the labelled class first; or that the photo has none, or
    that it could not be read or classified."""
    probability: float | None = None
    """That of the labelled class, by the first classifier."""
    error: str = ""


@dataclass(frozen=True)
class Recognition:
    """The classifiers of a plan, as a run loads them."""

    plan: Plan
    chunk: int
    device: str
    precision: str
    threads: int | None = None
    """Threads of the classifiers, by default those of torch on this machine."""

    def __call__(self, samples: Samples) -> Iterator[Trial]:
        """Classify photos in order, a chunk at a time; yield each.

        Chunks begin at the first photo, so that the same photos are in one for every limit.

        Raises:
            InputError: A classifier cannot be loaded, has no probability, or lacks a class.
        """
        if self.threads:
            torch.set_num_threads(self.threads)
        size = 1 if self.plan.deterministic else self.chunk
        numbers: dict[str, Mapping[int, int]] = {}
        for at in range(0, len(samples), size):
            part = samples[at : at + size]
            trials = {s.id: Trial(s, "right" if is_labelled(s) else "unlabelled") for s in part}
            for number, name in enumerate(self.plan.classifiers):
                remaining = [t.sample for t in trials.values() if t.outcome == "right"]
                if not remaining:
                    break
                classifier = self._load(name)
                if name not in numbers:
                    numbers[name] = class_numbers(
                        one_of_each_class(samples), classifier.labels, classes_of(classifier),
                        self.plan.data,
                    )  # fmt: skip
                for trial in self._classify(remaining, classifier, numbers[name]):
                    first = trial if number == 0 else trials[trial.sample.id]
                    trials[trial.sample.id] = trial._replace(probability=first.probability)
            yield from trials.values()

    def _load(self, name: str) -> Classifier:
        device = self.device
        if torch.device(device).type == "cuda" and not torch.cuda.is_available():
            device = loading.default_device()  # that of the run is the workers'
        spec = self.plan.spec("sources", name)
        classifier = load_classifier(spec, self.chunk, device, self.precision, self.plan.fit)
        classes_of(classifier)  # determines the kind of the outputs
        classifier.kind.require_probability("correct")
        return classifier

    def _classify(
        self, samples: Sequence[Sample], classifier: Classifier, numbers: Mapping[int, int]
    ) -> Iterator[Trial]:
        """Yield the trial of each photo by one classifier."""
        read: list[tuple[Sample, Tensor]] = []
        for sample in samples:
            try:
                photo = sample.photo(classifier.channels)
                framing = classifier.framing.resolved(*photo.shape[-2:])
                read.append((sample, framing.show(photo)))
            except Exception as error:
                yield _failed(sample, error)
        try:
            yield from self._answers(read, classifier, numbers)
        except Exception:  # raised for one photo of the chunk: classify each alone
            for pair in read:
                try:
                    yield from self._answers([pair], classifier, numbers)
                except Exception as error:
                    yield _failed(pair[0], error)

    def _answers(
        self,
        pairs: Sequence[tuple[Sample, Tensor]],
        classifier: Classifier,
        numbers: Mapping[int, int],
    ) -> list[Trial]:
        if not pairs:
            return []
        images = torch.cat([image for _, image in pairs]).to(classifier.device)
        with determinism.mode(classifier.device, on=self.plan.deterministic):
            logits = classifier.predict(images)
        classes = [numbers[s.target] for s, _ in pairs if s.target is not None]
        targets = torch.tensor(classes, device=logits.device)
        right, shares = (
            classifier.kind.measure(measure)(logits, targets).tolist()
            for measure in (first_answer, probability)
        )
        outcomes: list[Outcome] = ["right" if value == 1 else "wrong" for value in right]
        return [
            Trial(sample, outcome, share)
            for (sample, _), outcome, share in zip(pairs, outcomes, shares, strict=True)
        ]


def is_labelled(sample: Sample) -> bool:
    """Return whether a photo has a class."""
    return sample.target is not None and sample.target >= 0


def one_of_each_class(samples: Samples) -> Samples:
    """Return the first photo of each class."""
    first = {sample.target: sample for sample in reversed(samples)}
    return samples.part(first.values())


def _failed(sample: Sample, error: Exception) -> Trial:
    return Trial(sample, "failed", error=str(as_message(error).prefixed(sample.id)))
