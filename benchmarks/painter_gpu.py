"""Train both painters on one GPU for a given time, with captured CUDA graphs.

    python benchmarks/painter_gpu.py --data photos-160.npy --trunk vgg_shift_tolerant.pth --seconds 515

The losses are those of `unsee train infiller`. A step of a small network has thousands of short
kernels: launched one by one, they keep a fast GPU idle for most of the time. Here a step of both
networks is captured once and replayed, photos and masks stay on the GPU, and the learning rate
follows the time instead of the steps. The U-nets alone are trained, because the search for patches
waits for the GPU. `--start` continues from weights, with new critics.

`photos-160.npy` holds squares of 160 pixels, uint8, (n, 3, 160, 160). Three quarters of the crops
are not resized, so that they are as sharp as photos at the size at which painters are used.
"""

import argparse
import json
import time
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from unsee.networks.critic import Critic, FeatureCritic, missing_mean
from unsee.networks.painter import SIZES, Painter, Size
from unsee.networks.perceptual import Perceptual
from unsee.training import holes
from unsee.training.infiller import ADAM_BETAS
from unsee.training.infiller_losses import hole_error, missing_root, variety
from unsee.training.photos import PhotoSet
from unsee.training.trainer import split_photos

SIDE, WINDOW = 144, 112
"""Sides in pixels: of the crops, and of the part that the perceptual network sees."""
BATCH = 48
"""Crops in a step."""
MASKS, PARTS = 48_000, 120
"""Masks that are drawn beforehand; those of a step are mirrored and transposed together."""
RATE, WARM_UP, DECAY = 5e-4, 300, 0.7
"""Learning rate, steps until it is full, and the last share of the time in which it falls."""
EMA = 0.998
"""Decay of the moving average of the weights."""
HELD_OUT = 64
"""Photos for validation, spaced evenly."""
WEIGHTS = {"l1": 30.0, "perceptual": 1.0, "adversarial": 0.7, "variety": 0.15}
"""Weights of the losses from the beginning. In the run of the model card, l1 was 20 and variety 1
for 1640 steps."""
LATER = {"l1": 12.0, "perceptual": 2.0, "adversarial": 0.7, "variety": 0.15}
"""Weights of the losses with `--start`: the colours are learnt, what classifiers see is not."""
NAMES = ("critic", *WEIGHTS)
"""Names of the losses that are printed."""


