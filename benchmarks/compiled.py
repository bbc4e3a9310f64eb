"""Whether `torch.compile` pays for the default classifier: milliseconds an image, in turns.

python benchmarks/compiled.py > benchmarks/results/compiled.txt
"""

from unsee.classifiers.allocator import keep_memory

keep_memory()

from dataclasses import replace

import torch

from unsee import load
from unsee.classifiers import throughput

CHUNK, ROUNDS = 16, 5


def main() -> None:
    """The least of all rounds, with gradient and without; compiling itself does not count."""
    plain = load()
    networks = {"plain": plain, "compiled": replace(plain, model=torch.compile(plain.model))}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {CHUNK} images")
    for gradient, what in ((False, "forward"), (True, "forward + backward")):
        times: dict[str, list[float]] = {name: [] for name in networks}
        for _ in range(ROUNDS):
            for name, network in networks.items():
                each = throughput.seconds_per_image(
                    network, (224, 224), "channels_last", CHUNK, gradient
                )
                times[name].append(1e3 * each)
        print(f"{what}: " + ", ".join(f"{k} {min(v):.2f} ms" for k, v in times.items()))


if __name__ == "__main__":
    main()
