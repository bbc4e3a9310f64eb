"""Compare the exact soft top-k with Sinkhorn iterations, in speed and accuracy.

    python benchmarks/top_k.py --out benchmarks/results/top_k.md

Variational saliency selects the k highest of n scores in [0, 1] by entropic optimal transport to
two anchors, with regularisation eps; its authors iterate (Sinkhorn, here in the log domain). Times
are medians of alternating rounds; the error is the largest difference from the exact result.
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
"""Numbers of scores."""
EPSILONS = (0.1, 0.01)
ITERATIONS = 200
SHARE = 0.1
"""Share of the scores that is selected."""


def sinkhorn(scores: Tensor, count: float, eps: float) -> Tensor:
    """Return the share of each score that is transported to the anchor 1."""
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


def seconds(function: Callable[[], Tensor]) -> float:
    """Return the seconds of one call, including the work that is queued on a GPU."""
    start = time.perf_counter()
    result = function()
    synchronise(result.device)
    return time.perf_counter() - start


def row(n: int, eps: float, device: str, rounds: int) -> str:
    """Measure one row of the table."""
    scores = torch.rand(n, generator=torch.Generator().manual_seed(0)).to(device)
    count = scores.new_tensor(SHARE * n)

    def exact() -> Tensor:
        return soft_top_k(scores, count, eps / 2)

    def iterated() -> Tensor:
        return sinkhorn(scores, SHARE * n, eps)

    times = [(seconds(exact), seconds(iterated)) for _ in range(rounds + 1)][1:]
    exact_time, iterated_time = (median(column) for column in zip(*times, strict=True))
    sum_error = abs(exact().double().sum().item() - SHARE * n)
    difference = (exact() - iterated()).abs().max().item()
    return (
        f"| {n} | {eps} | {1e3 * exact_time:.2f} | {1e3 * iterated_time:.1f} | "
        f"**{iterated_time / exact_time:.0f}** | {sum_error:.1e} | {difference:.1e} |"
    )


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/top_k.md"))
    options = parser.parse_args()
    name = torch.cuda.get_device_name() if options.device == "cuda" else cpu()
    lines = [
        "# Soft top-k: exact solution and Sinkhorn iterations",
        "",
        f"`python benchmarks/top_k.py --device {options.device}`, {date.today()}. {name}, torch "
        f"{torch.__version__}; the top {SHARE:.0%} of n scores, {ITERATIONS} Sinkhorn iterations, "
        f"forward pass only, median of {options.rounds} rounds. The last columns are the error of "
        "the exact solution's sum, and the largest difference of Sinkhorn's result from it.",
        "",
        "| n | eps | exact, ms | Sinkhorn, ms | speed-up | error of the sum | error of Sinkhorn |",
        "|---|---|---|---|---|---|---|",
    ]
    for n in SIZES:
        for eps in EPSILONS:
            lines.append(row(n, eps, options.device, options.rounds))
            print(lines[-1], flush=True)
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
