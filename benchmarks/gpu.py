"""Photos a second on a GPU: ResNet-50 with random weights, batches across photos.

    python benchmarks/gpu.py --out benchmarks/results/gpu.md

Weights do not change the speed. For each method: photos a second, passes, how busy the GPU was (as
its driver says), and the overhead over the same passes at the network's best batch.
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
JOBS = {
    "igos_pp published": ({"recipe": "igos_pp-published"}, None),
    "igos_pp balanced": ({"recipe": "igos_pp-published"}, "balanced"),
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
    """Crops of photos of scikit-image, each another."""
    from skimage import data

    pictures = [
        torch.from_numpy(p).permute(2, 0, 1) / 255
        for p in (data.chelsea(), data.coffee(), data.astronaut())
    ]
    g, found = torch.Generator().manual_seed(0), []
    for number in range(count):
        picture = pictures[number % len(pictures)]
        top, left = (int(torch.randint(n - size + 1, (1,), generator=g)) for n in picture.shape[1:])
        found.append(picture[:, top : top + size, left : left + size])
    return torch.stack(found)


@contextmanager
def watched(device: torch.device) -> Iterator[list[float]]:
    """How busy the GPU is, in percent, ten times a second."""
    seen: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            try:
                seen.append(torch.cuda.utilization(device))
            except Exception:  # no driver library: the column stays empty
                return

    watcher = threading.Thread(target=look, daemon=True)
    if device.type == "cuda":
        watcher.start()
    try:
        yield seen
    finally:
        done.set()
        if watcher.is_alive():
            watcher.join()


def job(
    classifier: Classifier, images: torch.Tensor, settings: dict, budget: str | None, filler: str
) -> dict:
    """Run one method on all photos at once."""
    base = recipe(settings["recipe"]) if "recipe" in settings else None
    method = create("methods", **(base.method if base else settings))
    with watched(images.device) as busy:
        synchronise(images.device)
        start = time.perf_counter()
        study = Study.of(classifier, images, method, infiller=filler, budget=budget)
        study.finish()
        synchronise(images.device)
        seconds = time.perf_counter() - start
    cost = study.explanation.provenance["cost"]
    return {**cost, "seconds": seconds, "busy": sum(busy) / len(busy) if busy else float("nan")}


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--jobs", nargs="*", default=list(JOBS))
    arguments.add_argument("--infiller", default="blur")
    arguments.add_argument("--precision", choices=PRECISIONS, default="bfloat16")
    arguments.add_argument("--device", default="cuda")
    arguments.add_argument("--chunks", nargs="*", type=int, default=[32, 64, 128, 256, 512])
    arguments.add_argument("--out", type=Path, default=Path("benchmarks/results/gpu.md"))
    chosen = arguments.parse_args()
    from torchvision.models import resnet50

    device = torch.device(chosen.device)
    network = resnet50().eval().requires_grad_(False)
    network = network.to(device, memory_format=torch.channels_last)
    torch.backends.cudnn.benchmark = True
    classifier = Classifier(
        network, framing=Framing((224, 224)), precision=PRECISIONS[chosen.precision]
    )
    found = list(
        throughput.timings(classifier, (224, 224), tuple(chosen.chunks), (classifier.precision,))
    )
    least = throughput.fastest(found, chosen.precision).cost
    images = photos(chosen.batch, 224).to(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    lines = [
        "# Speed on a GPU",
        "",
        f"`python benchmarks/gpu.py --batch {chosen.batch} --infiller {chosen.infiller}`, "
        f"{date.today()}. {name}, torch {torch.__version__}, ResNet-50 (random weights), "
        f"{chosen.precision}, {chosen.batch} photos together, median of {chosen.rounds} rounds.",
        "",
        f"Floor: forward {1e3 * least.forward:.3f} ms, with backward {1e3 * least.forward_backward:.3f} ms an "
        "image.",
        "",
        "| method | passes a photo | photos/s | busy | overhead | chunk |",
        "|---|---|---|---|---|---|",
    ]
    for label in chosen.jobs:
        settings, budget = JOBS[label]
        warm = [
            job(classifier, images, settings, budget, chosen.infiller)
            for _ in range(chosen.rounds + 1)
        ][1:]
        cost = {key: median(round[key] for round in warm) for key in warm[0]}
        lines.append(
            f"| {label} | {cost['forwards'] / len(images):.0f}, of which "
            f"{cost['backwards'] / len(images):.0f} with gradient | "
            f"{len(images) / cost['seconds']:.2f} | {cost['busy']:.0f} % | "
            f"{least.overhead(cost):.2f} | {classifier.batch_sizes.largest} |"
        )
        print(lines[-1], flush=True)
    chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
