"""The result folder of a photo."""

from pathlib import Path

from unsee.folders import new_folder, write_manifest
from unsee.images import drawing
from unsee.images.reading import PhotoFile
from unsee.results.assessment import Assessment
from unsee.results.panel import panel


def write(findings: Assessment, photo: PhotoFile, folder: Path, *, overwrite: bool = False) -> None:
    """Write a photo's result folder, the manifest last; the folder appears when it is complete."""
    explanation = findings.study.explanation
    framing = findings.study.score.classifier.framing
    height, width = photo.pixels.shape[-2:]
    whole = framing.back(explanation.saliency[0], height, width)
    heatmap = drawing.overlay(photo.pixels, whole, framing.box(height, width))
    with new_folder(folder, overwrite=overwrite) as unfinished:
        explanation.save_arrays(unfinished, photo=whole.numpy())
        drawing.save_png(unfinished / "overlay.png", heatmap)
        drawing.save_png(unfinished / "kept.png", findings.kept[0])
        drawing.save_png(unfinished / "removed.png", findings.removed[0])
        seen = findings.study.score.images[0]
        near = drawing.overlay(seen, explanation.saliency[0])
        panel(findings, seen, near).savefig(unfinished / "panel.png", dpi=110)
        write_manifest(unfinished, findings.manifest(photo))
