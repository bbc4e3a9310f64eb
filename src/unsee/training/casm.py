"""Training of CASM: a mask that no classifier sees through, by two players in turn."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from unsee.classifiers.passes import unwrapped
from unsee.errors import InputError
from unsee.networks.mask_decoder import MaskDecoder
from unsee.networks.stages import FeatureExtractor
from unsee.training import mask_task, trainer
from unsee.training.mask_task import MaskGame, MaskTraining
from unsee.training.task import Batch

Strategy = Literal["F", "L", "FL", "L100", "L1000"]
AREA: dict[str, float] = {"F": 2.5, "L": 14.0, "FL": 7.5, "L100": 10.0, "L1000": 10.0}
"""The paper's weight of the area, with which about half of the pixels are kept."""
MEMORY = 30
"""Classifiers that are remembered at most; a random one makes room."""
PACE = 0.02
"""How fast the weight of the area grows, in its logarithm, with what a mask covers too much. Masks
follow late: five times as fast the weight overshot, and they were gone for good."""
FREE = 1.0
"""And how far."""
CLIP = 10.0
"""Norm of the gradient."""


@dataclass(frozen=True)
class CasmTraining(MaskTraining):
    """Train a classifier-agnostic saliency map (Zolna, Geras & Cho 2018; extra: train).

    In turn, the classifier learns to see through masked-out images and the decoder to mask out what
    it sees. A run goes on from where its folder left off.
    """

    strategy: Strategy = "L100"
    """Thinning, the classifiers from which the mask must hide the object: the first (F, a
    baseline), the last (L), either (FL), or one remembered every 100 or 1000 steps."""
    objective: Literal["entropy", "classification"] = "entropy"
    """What masked-out images should have: any answer alike, or not this class."""
    shared: bool = True
    """Read the feature maps of the classifier that is trained, or of the one that was given."""
    area: float = -1.0
    """Weight of the mask's mean; below 0 the paper's for the strategy."""
    area_rise: int = 0
    """Steps over which that weight grows evenly from nothing: hide first, then little."""
    volume: float = 0.0
    """Share of the pixels that masks should cover: the weight moves until they do, and strategies
    can be compared (the paper chose weights with which it is about half); at 0 it stays."""
    past: float = 0.5
    """Chance to ask a remembered classifier instead of the last one."""
    rate: float = 1e-3
    """Of the classifier: SGD with momentum 0.9."""
    mask_rate: float = 1e-3
    """Of the decoder: Adam."""
    fade: int = 3
    """How often both rates fall to a tenth, evenly over the steps."""
    every: int = 0
    """Steps between the copies that L100 and L1000 remember; 0 takes the 100 or 1000 of the paper,
    whose trainings have 140 000 steps."""
    width: int = 64
    """Channels to which the decoder narrows feature maps."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.volume < 1:
            raise InputError(f"expected a volume in [0, 1), got {self.volume}")

    def area_weight(self, step: int) -> float:
        """What the area counts in a step, the first of which is 0."""
        full = self.area if self.area >= 0 else AREA[self.strategy]
        return full * min(1.0, (step + 1) / self.area_rise) if self.area_rise > 0 else full


def train(chosen: CasmTraining) -> Iterator[dict[str, float]]:
    """Train to the end, or for so many minutes; yields the losses of each step.

    Raises `InputError` where a loss is not finite; the last checkpoint stays.
    """
    yield from trainer.run(chosen, CasmGame)


class CasmGame(MaskGame):
    """Both players, the first classifier, and those that are remembered."""

    chosen: CasmTraining
    file: ClassVar[str] = "casm.safetensors"
    fixed: ClassVar[tuple[str, ...]] = (*MaskGame.fixed, "strategy", "objective", "shared", "width")

    def __init__(self, chosen: CasmTraining, accelerator: Any) -> None:
        self.chosen, self.accelerator = chosen, accelerator
        self.given = given = mask_task.given(chosen, accelerator)
        torch.manual_seed(chosen.seed)
        stages, channels = mask_task.stages_of(given, "CASM")
        self.stages = stages.names
        self.network = copy.deepcopy(stages.network).requires_grad_(True).eval()
        decoder = MaskDecoder(channels, chosen.width)
        self.decoder = decoder.to(accelerator.device).train()
        see = torch.optim.SGD(
            self.network.parameters(), chosen.rate, momentum=0.9, weight_decay=1e-4
        )
        hide = torch.optim.Adam(self.decoder.parameters(), chosen.mask_rate, weight_decay=1e-4)
        self.see, self.hide = (accelerator.prepare_optimizer(one) for one in (see, hide))
        self.past: list[dict[str, Tensor]] = []
        self.balance = Balance().to(accelerator.device)
        self.neutral = mask_task.neutral(given)

    def states(self) -> dict[str, Any]:
        """Both players and their optimisers."""
        return {
            "network": self.network, "decoder": self.decoder, "see": self.see, "hide": self.hide,
            "balance": self.balance,
        }  # fmt: skip

    def move(self, step: int, batch: Batch) -> dict[str, float]:
        """Both moves: the classifier's, on clean and masked-out images, then the decoder's."""
        chosen = self.chosen
        self._set_rates(step)
        x = self.given.normalise(batch.pixels)
        x = x.contiguous(memory_format=torch.channels_last)
        with self.accelerator.autocast():
            mask, seen = self._mask(x)
        labels = self._labels(batch, x, seen)
        right, hidden = seen.argmax(1) == labels, torch.lerp(x, self.neutral.expand_as(x), mask)
        losses = {}
        if chosen.strategy != "F":
            losses["classifier"], clean = self._see(x, hidden.detach(), labels)
            right = clean.argmax(1) == labels
        judge = self._judge(step)
        with self.accelerator.autocast():
            hidden = _logits(judge, hidden)
            evidence, paid = shortcomings(chosen, hidden, mask, labels, right)
        loss = evidence + chosen.area_weight(step) * self.balance.log.exp() * paid
        trainer.descend(self.accelerator, self.hide, self.decoder, loss, CLIP)
        self._keep_copy(step)
        area = self.accelerator.reduce(mask.detach().float().mean(), "mean")
        if chosen.volume:
            self.balance.move(PACE * (area - chosen.volume))
        return losses | {
            "evidence": float(evidence.detach()),
            "area": float(area),
            "right": float(right.float().mean()),
        }

    def maps(self, batch: Batch) -> Float[Tensor, "n h w"]:
        """Masks, with the running moments."""
        x = self.given.normalise(batch.pixels)
        self.decoder.eval()
        mask, _ = self._mask(x)
        self.decoder.train()
        return mask[:, 0]

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The decoder's, and the classifier's where it was trained along, in half precision."""
        tensors = {f"decoder.{k}": v for k, v in self.decoder.state_dict().items()}
        if self.chosen.shared:
            tensors |= {f"network.{k}": v for k, v in self.network.state_dict().items()}
        return mask_task.halves(tensors), {
            "classifier": self.given.name,
            "stages": json.dumps(self.stages),
            "channels": json.dumps(self.decoder.channels),
            "width": str(self.chosen.width),
            "shared": str(self.chosen.shared),
        }

    def _labels(self, batch: Batch, x: Tensor, seen: Tensor) -> Int[Tensor, " n"]:
        """Those of the data, or what the given classifier says to the clean image."""
        if batch.targets is not None:
            return batch.targets
        if not self.chosen.shared:
            return seen.argmax(1)
        with torch.no_grad():
            return _logits(self.given.model, x).argmax(1)

    def _mask(self, x: Tensor) -> tuple[Float[Tensor, "n 1 h w"], Float[Tensor, "n _classes"]]:
        """The decoder's mask from features that pass no gradient, and what their network says."""
        reader: Any = self.network if self.chosen.shared else self.given.model
        with torch.no_grad():
            answer, features = FeatureExtractor(reader, self.stages)(x)
        mask = self.decoder([f.detach() for f in features], (x.shape[-2], x.shape[-1]))
        return mask, unwrapped(answer)

    def _see(self, x: Tensor, hidden: Tensor, labels: Tensor) -> tuple[float, Tensor]:
        """The classifier's move, and what it said to clean images before. Statistics of batch
        norms stay: masked images would pollute them."""
        self.network.requires_grad_(True)
        with self.accelerator.autocast():
            logits = _logits(self.network, torch.cat([x, hidden]))
            loss = F.cross_entropy(logits.float(), labels.repeat(2))
        trainer.descend(self.accelerator, self.see, self.network, loss, CLIP)
        self.network.requires_grad_(False)  # the decoder's move needs no gradient of them
        return float(loss.detach()), logits.detach().chunk(2)[0]

    def _judge(self, step: int) -> nn.Module:
        """The classifier from which the mask must hide, by the strategy of thinning."""
        chosen = self.chosen
        first: Any = self.given.model
        if chosen.strategy == "F":
            return first
        g = torch.Generator().manual_seed(chosen.seed * 101 + step)
        if chosen.strategy == "L" or torch.rand(1, generator=g).item() >= chosen.past:
            return self.network
        if chosen.strategy == "FL" or not self.past:
            return first
        which = int(torch.randint(len(self.past), (1,), generator=g))
        past = copy.deepcopy(self.network).requires_grad_(False)
        past.load_state_dict(self.past[which])
        return past

    def _keep_copy(self, step: int) -> None:
        """Keep a copy of the classifier's weights, not a view of them."""
        every = {"L100": 100, "L1000": 1000}.get(self.chosen.strategy, 0)
        every = every and (self.chosen.every or every)
        if not every or step % every:
            return
        own = self.network.state_dict()
        state = {key: value.detach().clone().cpu() for key, value in own.items()}
        if len(self.past) < MEMORY:
            self.past.append(state)
        else:
            g = torch.Generator().manual_seed(self.chosen.seed * 103 + step)
            self.past[int(torch.randint(MEMORY, (1,), generator=g))] = state

    def _set_rates(self, step: int) -> None:
        chosen = self.chosen
        falls = min(chosen.fade, step * (chosen.fade + 1) // max(chosen.steps, 1))
        for optimiser, full in ((self.see, chosen.rate), (self.hide, chosen.mask_rate)):
            for group in optimiser.param_groups:
                group["lr"] = full * 0.1**falls


class Balance(nn.Module):
    """What the weight of the area is multiplied by, in its logarithm; a part of checkpoints."""

    log: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("log", torch.zeros(()))

    def move(self, by: Tensor) -> None:
        """Up where masks cover too much."""
        self.log = (self.log + by).clamp(-FREE, FREE)


def shortcomings(
    chosen: CasmTraining, hidden: Tensor, mask: Tensor, labels: Tensor, right: Tensor
) -> tuple[Tensor, Tensor]:
    """What masked-out images still show, of those seen when clean; the area of those not seen."""
    logs = hidden.float().log_softmax(1)
    if chosen.objective == "entropy":
        shown = (logs.exp() * logs).sum(1)  # minus the entropy
    else:
        shown = logs.gather(1, labels[:, None])[:, 0]  # minus the cross-entropy
    fooled = right & (hidden.argmax(1) != labels)
    area = mask.mean((1, 2, 3))
    return (shown * right).mean(), (area * fooled).mean()


def _logits(network: Any, x: Tensor) -> Tensor:
    found: Tensor = unwrapped(network(x))
    return found
