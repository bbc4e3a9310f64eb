"""Train a classifier of X-rays whose classes come from different sources, for an audit.

    python benchmarks/xrays.py --data FOLDER --out xrays
    XRAYS=xrays unsee audit xrays/held-out --classifier xrays:classifier --text --out xrays-audit

FOLDER has class folders. The classifier is a logistic regression on the pooled features of
EfficientNet-Lite0, whose weights stay as they are. A fifth of the patients is held out; their photos
are copied to OUT/held-out. The second command is run from this folder, where Python finds `xrays`.
Khorram, Lawson & Li (CHIL 2021, section "An application on COVID-19 detection") found burned-in
text by such maps.
"""

import argparse
import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report
from torch import nn

from unsee import Classifier, Framing, load
from unsee.images import reading

FRAMING = Framing((224, 224), fit="resize")
"""The whole X-ray, corners included."""
HELD_OUT = 5
"""One in so many patients is held out."""
FOLDER = "XRAYS"
"""Environment variable that names the folder of the weights."""


def classifier() -> Classifier:
    """Return the classifier whose head is in the folder that the environment names."""
    folder = Path(os.environ[FOLDER])
    labels = json.loads((folder / "classes.json").read_text(encoding="utf-8"))
    network = load("efficientnet_lite0")
    model, head = network.model, load_file(folder / "head.safetensors")
    assert isinstance(model, nn.Module)
    model.classifier = nn.Linear(head["weight"].shape[1], len(labels))
    model.classifier.load_state_dict(head)
    return Classifier(
        model.eval(), network.mean, network.std, FRAMING, tuple(labels), "X-rays",
        data_mean=network.data_mean, data_std=network.data_std,
    )  # fmt: skip


def features(paths: list[Path]) -> NDArray[np.float64]:
    """Return the pooled features of photos."""
    network = load("efficientnet_lite0")
    rows = []
    for path in paths:
        image = FRAMING.show(reading.read(str(path), 3).pixels)
        rows.append(network.features(image, ["clip"]).maps[0].mean((2, 3))[0].double().numpy())
    return np.stack(rows)


def is_held_out(path: Path, seed: int) -> bool:
    """Return whether the patient of a photo is held out; its name begins with the patient."""
    patient = path.stem.partition("_")[0]
    return hashlib.sha256(f"{seed}/{patient}".encode()).digest()[0] % HELD_OUT == 0


def main() -> None:
    """Train, rate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the patients that are held out"
    )
    options = parser.parse_args()
    paths = sorted(path for path in options.data.glob("*/*") if path.suffix == ".jpg")
    classes = sorted({path.parent.name for path in paths})
    x, y = features(paths), np.array([classes.index(path.parent.name) for path in paths])
    held_out = np.array([is_held_out(path, options.seed) for path in paths])
    mean, deviation = x[~held_out].mean(0), x[~held_out].std(0) + 1e-6
    z = (x - mean) / deviation
    model = LogisticRegression(C=1e-3, class_weight="balanced", max_iter=2000)
    model.fit(z[~held_out], y[~held_out])
    report = classification_report(y[held_out], model.predict(z[held_out]), target_names=classes)
    print(report)
    weight = model.coef_ / deviation
    bias = model.intercept_ - weight @ mean
    options.out.mkdir(parents=True)
    head = {
        "weight": torch.from_numpy(weight).float().contiguous(),
        "bias": torch.from_numpy(bias).float(),
    }
    save_file(head, options.out / "head.safetensors")
    (options.out / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    (options.out / "report.txt").write_text(report, encoding="utf-8")
    for path, is_own in zip(paths, held_out, strict=True):
        if is_own:
            target = options.out / "held-out" / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


if __name__ == "__main__":
    main()
