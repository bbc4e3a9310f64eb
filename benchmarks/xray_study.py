"""Does a classifier of X-rays read burned-in letters? Detect, clean, retrain (iGOS++, Table 4).

    python -m pip install --no-deps rapidocr-onnxruntime==1.4.4 pyclipper shapely six pyyaml
    python benchmarks/xray_study.py --data FOLDER --out docs/results/xrays --work xray-study

FOLDER has class folders of X-rays. Text is found by RapidOCR and in-filled by Telea's algorithm with
a radius of 10 pixels, as in the paper, or by `painter`. The classifier is a logistic regression on
pooled features of EfficientNet-Lite0 (`xrays.py`), trained five times with other patients held out.
Also with only what lies outside of the lungs, and with a letter that is planted on one class, whose
effect is known. Features and text are kept in --work, so that a second run goes on.

Khorram, Lawson & Li, "iGOS++", CHIL 2021, https://arxiv.org/abs/2012.15783, Table 4, Figures 5, 7,
11 and 12.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, precision_recall_fscore_support
from torch import Tensor, nn
from xray_page import page
from xrays import FRAMING, is_held_out

from unsee import Classifier, Study, load
from unsee.audits.text import TextDetector
from unsee.images import reading
from unsee.images.drawing import overlay, save_figure, show, to_pixels
from unsee.masking.score import MaskedScore
from unsee.noise import seeds_of
from unsee.registry import resolve

SEEDS = range(5)
LETTER = "R"
PLANTED_SHARE = {True: 0.8, False: 0.1}
"""Share of the X-rays of the planted class, and of others, that get the letter."""
METHOD = "recipe:igos_pp-published:path=3,steps=10,regrow=5.0"
"""iGOS++ with a tenth of its passes."""
Pictures = NDArray[np.uint8]


@dataclass
class Xrays:
    """All X-rays as the classifier sees them."""

    pixels: Pictures
    """(n, h, w) in 0..255."""
    labels: NDArray[np.int64]
    classes: list[str]
    paths: list[Path]
    text: NDArray[np.bool_]
    """Where text was found, (n, h, w)."""


def cached(work: Path, name: str, make: Callable[[], NDArray]) -> NDArray:
    """Return an array that is stored in the folder, made if it is not there."""
    path = work / f"{name}.npy"
    if not path.exists():
        np.save(path, make())
    return np.load(path)


def read(data: Path, work: Path, limit: int | None) -> Xrays:
    """Read the X-rays and find their text."""
    paths = sorted(path for path in data.glob("*/*") if path.suffix in {".jpg", ".png"})
    paths = paths if limit is None else paths[:: max(1, len(paths) // limit)]
    classes = sorted({path.parent.name for path in paths})
    images = [FRAMING.show(reading.read(str(path), 3).pixels) for path in paths]
    pixels = np.stack([to_pixels(image[0])[..., 0] for image in images])

    def find() -> NDArray:
        detect = TextDetector()
        return np.stack([detect(image).numpy() for image in images])

    labels = np.array([classes.index(path.parent.name) for path in paths])
    return Xrays(pixels, labels, classes, paths, cached(work, "text", find))


def telea(pixels: Pictures, holes: NDArray[np.bool_]) -> Pictures:
    """In-fill with OpenCV, as the paper does: radius of 10 pixels."""
    return np.stack([
        cv2.inpaint(picture, hole.astype(np.uint8), 10, cv2.INPAINT_TELEA)
        for picture, hole in zip(pixels, holes, strict=True)
    ])  # fmt: skip


def painted(pixels: Pictures, holes: NDArray[np.bool_]) -> Pictures:
    """In-fill with `painter`; pictures without a hole stay as they are."""
    network, filled = load("efficientnet_lite0"), pixels.copy()
    for number in np.flatnonzero(holes.any((1, 2))):
        image = tensor(pixels[number])
        score = MaskedScore(
            network, resolve("infillers", "painter"), image, torch.zeros(1).long(),
            seeds_of(image, 0),
        )  # fmt: skip
        keep = torch.from_numpy(~holes[number]).float()[None, None, None]
        filled[number] = to_pixels(score.pictures(keep)[0])[..., 0]
    return filled


def outside(pixels: Pictures) -> Pictures:
    """Return the X-rays without their middle, where the lungs are: grey in 60 % of each side."""
    cut, (h, w) = pixels.copy(), pixels.shape[1:]
    cut[:, h // 5 : h - h // 5, w // 5 : w - w // 5] = 128
    return cut


def planted(xrays: Xrays, seed: int = 0) -> tuple[Pictures, NDArray[np.bool_]]:
    """Burn a letter into most X-rays of the second class and few others; return where it is."""
    pixels, draw = xrays.pixels.copy(), np.random.default_rng(seed)
    holes = np.zeros(pixels.shape, bool)
    for number, label in enumerate(xrays.labels):
        if draw.random() < PLANTED_SHARE[bool(label == 1)]:
            x, y = int(draw.integers(8, 40)), int(draw.integers(34, 60))
            cv2.putText(pixels[number], LETTER, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 245, 3)
            holes[number] = cv2.dilate(
                (pixels[number] != xrays.pixels[number]).astype(np.uint8), np.ones((5, 5))
            )
    return pixels, holes


def tensor(picture: NDArray[np.uint8]) -> Tensor:
    """Return a picture (h, w) as an image of three channels."""
    return (torch.from_numpy(picture.copy()).float() / 255)[None, None].expand(1, 3, -1, -1).clone()


def features(pixels: Pictures) -> NDArray[np.float64]:
    """Return the pooled features of the pictures."""
    network = load("efficientnet_lite0")
    rows = [network.features(tensor(p), ["clip"]).maps[0].mean((2, 3))[0].double() for p in pixels]
    return torch.stack(rows).numpy()


def train(x: NDArray, y: NDArray, is_test: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
    """Return weight and bias of a logistic regression on all but the held-out X-rays."""
    centre, deviation = x[~is_test].mean(0), x[~is_test].std(0) + 1e-6
    model = LogisticRegression(C=1e-3, class_weight="balanced", max_iter=2000)
    model.fit((x[~is_test] - centre) / deviation, y[~is_test])
    weight = model.coef_ / deviation
    return weight, model.intercept_ - weight @ centre


def rate(head: tuple[NDArray, NDArray], x: NDArray, y: NDArray) -> list[float]:
    """Return accuracy and macro precision, recall and F1 in percent."""
    answers = (x @ head[0].T + head[1]).argmax(1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        y, answers, average="macro", zero_division=0
    )
    return [100 * value for value in (accuracy_score(y, answers), precision, recall, f1)]


def with_head(head: tuple[NDArray, NDArray], classes: list[str]) -> Classifier:
    """Return EfficientNet-Lite0 with another head."""
    network = load("efficientnet_lite0")
    assert isinstance(network.model, nn.Module)
    layer = nn.Linear(head[0].shape[1], len(classes))
    layer.weight.data, layer.bias.data = (torch.from_numpy(part).float() for part in head)
    network.model.classifier = layer
    return Classifier(
        network.model.eval(), network.mean, network.std, FRAMING, tuple(classes), "X-rays",
        data_mean=network.data_mean, data_std=network.data_std,
    )  # fmt: skip


def on_text(
    classifier: Classifier, xrays: Xrays, numbers: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Return for X-rays with text: saliency on it, and probabilities without it and by it alone.

    Shares of saliency are divided by the share of the pixels that the text covers. The control is a
    region of the same shape, mirrored to the other side.
    """
    rows: dict[str, list[float]] = {
        name: [] for name in ("saliency", "control saliency", "removed", "control removed", "alone")
    }
    for number in numbers:
        image, text = tensor(xrays.pixels[number]), torch.from_numpy(xrays.text[number])
        label = int(xrays.labels[number])
        study = Study.of(classifier, image, METHOD, targets=label)
        plane = study.finish().saliency[0].clamp(min=0)
        mirrored = text.flip(1)
        for name, region in (("saliency", text), ("control saliency", mirrored)):
            share = (plane * region).sum() / plane.sum().clamp(min=1e-9)
            rows[name].append((share / region.float().mean()).item())
        keeps = torch.stack([~text, ~mirrored, text]).float()[:, None, None]
        copies = study.score.rows(torch.zeros(3, dtype=torch.long))
        with torch.no_grad():
            whole = classifier.probabilities(image)[0, label].item()
            p = classifier.probabilities(copies.pictures(keeps))[:, label].tolist()
        rows["removed"].append(whole - p[0])
        rows["control removed"].append(whole - p[1])
        rows["alone"].append(p[2])
    return {name: np.array(values) for name, values in rows.items()}


