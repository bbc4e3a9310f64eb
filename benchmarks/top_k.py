"""The exact soft top-k beside Sinkhorn's iterations, as variational saliency's appendix has it.

    python benchmarks/top_k.py --out benchmarks/results/top_k.md

Two anchors, n scores in [0, 1], entropic regularisation eps. Sinkhorn runs in the log domain. Times
are the median of several rounds, in turn; the error is the largest against our result.
"""

import argparse
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import torch
from speed.__main__ import cpu
from torch import Tensor

from unsee.classifiers.passes import synchronise
from unsee.masking.masks import soft_top_k

SIZES = (784, 12_544, 50_176)
EPSILONS = (0.1, 0.01)
ITERATIONS = 200
SHARE = 0.1


def sinkhorn(scores: Tensor, count: float, eps: float) -> Tensor:
    """Share of each score that goes to the anchor 1, after so many iterations."""
    n = scores.shape[-1]
    cost = torch.stack([scores.square(), (scores - 1).square()], -1)
    kernel = -cost / eps
    rows = torch.full((n,), 1 / n, device=scores.device).log()
    columns = torch.tensor([(n - count) / n, count / n], device=scores.device).log()
    g = torch.zeros_like(columns)
    for _ in range(ITERATIONS):
        f = rows - (kernel + g).logsumexp(-1)
        g = columns - (kernel + f[:, None]).logsumexp(-2)
    return (kernel + f[:, None] + g)[:, 1].exp() * n


def seconds(work: Callable[[], Tensor]) -> float:
    """Of one call, waited for."""
    start = time.perf_counter()
    found = work()
    synchronise(found.device)
    return time.perf_counter() - start


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--out", type=Path, default=Path("benchmarks/results/top_k.md"))
    chosen = arguments.parse_args()
    name = torch.cuda.get_device_name() if chosen.device == "cuda" else cpu()
    lines = [
        "# Soft top-k",
        "",
        f"`python benchmarks/top_k.py --device {chosen.device}`, {date.today()}. {name}, torch "
        f"{torch.__version__}; the top {SHARE:.0%} of n scores, {ITERATIONS} iterations of "
        f"Sinkhorn, median of {chosen.rounds} rounds, forward only.",
        "",
        "| n | eps | exact, ms | Sinkhorn, ms | times faster | sum less k | Sinkhorn off by |",
        "|---|---|---|---|---|---|---|",
    ]
    for n in SIZES:
        for eps in EPSILONS:
            g = torch.Generator().manual_seed(0)
            scores = torch.rand(n, generator=g).to(chosen.device)
            count = scores.new_tensor(SHARE * n)

            def ours(scores: Tensor = scores, count: Tensor = count, eps: float = eps) -> Tensor:
                return soft_top_k(scores, count, eps / 2)

            def theirs(scores: Tensor = scores, n: int = n, eps: float = eps) -> Tensor:
                return sinkhorn(scores, SHARE * n, eps)

            times = [(seconds(ours), seconds(theirs)) for _ in range(chosen.rounds + 1)][1:]
            a, b = (median(column) for column in zip(*times, strict=True))
            exact, converging = ours(), theirs()
            off = abs(exact.double().sum().item() - SHARE * n)
            apart = (exact - converging).abs().max().item()
            lines.append(
                f"| {n} | {eps} | {1e3 * a:.2f} | {1e3 * b:.1f} | **{b / a:.0f}** | {off:.1e} | "
                f"{apart:.1e} |"
            )
            print(lines[-1], flush=True)
    chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
