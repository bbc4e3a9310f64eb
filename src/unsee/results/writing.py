"""Write the result folder of a photo."""

from pathlib import Path

from unsee.folders import new_folder, write_manifest
from unsee.images import drawing
from unsee.images.reading import PhotoFile
from unsee.results.assessment import Assessment
from unsee.results.panel import panel
from unsee.results.photo_folders import check_photo


def write(
    assessment: Assessment, photo: PhotoFile, folder: Path, *, overwrite: bool = False
) -> None:
    """Write the maps, the pictures, panel.png and manifest.json of a photo.

    The folder appears when it is complete. Raises `InputError` for a folder that exists, unless it
    holds a result of this photo and may be overwritten, or that cannot be written.
    """
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