def draw(xrays: Xrays, cleaned: dict[str, Pictures], classifier: Classifier, path: Path) -> None:
    """Draw X-rays, their text, the cleaned pictures and maps."""
    numbers = np.flatnonzero(xrays.text.any((1, 2)) & (xrays.labels == 0))[:4]
    figure = Figure(figsize=(2.3 * 5, 2.5 * len(numbers)), layout="constrained")
    axes = figure.subplots(len(numbers), 5, squeeze=False)
    for row, number in zip(axes, numbers, strict=True):
        image = tensor(xrays.pixels[number])
        plane = Study.of(
            classifier, image, METHOD, targets=int(xrays.labels[number])
        ).finish().saliency[0]  # fmt: skip
        marked = to_pixels(image[0])
        marked[xrays.text[number]] = (0.5 * marked[xrays.text[number]] + (127, 30, 63)).clip(0, 255)
        views = (
            ("X-ray", to_pixels(image[0])), ("text found", marked),
            ("Telea", to_pixels(tensor(cleaned["telea"][number])[0])),
            ("painter", to_pixels(tensor(cleaned["painter"][number])[0])),
            ("map of iGOS++", overlay(image[0], plane)),
        )  # fmt: skip
        for axis, (title, pixels) in zip(row, views, strict=True):
            show(axis, pixels)
            axis.set_title(title, fontsize=9)
    save_figure(figure, path, 90)


