"""Import the libraries that parts import on first use, so that no import is timed."""

from importlib import import_module

_OPENCV = ("cv2",)
_SEGMENTATION = ("skimage.segmentation",)
_MEASURE = ("skimage.measure",)
_SIMILARITY = ("scipy.stats", "skimage.feature", "skimage.metrics")

LIBRARIES = {
    "unsee.methods._cam": ("pytorch_grad_cam",),
    "unsee.methods._captum": ("captum.attr",),
    "unsee.methods.guided_backprop": ("captum._utils.common",),
    "unsee.methods.kernel_shap": _SEGMENTATION,
    "unsee.methods.lime": ("sklearn.linear_model", *_SEGMENTATION),
    "unsee.infillers.biharmonic": ("skimage.restoration",),
    "unsee.infillers.diffusion": ("diffusers",),
    "unsee.infillers.navier_stokes": _OPENCV,
    "unsee.infillers.onnx": ("onnxruntime",),
    "unsee.infillers.patchmatch": ("patchmatch",),
    "unsee.infillers.telea": _OPENCV,
    "unsee.metrics.infidelity": ("captum.metrics",),
    "unsee.metrics.irof": _SEGMENTATION,
    "unsee.metrics.localisation": _MEASURE,
    "unsee.metrics.mprt": _SIMILARITY,
    "unsee.metrics.saliency_metric": _MEASURE,
    "unsee.metrics.scatter": _MEASURE,
    "unsee.metrics.smooth_mprt": _SIMILARITY,
}
"""Libraries by the module that defines a part, or a base class of one."""


def import_libraries(*parts: object) -> None:
    """Import what these methods, in-fillers and metrics import on first use.

    A library that is not installed is skipped: the part itself reports it when it is used.
    """
    for part in parts:
        for parent in type(part).__mro__:
            for name in LIBRARIES.get(parent.__module__, ()):
                try:
                    import_module(name)
                except ImportError:
                    continue
