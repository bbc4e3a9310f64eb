"""The result folder of a photo."""

from pathlib import Path

from unsee import pictures
from unsee.explanation import new_folder, write_manifest
from unsee.findings import Findings
from unsee.panel import panel
from unsee.photos import PhotoFile


def write(findings: Findings, photo: PhotoFile, folder: Path, *, overwrite: bool = False) -> None:
    """Write a photo's result folder, the manifest last; the folder appears when it is complete."""
    explanation = findings.study.explanation
    framing = findings.study.score.classifier.framing
    height, width = photo.pixels.shape[-2:]
    whole = framing.back(explanation.saliency[0], height, width)
    heatmap = pictures.overlay(photo.pixels, whole, framing.box(height, width))
    with new_folder(folder, overwrite=overwrite) as unfinished:
        explanation.save_arrays(unfinished, photo=whole.numpy())
        pictures.save_png(unfinished / "overlay.png", heatmap)
        pictures.save_png(unfinished / "kept.png", findings.kept[0])
        pictures.save_png(unfinished / "removed.png", findings.removed[0])
        seen = findings.study.score.images[0]
        near = pictures.overlay(seen, explanation.saliency[0])
        panel(findings, seen, near).savefig(unfinished / "panel.png", dpi=110)
        write_manifest(unfinished, findings.manifest(photo))
