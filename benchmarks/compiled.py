"""Whether `torch.compile` pays for the default classifier: milliseconds an image, in turns.

python benchmarks/compiled.py > benchmarks/results/compiled.txt
"""

from unsee.allocator import keep_memory

keep_memory()

import time
from dataclasses import replace

import torch

from unsee import load
from unsee.floor import passed

CHUNK, ROUNDS = 16, 8


def main() -> None:
    """The least of all rounds, with gradient and without; compiling itself does not count."""
    plain = load()
    networks = {"plain": plain, "compiled": replace(plain, model=torch.compile(plain.model))}
    x = torch.rand(CHUNK, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {CHUNK} images")
    for gradient, what in ((False, "forward"), (True, "forward + backward")):
        times: dict[str, list[float]] = {name: [] for name in networks}
        for network in networks.values():
            passed(network, x, gradient)
        for _ in range(ROUNDS):
            for name, network in networks.items():
                start = time.perf_counter()
                passed(network, x, gradient)
                times[name].append(1e3 * (time.perf_counter() - start) / CHUNK)
        print(f"{what}: " + ", ".join(f"{k} {min(v):.2f} ms" for k, v in times.items()))


if __name__ == "__main__":
    main()