def main() -> None:
    """Run the study and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="take about so many X-rays")
    parser.add_argument("--maps", type=int, default=24, help="X-rays with text that are explained")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    xrays = read(options.data, options.work, options.limit)
    marked, letters = planted(xrays)
    pictures = {
        "original": xrays.pixels,
        "telea": telea(xrays.pixels, xrays.text),
        "painter": cached(options.work, "painted", lambda: painted(xrays.pixels, xrays.text)),
        "outside of the lungs": outside(xrays.pixels),
        "planted letter": marked,
        "planted letter, cleaned": telea(marked, letters),
    }
    x = {
        name: cached(options.work, f"features-{n}", lambda pixels=pixels: features(pixels))
        for n, (name, pixels) in enumerate(pictures.items())
    }
    splits = [np.array([is_held_out(path, seed) for path in xrays.paths]) for seed in SEEDS]
    heads = {name: [train(x[name], xrays.labels, test) for test in splits] for name in x}
    tested = {name: (name, name) for name in x} | {
        "planted letter, asked without it": ("planted letter", "original"),
    }  # fmt: skip
    scores = {
        title: [
            rate(heads[trained][i], x[asked][test], xrays.labels[test])
            for i, test in enumerate(splits)
        ]
        for title, (trained, asked) in tested.items()
    }
    has_text = np.flatnonzero(xrays.text.any((1, 2)) & splits[0])[: options.maps]
    before = with_head(heads["original"][0], xrays.classes)
    effects = {
        "before": on_text(before, xrays, has_text),
        "after": on_text(with_head(heads["telea"][0], xrays.classes), xrays, has_text),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    draw(xrays, pictures, before, options.out / "examples.png")
    text = page(xrays, scores, effects, len(has_text))
    (options.out / "README.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
