"""Measure photos per second on a GPU: ResNet-50 with random weights, photos in one batch.

    python benchmarks/gpu.py --out benchmarks/results/gpu.md

Weights do not influence the speed. For each method the report has photos per second, passes, the
GPU's utilisation as its driver reports it, and the overhead: the time of the method over the time
of the same passes at the network's best batch size.
"""

import argparse
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median

import torch

from unsee import Classifier, Framing, Study, create
from unsee.classifiers import throughput
from unsee.classifiers.passes import synchronise
from unsee.recipes import recipe

PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
SIZE = 224
"""Side of the images in pixels."""
SAMPLING_INTERVAL = 0.1
"""Seconds between two readings of the GPU's utilisation."""
JOBS = {
    "igos_pp published": ({"recipe": "igos_pp-published"}, None),
    "igos_pp balanced": ({"name": "igos_pp"}, "balanced"),
    "igos_pp fast": ({"name": "igos_pp"}, "fast"),
    "tide balanced": ({"name": "tide"}, "balanced"),
    "tide fast": ({"name": "tide"}, "fast"),
    "fido": ({"name": "fido"}, None),
    "fido balanced": ({"name": "fido"}, "balanced"),
    "rise": ({"name": "rise"}, None),
    "sliding_patch": ({"name": "sliding_patch"}, None),
    "mp": ({"name": "mp"}, None),
}
"""Settings of the method, and a budget."""


def photos(count: int, size: int) -> torch.Tensor:
    """Return `count` different crops of scikit-image's photos, (count, 3, size, size)."""
    from skimage import data

    pictures = [
        torch.from_numpy(p).permute(2, 0, 1) / 255
        for p in (data.chelsea(), data.coffee(), data.astronaut())
    ]
    generator, crops = torch.Generator().manual_seed(0), []
    for number in range(count):
        picture = pictures[number % len(pictures)]
        top, left = (
            int(torch.randint(n - size + 1, (1,), generator=generator)) for n in picture.shape[1:]
        )
        crops.append(picture[:, top : top + size, left : left + size])
    return torch.stack(crops)


@contextmanager
def utilisation(device: torch.device) -> Iterator[list[float]]:
    """Yield a list that a thread fills with the GPU's utilisation in percent."""
    percentages: list[float] = []
    finished = threading.Event()

    def sample() -> None:
        while not finished.wait(SAMPLING_INTERVAL):
            try:
                percentages.append(torch.cuda.utilization(device))
            except Exception:  # without the driver's library the column stays empty
                return

    thread = threading.Thread(target=sample, daemon=True)
    if device.type == "cuda":
        thread.start()
    try:
        yield percentages
    finally:
        finished.set()
        if thread.is_alive():
            thread.join()


def measure(
    classifier: Classifier, images: torch.Tensor, settings: dict, budget: str | None, infiller: str
) -> dict:
    """Run one method on all photos at once and return its passes, seconds and utilisation."""
    published = recipe(settings["recipe"]) if "recipe" in settings else None
    method = create("methods", **(published.method if published else settings))
    with utilisation(images.device) as percentages:
        synchronise(images.device)
        start = time.perf_counter()
        study = Study.of(classifier, images, method, infiller=infiller, budget=budget)
        study.finish()
        synchronise(images.device)
        seconds = time.perf_counter() - start
    cost = study.explanation.provenance["cost"]
    mean = sum(percentages) / len(percentages) if percentages else float("nan")
    return {**cost, "seconds": seconds, "utilisation": mean}


def network_on(device: torch.device, precision: str) -> Classifier:
    """Return ResNet-50 with random weights."""
    from torchvision.models import resnet50

    network = resnet50().eval().requires_grad_(False)
    network = network.to(device, memory_format=torch.channels_last)
    torch.backends.cudnn.benchmark = True
    return Classifier(network, framing=Framing((SIZE, SIZE)), precision=PRECISIONS[precision])


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32, help="photos in a batch")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--jobs", nargs="*", default=list(JOBS), choices=list(JOBS))
    parser.add_argument("--infiller", default="blur")
    parser.add_argument("--precision", choices=PRECISIONS, default="bfloat16")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--chunks", nargs="*", type=int, default=[32, 64, 128, 256, 512])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/gpu.md"))
    options = parser.parse_args()
    device = torch.device(options.device)
    classifier = network_on(device, options.precision)
    timings = list(
        throughput.timings(classifier, (SIZE, SIZE), tuple(options.chunks), (classifier.precision,))
    )
    fastest = throughput.fastest(timings, options.precision).cost
    images = photos(options.batch, SIZE).to(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    lines = [
        "# Speed on a GPU",
        "",
        f"`python benchmarks/gpu.py --batch {options.batch} --infiller {options.infiller}`, "
        f"{date.today()}. {name}, torch {torch.__version__}, ResNet-50 (random weights), "
        f"{options.precision}, {options.batch} photos in a batch, median of {options.rounds} "
        "rounds.",
        "",
        f"The network alone takes {1e3 * fastest.forward:.3f} ms per image for a forward pass, and "
        f"{1e3 * fastest.forward_backward:.3f} ms for a forward and a backward pass.",
        "",
        "| method | passes per photo | photos/s | utilisation | overhead | batch size |",
        "|---|---|---|---|---|---|",
    ]
    for label in options.jobs:
        settings, budget = JOBS[label]
        costs = [
            measure(classifier, images, settings, budget, options.infiller)
            for _ in range(options.rounds + 1)
        ][1:]  # the first one warms up
        cost = {key: median(cost[key] for cost in costs) for key in costs[0]}
        lines.append(
            f"| {label} | {cost['forwards'] / len(images):.0f} forward, "
            f"{cost['backwards'] / len(images):.0f} backward | "
            f"{len(images) / cost['seconds']:.2f} | {cost['utilisation']:.0f} % | "
            f"{fastest.overhead(cost):.2f} | {classifier.batch_sizes.largest} |"
        )
        print(lines[-1], flush=True)
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
