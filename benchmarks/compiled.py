"""Measure whether `torch.compile` makes the default classifier faster.

    python benchmarks/compiled.py > benchmarks/results/compiled.txt

It prints milliseconds per image, with and without gradients, of the plain and of the compiled
network: the fastest of several alternating rounds. The time of the compilation is not included.
"""

from unsee.classifiers.allocator import keep_memory

keep_memory()

from dataclasses import replace

import torch

from unsee import load
from unsee.classifiers import throughput

BATCH_SIZE = 16
ROUNDS = 5


def main() -> None:
    """Measure and print."""
    plain = load()
    networks = {"plain": plain, "compiled": replace(plain, model=torch.compile(plain.model))}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {BATCH_SIZE} images")
    for gradient, label in ((False, "forward"), (True, "forward + backward")):
        times: dict[str, list[float]] = {name: [] for name in networks}
        for _ in range(ROUNDS):
            for name, network in networks.items():
                seconds = throughput.seconds_per_image(
                    network, (224, 224), "channels_last", BATCH_SIZE, gradient
                )
                times[name].append(1e3 * seconds)
        print(f"{label}: " + ", ".join(f"{k} {min(v):.2f} ms" for k, v in times.items()))


if __name__ == "__main__":
    main()
