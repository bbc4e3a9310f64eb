"""Write the result folder of a photo."""

from pathlib import Path

from unsee.errors import TakenError
from unsee.images import drawing
from unsee.images.reading import PhotoFile
from unsee.results.assessment import Assessment
from unsee.results.calls import Call
from unsee.results.page import explanation_page
from unsee.results.panel import panel
from unsee.results.photo_folders import check_photo, free_folder, next_folder
from unsee.storage.files import write_text
from unsee.storage.folders import new_folder, write_manifest

REPORT = "report.html"
"""Name of the page with the result."""


def write(
    assessment: Assessment,
    photo: PhotoFile,
    folder: Path,
    *,
    overwrite: bool = False,
    call: Call | None = None,
) -> Path:
    """Write the maps, the pictures, panel.png, report.html and manifest.json of a photo.

    Return their folder. `call` is how a user repeats the result.

    The folder appears when it is complete. It is `folder`, or the one with the next free number if
    something is there that may not be overwritten: a result of another photo, or one that another
    command has written in the meantime.

    Raises:
        InputError: The folder cannot be written.
    """
    while True:
        folder = free_folder(folder, photo.path)
        try:
            _write(assessment, photo, folder, call, overwrite=overwrite)
        except TakenError:
            taken, folder = folder, free_folder(folder, photo.path)
            if folder == taken:
                folder = next_folder(taken, photo.path)
            if folder == taken:  # a file system that contradicts itself
                raise
        else:
            return folder


def _write(
    assessment: Assessment, photo: PhotoFile, folder: Path, call: Call | None, *, overwrite: bool
) -> None:
    explanation = assessment.study.explanation
    framing = assessment.study.score.classifier.framing
    height, width = photo.pixels.shape[-2:]
    photo_map = framing.back(explanation.saliency[0], height, width)
    photo_overlay = drawing.overlay(photo.pixels, photo_map, framing.box(height, width))
    with new_folder(folder, overwrite=overwrite) as unfinished:
        explanation.save_arrays(unfinished, photo=photo_map.numpy())
        drawing.save_png(unfinished / "overlay.png", photo_overlay)
        drawing.save_png(unfinished / "kept.png", assessment.kept[0])
        drawing.save_png(unfinished / "removed.png", assessment.removed[0])
        image = assessment.study.score.images[0]
        overlay = drawing.overlay(image, explanation.saliency[0])
        drawing.save_figure(panel(assessment, image, overlay), unfinished / "panel.png", 110)
        page = explanation_page(assessment, folder.name, photo.pixels, call)
        write_text(unfinished / REPORT, page)
        write_manifest(unfinished, assessment.manifest(photo))
        check_photo(folder, photo.path)  # another command may have written there in the meantime
