"""Write the result folder of a photo."""

from pathlib import Path

from unsee.errors import InputError
from unsee.folders import new_folder, write_manifest
from unsee.images import drawing
from unsee.images.reading import PhotoFile
from unsee.results.assessment import Assessment
from unsee.results.panel import panel
from unsee.results.photo_folders import check_photo, free_folder


def write(
    assessment: Assessment, photo: PhotoFile, folder: Path, *, overwrite: bool = False
) -> Path:
    """Write the maps, the pictures, panel.png and manifest.json of a photo; return their folder.

    The folder appears when it is complete. It is `folder`, or the one with the next free number if
    another command has written the result of another photo there in the meantime.

    Raises:
        InputError: The folder exists, and it may not be overwritten or is no result of this
            photo, or it cannot be written.
    """
    while True:
        folder = free_folder(folder, photo.path)
        try:
            _write(assessment, photo, folder, overwrite=overwrite)
        except InputError:
            if free_folder(folder, photo.path) == folder:
                raise
        else:
            return folder


def _write(assessment: Assessment, photo: PhotoFile, folder: Path, *, overwrite: bool) -> None:
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
        write_manifest(unfinished, assessment.manifest(photo))
        check_photo(folder, photo.path)  # another command may have written there in the meantime