def draw_masks(seed: int) -> np.ndarray:
    """Return a part of the masks."""
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(seed)
    return holes.draw(MASKS // PARTS, (SIDE, SIDE), g).bool().numpy()


class Crops:
    """Random crops and masks on the GPU."""

    def __init__(self, path: Path, device: torch.device) -> None:
        with Pool() as pool:
            masks = np.concatenate(pool.map(draw_masks, range(PARTS), chunksize=1))
        self.device, self.masks = device, torch.from_numpy(masks).to(device)
        photos = PhotoSet(torch.from_numpy(np.load(path)), None)
        self.photos, self.held_out = (
            part.pictures.to(device) for part in split_photos(photos, HELD_OUT)
        )

    def _integers(self, high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, device=self.device)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return crops (n, 3, side, side) in [0, 1], and masks (n, 1, side, side)."""
        whole, quarter = self.photos.shape[-1], BATCH // 4
        photo = self._integers(len(self.photos), BATCH)
        span = torch.arange(SIDE, device=self.device)
        mirrored = self._integers(2, BATCH)[:, None] > 0
        columns = span + self._integers(whole - SIDE + 1, BATCH)[:, None]
        columns = torch.where(mirrored, columns.flip(1), columns)
        rows = span + self._integers(whole - SIDE + 1, BATCH)[:, None]
        channels = torch.arange(3, device=self.device)[None, :, None, None]
        place = photo[:, None, None, None], channels, rows[:, None, :, None], columns[:, None, None]
        crops = self.photos[place].float() / 255
        share = 0.6 + 0.3 * torch.rand(quarter, device=self.device)
        theta = torch.zeros(quarter, 2, 3, device=self.device)
        theta[:, 0, 0], theta[:, 1, 1] = share, share
        centre = 2 * torch.rand(quarter, 2, device=self.device) - 1
        theta[:, :, 2] = centre * (1 - share[:, None])
        grid = F.affine_grid(theta, [quarter, 3, SIDE, SIDE], align_corners=False)
        enlarged = F.grid_sample(
            self.photos[photo[:quarter]].float() / 255, grid, "bicubic", "reflection", False
        )
        masks = self.masks[self._integers(len(self.masks), BATCH)]
        flips = [axis for axis in (-1, -2) if torch.rand(()) < 0.5]
        masks = masks.flip(flips) if flips else masks
        masks = masks.transpose(-1, -2) if torch.rand(()) < 0.5 else masks
        return torch.cat([enlarged.clamp(0, 1), crops[quarter:]]), masks.float()


class Trainee:
    """A painter, its critics, their optimisers and the moving average."""

    def __init__(
        self, name: str, start: Path | None, perceptual: Perceptual, device: torch.device
    ) -> None:
        torch.manual_seed(0)
        self.name, self.perceptual, self.device = name, perceptual, device

        def made(network: torch.nn.Module) -> torch.nn.Module:
            return network.to(device, memory_format=torch.channels_last)

        self.painter, self.pixels = made(Painter(unet_of(name))), made(Critic())
        if start is not None:  # the U-net alone: a file may also hold the copied patches' network
            stored = load_file(start / f"{name}.safetensors")
            own = {key: stored[key] for key in self.painter.state_dict()}
            self.painter.load_state_dict(own)
        self.features = made(FeatureCritic(perceptual.widths))
        self.own = list(self.painter.parameters())
        self.critics = [*self.pixels.parameters(), *self.features.parameters()]
        self.average = [p.detach().clone() for p in self.own]
        self.rate, self.decay = (torch.tensor(0.0, device=device) for _ in range(2))
        self.losses = torch.zeros(len(NAMES), device=device)
        graphs = {"fused": True, "capturable": True} if device.type == "cuda" else {}
        self.optimizers = [
            torch.optim.AdamW(part, self.rate, ADAM_BETAS, weight_decay=decay, **graphs)
            for part, decay in ((self.own, 1e-4), (self.critics, 0.0))
        ]

    def autocast(self) -> torch.autocast:
        """Return the context in which networks run in bfloat16."""
        return torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False)

    def step(self, inputs: dict[str, Tensor], features: list[Tensor], weights: Tensor) -> None:
        """Train the critics, then the painter; nothing here waits for the GPU."""
        x, keep = inputs["x"], inputs["keep"]
        with self.autocast():
            result = self.painter.at_one_size(x, keep, inputs["noise"]).float()
            shown = result.clamp(0, 1)
            fake, seen = self.perceptual.features(cut(shown, inputs)), cut(keep, inputs)
            for p in self.critics:
                p.requires_grad_(True)
            detached = [part.detach() for part in fake]
            errors = [
                missing_mean(F.softplus(sign * scores.float()), mask)
                for sign, picture, maps in ((-1, x, features), (1, shown.detach(), detached))
                for scores, mask in self.scores(picture, keep, maps, seen)
            ]
            critic = 2 * torch.stack(errors).mean()
        self.descend(critic, 1, self.critics)
        for p in self.critics:
            p.requires_grad_(False)
        with self.autocast():
            distance = self.perceptual.feature_distance(fake, features)
            scores = self.scores(shown, keep, fake, seen)
            deceived = [missing_mean(F.softplus(-s.float()), mask) for s, mask in scores]
            last = slice(-(len(x) // 4), None)
            other = self.painter.at_one_size(x[last], keep[last], inputs["other"][last]).float()
            losses = [
                hole_error(result, x, keep), (distance / missing_root(keep)).mean(),
                torch.stack(deceived).mean(), variety(result[last], other, keep[last]),
            ]  # fmt: skip
            total = (torch.stack(losses) * weights).sum()
        self.descend(total, 0, self.own)
        with torch.no_grad():
            change = torch._foreach_sub([p.detach() for p in self.own], self.average)
            torch._foreach_mul_(change, 1 - self.decay)
            torch._foreach_add_(self.average, change)
            self.losses.copy_(torch.stack([critic.detach(), *(v.detach() for v in losses)]))

    def scores(
        self, pictures: Tensor, keep: Tensor, features: list[Tensor], seen: Tensor
    ) -> list[tuple[Tensor, Tensor]]:
        """Return the scores of all critics, each with the mask of what it saw."""
        maps = self.features(features, seen)
        return [(self.pixels(pictures, keep), keep), *((score, seen) for score in maps)]

    def descend(self, loss: Tensor, number: int, parameters: list[Tensor]) -> None:
        """Make a step with the gradient clipped to norm 1."""
        loss.backward()
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        torch._foreach_mul_(gradients, (1 / (norm + 1e-6)).clamp(max=1))
        self.optimizers[number].step()

    def averaged(self) -> Painter:
        """Return the painter with the moving average of the weights."""
        painter = Painter(unet_of(self.name)).to(self.device).eval()
        with torch.no_grad():
            for p, value in zip(painter.parameters(), self.average, strict=True):
                p.copy_(value)
        return painter


def unet_of(name: str) -> Size:
    """Return the size of a painter without copied patches, whose search cannot be captured."""
    return SIZES[name]._replace(copies=False)


def cut(x: Tensor, inputs: dict[str, Tensor]) -> Tensor:
    """Return the window of a step."""
    part = x.index_select(2, inputs["rows"]).index_select(3, inputs["columns"])
    return part.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def save(trainees: list[Trainee], crops: Crops, out: Path) -> dict[str, float]:
    """Write the weights; return the perceptual distance of held-out photos."""
    g, distances = torch.Generator().manual_seed(0), {}
    keep = holes.draw(len(crops.held_out), (SIDE, SIDE), g).to(crops.device)
    edge = (crops.photos.shape[-1] - SIDE) // 2
    x = crops.held_out[..., edge : edge + SIDE, edge : edge + SIDE].float() / 255
    for trainee in trainees:
        painter = trainee.averaged()
        noise = torch.randn(len(x), *painter.noise_shape((SIDE, SIDE)), generator=g).to(x)
        with trainee.autocast():
            distance = trainee.perceptual.distance(painter(x, keep, noise).clamp(0, 1), x)
        distances[trainee.name] = round(distance.mean().item(), 4)
        state = {k: v.half().cpu().contiguous() for k, v in painter.state_dict().items()}
        save_file(state, str(out / f"{trainee.name}.safetensors"))
    return distances


class Step:
    """A training step of all networks, captured on a GPU."""

    def __init__(
        self, crops: Crops, perceptual: Perceptual, sizes: list[str], start: Path | None
    ) -> None:
        device = crops.device
        self.crops, self.perceptual = crops, perceptual
        self.trainees = [Trainee(name, start, perceptual, device) for name in sizes]
        shape = self.trainees[0].painter.noise_shape((SIDE, SIDE))
        self.span = torch.arange(WINDOW, device=device)
        weights = WEIGHTS if start is None else LATER
        self.weights = torch.tensor(list(weights.values()), device=device)
        self.weights[-1] *= -1  # variety is a reward
        self.inputs = {
            "x": torch.zeros(BATCH, 3, SIDE, SIDE, device=device),
            "keep": torch.ones(BATCH, 1, SIDE, SIDE, device=device),
            "noise": torch.zeros(BATCH, *shape, device=device),
            "other": torch.zeros(BATCH, *shape, device=device),
            "rows": self.span.clone(),
            "columns": self.span.clone(),
        }
        self.graph = self._captured() if device.type == "cuda" else None

    def __call__(self, rate: float, decay: float) -> None:
        """Draw crops and make a step."""
        self._load()
        for trainee in self.trainees:
            trainee.rate.fill_(rate)
            trainee.decay.fill_(decay)
        if self.graph is None:
            self._step_and_forget()
        else:
            self.graph.replay()

    def _load(self) -> None:
        inputs = self.inputs
        for name, part in zip(("x", "keep"), self.crops.draw(), strict=True):
            inputs[name].copy_(part)
        for name in ("noise", "other"):
            inputs[name].normal_()
        for name in ("rows", "columns"):
            inputs[name].copy_(self.span + int(torch.randint(SIDE - WINDOW + 1, ())))

    def _step(self) -> None:
        with torch.no_grad(), self.trainees[0].autocast():
            features = self.perceptual.features(cut(self.inputs["x"], self.inputs))
        for trainee in self.trainees:
            trainee.step(self.inputs, features, self.weights)

    def _step_and_forget(self) -> None:
        self._step()
        for trainee in self.trainees:
            for optimizer in trainee.optimizers:
                optimizer.zero_grad(set_to_none=True)

    def _captured(self) -> torch.cuda.CUDAGraph:
        self._load()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self._step_and_forget()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step()
        return graph


def main() -> None:
    """Train for a given time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trunk", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=515)
    parser.add_argument(
        "--start",
        type=Path,
        help="folder with small.safetensors and large.safetensors, to continue from",
    )
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--out", type=Path, default=Path("painter-gpu"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    perceptual = Perceptual.load(options.trunk).to(device, memory_format=torch.channels_last)
    perceptual.blocks.bfloat16()
    step = Step(Crops(options.data, device), perceptual, options.sizes, options.start)
    start, number = time.monotonic(), 0
    while (elapsed := time.monotonic() - start) < options.seconds:
        warm = min(1.0, (number + 1) / WARM_UP)
        rate = options.rate * warm * min(1.0, (1 - elapsed / options.seconds) / DECAY)
        step(rate, min(EMA, (number + 1) / (number + 10)))
        number += 1
        if number % 250 == 0:
            for trainee in step.trainees:
                losses = dict(zip(NAMES, trainee.losses.tolist(), strict=True))
                print(number, round(elapsed), trainee.name, json.dumps(losses), flush=True)
        elif number % 8 == 0 and device.type == "cuda":
            torch.cuda.synchronize()  # the time is that of the GPU
    distances = save(step.trainees, step.crops, options.out)
    print(number, "validation", json.dumps(distances), flush=True)


if __name__ == "__main__":
    main()
