"""Audit explained photos: cut regions, group them, and test what each group causes."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.audits.causes import CausalTest, Effect
from unsee.audits.clusters import Describer, cluster
from unsee.audits.evidence import Evidence, cut
from unsee.types import Images

FindText = Callable[[Images], Bool[Tensor, "h w"]]
"""Returns the pixels of text on a photo (1, c, h, w)."""
Verdict = Literal["shortcut", "object", "cause", "not proven"]
VERDICTS: dict[Verdict, str] = {
    "shortcut": "causes decisions, and lies outside the labelled objects",
    "object": "causes decisions, and lies on the labelled objects",
    "cause": "causes decisions; no objects are labelled, so look whether it belongs to them",
    "not proven": "is not proven to cause decisions: of removing and pasting it, at least one does "
    "not clearly change the probability more than other pixels do",
}
"""What a verdict says about a cluster."""
CELLS = 28
"""Side of the map of positions."""
TEXT = 0.3
"""Share of a region in text from which it counts as text."""
OUTSIDE = 0.5
"""Share of a region on the labelled object below which it is outside."""


@dataclass(frozen=True, eq=False)
class ExplainedPhoto:
    """A photo with its map."""

    id: str
    target: int
    """Class that is explained."""
    saliency: Float[Tensor, "h w"]
    is_right: bool | None = None
    """Whether the answer is the labelled class; None without a label."""
    inside: Tensor | None = None
    """Pixels of the labelled object (h, w); None without a label."""


@dataclass(frozen=True)
class Rules:
    """Which regions are cut, and what counts as a cluster."""

    share: float = 0.05
    """Share of the pixels of each photo that is cut: those of the highest saliency."""
    regions: int = 3
    """Largest number of regions of a photo."""
    weight: float = 0.2
    """Least share of the evidence of these pixels that a region must have."""
    least: int = 5
    """Least number of regions in a cluster."""


@dataclass(frozen=True, eq=False)
class Finding:
    """A cluster of regions that look alike, and what it causes."""

    members: list[Evidence]
    photos: int
    """Number of photos with one of its regions."""
    share: float
    """Share of all photos."""
    share_of_errors: float
    """Share of the photos with a wrong answer; NaN without a label or an error."""
    targets: list[tuple[int, int]]
    """Classes that are explained by its regions, and how often, the most frequent first."""
    border: float
    """Share of the regions that reach the border of their photo."""
    inside: float
    """Mean share of the regions on the labelled objects; NaN without labels."""
    positions: Float[Tensor, "28 28"]
    """Share of the regions that cover each place."""
    removal: Effect
    transplant: Effect
    text: float = math.nan
    """Share of the tested regions that are text; NaN if no text was searched."""

    @property
    def verdict(self) -> Verdict:
        """Whether the cluster causes decisions, and where it lies."""
        if not (self.removal.is_clear and self.transplant.is_clear):
            return "not proven"
        if math.isnan(self.inside):
            return "cause"
        return "shortcut" if self.inside < OUTSIDE else "object"


@dataclass(frozen=True, eq=False)
class Audit:
    """Findings about a classifier on a set of photos."""

    findings: list[Finding]
    """Clusters: shortcuts first, then other causes, each by the number of photos."""
    photos: int
    """Number of photos with a map."""
    regions: int
    """Number of regions."""
    described: str
    """What describes the regions, in words."""

    @property
    def shortcuts(self) -> list[Finding]:
        """Clusters that cause decisions outside the labelled objects."""
        return [finding for finding in self.findings if finding.verdict == "shortcut"]


def audit(
    photos: Iterable[ExplainedPhoto], test: CausalTest, rules: Rules,
    find_text: FindText | None = None,
) -> Audit:  # fmt: skip
    """Find the regions outside and on objects that carry decisions.

    Args:
        photos: Photos with their maps; each map is in memory only while it is cut.
        test: Classifier, in-filler and access to the photos.
        rules: Which regions are cut, and what counts as a cluster.
        find_text: Returns the pixels of text on a photo; None searches no text.
    """
    evidence: list[Evidence] = []
    vectors: list[Tensor] = []
    answers: list[tuple[str, int]] = []
    right: dict[str, bool | None] = {}
    describe: Describer | None = None
    for photo in photos:
        answers.append((photo.id, photo.target))
        right[photo.id] = photo.is_right
        regions = cut(photo.saliency, rules.share, at_most=rules.regions, least=rules.weight)
        own = [
            Evidence.of(photo.id, photo.target, region, weight, photo.inside)
            for region, weight in regions
        ]
        if own:
            image = test.image_of(photo.id)
            describe = describe or Describer(test.classifier, image)
            vectors.append(describe(image, [region.crop for region in own]))
            evidence += own
    labels = cluster(torch.cat(vectors), rules.least) if vectors else torch.zeros(0)
    findings = []
    for number in range(int(labels.max()) + 1 if len(labels) else 0):
        members = [
            one for one, label in zip(evidence, labels.tolist(), strict=True) if label == number
        ]
        finding = _finding(members, answers, right, test)
        if find_text is not None:
            finding = replace(finding, text=_text(members, test, find_text))
        findings.append(finding)
    order = list(VERDICTS)
    findings.sort(key=lambda finding: (order.index(finding.verdict), -finding.photos))
    name = describe.name if describe else "nothing"
    return Audit(findings, len(answers), len(evidence), name)


def _text(members: Sequence[Evidence], test: CausalTest, find_text: FindText) -> float:
    """Return the share of the tested regions of which `TEXT` or more is text."""
    are_text = [
        (find_text(test.image_of(member.photo)) & member.region).sum() >= TEXT * member.region.sum()
        for member in test.some(members)
    ]
    return sum(map(bool, are_text)) / len(are_text)


def _finding(
    members: list[Evidence], answers: Sequence[tuple[str, int]],
    right: dict[str, bool | None], test: CausalTest,
) -> Finding:  # fmt: skip
    """Describe and test a cluster."""
    own = {member.photo for member in members}
    wrong = [photo for photo, is_right in right.items() if is_right is False]
    labelled = [member.inside for member in members if member.inside is not None]
    recipients = [(photo, answer) for photo, answer in answers if photo not in own]
    positions = torch.stack([
        torch.nn.functional.adaptive_avg_pool2d(member.region[None, None].float(), CELLS)[0, 0]
        for member in members
    ]).mean(0)  # fmt: skip
    return Finding(
        members, len(own), len(own) / len(answers),
        len(own & set(wrong)) / len(wrong) if wrong else math.nan,
        Counter(member.target for member in members).most_common(),
        sum(member.touches_border for member in members) / len(members),
        sum(labelled) / len(labelled) if labelled else math.nan,
        positions, test.removal(members), test.transplant(members, recipients),
    )  # fmt: skip
