"""An audit as an HTML page for people, and as plain values for programs."""

import math
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from PIL import Image, ImageDraw

from unsee.audits.causes import Effect, ImageOf
from unsee.audits.evidence import Evidence
from unsee.audits.findings import CELLS, VERDICTS, Audit, Finding
from unsee.images.drawing import to_pixels
from unsee.output.pages import png_data, render
from unsee.reports.bootstrap import Mean

CROPS, CROP = 10, 112
"""Crops of a finding on the page, and their side in pixels."""
EXAMPLES = 3
"""Whole photos of a finding on the page, in which the region is outlined."""
OUTLINE = "#ff3d7f"
MAP = 140
"""Side of the picture of positions in pixels."""
Label = Callable[[int], str]


def headline(audit: Audit) -> str:
    """Return in one sentence what the audit found."""
    count = len(audit.shortcuts)
    causes = [finding for finding in audit.findings if finding.verdict == "cause"]
    if count:
        first = audit.shortcuts[0]
        return (
            f"{count} shortcut{'s' * (count > 1)} found. The first is in "
            f"{first.photos} of {audit.photos} photos; removing it lowers the probability by "
            f"{_percent(first.removal.change)}, pasting it elsewhere raises it by "
            f"{_percent(first.transplant.change)}."
        )
    if causes:
        return (
            f"{len(causes)} group{'s' * (len(causes) > 1)} of regions cause decisions. No "
            "objects are labelled: look whether the regions belong to them."
        )
    if not audit.findings:
        return (
            f"Nothing could be tested in {audit.photos} photos: too few regions look alike. More "
            "photos may have groups of them."
        )
    groups = f"{len(audit.findings)} group{'s' * (len(audit.findings) > 1)}"
    return f"No shortcut found in {audit.photos} photos: {groups} of regions were tested."


def plain(audit: Audit, label: Label) -> dict[str, Any]:
    """Return the audit as values that JSON has."""
    return {
        "photos": audit.photos,
        "regions": audit.regions,
        "described_by": audit.described,
        "findings": [_plain(finding, label) for finding in audit.findings],
    }


def html(audit: Audit, title: str, image_of: ImageOf, label: Label, notes: list[str]) -> str:
    """Return a page in one file: the conclusion, and for each finding pictures and numbers."""
    sections = [
        _section(number, finding, image_of, label)
        for number, finding in enumerate(audit.findings, 1)
    ]
    return render(
        "unsee.audits", title=title, headline=headline(audit), sections=sections, notes=notes,
        photos=audit.photos, regions=audit.regions, described=audit.described,
    )  # fmt: skip


def _plain(finding: Finding, label: Label) -> dict[str, Any]:
    return {
        "verdict": finding.verdict,
        "photos": finding.photos,
        "share": finding.share,
        "share_of_errors": _number(finding.share_of_errors),
        "classes": [
            {"class": target, "name": label(target), "regions": count}
            for target, count in finding.targets
        ],
        "share_at_border": finding.border,
        "share_on_objects": _number(finding.inside),
        "share_of_text": _number(finding.text),
        "removal": _effect(finding.removal),
        "transplant": _effect(finding.transplant),
        "regions": [
            {"photo": m.photo, "box": m.box, "class": m.target, "weight": round(m.weight, 4)}
            for m in finding.members
        ],
    }


def _effect(effect: Effect) -> dict[str, Any]:
    parts = {
        "change": effect.change, "control": effect.control, "difference": effect.difference,
        "answers": effect.answers,
    }  # fmt: skip
    numbers: dict[str, Any] = {
        name: {key: _number(getattr(mean, key)) for key in ("value", "low", "high")}
        for name, mean in parts.items()
    }
    return {**numbers, "photos": effect.change.photos, "is_clear": effect.is_clear}


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _section(number: int, finding: Finding, image_of: ImageOf, label: Label) -> dict[str, Any]:
    """Return what the page shows about a finding."""
    typical = _typical(finding.members)
    names = ", ".join(f"{label(target)} ({count})" for target, count in finding.targets[:5])
    facts = [
        f"In {finding.photos} photos ({finding.share:.0%}).",
        f"Classes: {names}{', ...' if len(finding.targets) > 5 else ''}.",
        f"{finding.border:.0%} of the regions reach the border of the photo.",
    ]
    if math.isfinite(finding.inside):
        facts.append(f"{finding.inside:.0%} of their area lies on labelled objects.")
    if math.isfinite(finding.text):
        facts.append(f"{finding.text:.0%} of the regions are text.")
    if math.isfinite(finding.share_of_errors):
        facts.append(f"In {finding.share_of_errors:.0%} of the photos with a wrong answer.")
    return {
        "heading": f"{number}. {finding.verdict.capitalize()}",
        "is_alarm": finding.verdict == "shortcut",
        "verdict": VERDICTS[finding.verdict],
        "facts": facts,
        "effects": [
            ("Removed (in-filled): fall of the probability", _cells(finding.removal)),
            ("Pasted into other photos: rise of the probability", _cells(finding.transplant)),
        ],
        "crops": [_crop(member, image_of, label) for member in typical],
        "examples": [_example(member, image_of, label) for member in typical[:EXAMPLES]],
        "positions": _positions(finding),
    }


def _cells(effect: Effect) -> list[str]:
    means = (effect.change, effect.control, effect.difference, effect.answers)
    return [str(mean).replace("-0.000", "0.000") for mean in means]


def _percent(mean: Mean) -> str:
    return f"{100 * mean.value:.0f} points"


def _typical(members: list[Evidence]) -> list[Evidence]:
    """Return the regions of the largest weight, one of each photo."""
    by_photo: dict[str, Evidence] = {}
    for member in sorted(members, key=lambda member: -member.weight):
        by_photo.setdefault(member.photo, member)
    return list(by_photo.values())[:CROPS]


def _crop(member: Evidence, image_of: ImageOf, label: Label) -> dict[str, str]:
    """Return the crop of a region as a PNG, and its description."""
    x1, y1, x2, y2 = member.crop
    pixels = to_pixels(image_of(member.photo)[0, :, y1:y2, x1:x2])
    picture = Image.fromarray(np.asarray(pixels)).resize((CROP, CROP), Image.Resampling.BICUBIC)
    name = label(member.target)
    return {"data": png_data(picture), "alt": f"region of {member.photo}, explained as {name}"}


def _example(member: Evidence, image_of: ImageOf, label: Label) -> dict[str, str]:
    """Return a whole photo in which the region is outlined, as a PNG, and its description."""
    picture = Image.fromarray(np.asarray(to_pixels(image_of(member.photo)[0])))
    x1, y1, x2, y2 = member.box
    ImageDraw.Draw(picture).rectangle((x1 - 1, y1 - 1, x2, y2), outline=OUTLINE, width=2)
    name = label(member.target)
    return {
        "data": png_data(picture),
        "alt": f"{member.photo}, explained as {name}, with the region outlined",
    }


def _positions(finding: Finding) -> str:
    """Return a map of the places that the regions cover, as a PNG."""
    values = finding.positions / finding.positions.max().clamp(min=1e-9)
    colours = mpl.colormaps["magma"](torch.sqrt(values).numpy())
    picture = Image.fromarray((255 * colours[..., :3]).astype(np.uint8).reshape(CELLS, CELLS, 3))
    return png_data(picture.resize((MAP, MAP), Image.Resampling.NEAREST))
