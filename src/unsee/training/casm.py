"""Training of CASM: a mask that no classifier sees through, by two players in turn."""

import copy
import json
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.utils.data import DataLoader, SequentialSampler

from unsee import loading
from unsee.classifier import Classifier, unwrapped
from unsee.errors import InputError
from unsee.networks.mask_decoder import MaskDecoder
from unsee.networks.stages import Stages, find
from unsee.training.crops import Crops
from unsee.training.photos import squares

Strategy = Literal["F", "L", "FL", "L100", "L1000"]
AREA: dict[str, float] = {"F": 2.5, "L": 14.0, "FL": 7.5, "L100": 10.0, "L1000": 10.0}
"""The paper's weight of the area, with which about half of the pixels are kept."""
FIXED = ("classifier", "strategy", "objective", "shared", "batch", "width", "seed", "steps")
"""Settings that a run keeps when it is continued."""
MEMORY = 30
"""Classifiers that are remembered at most; a random one makes room."""


@dataclass(frozen=True)
class CasmTraining:
    """Train a classifier-agnostic saliency map (Zolna, Geras & Cho 2018; extra: train).

    In turn, the classifier learns to see through masked-out images and the decoder to mask out what
    it sees. Labels are what the classifier says before it is trained. A run goes on from where its
    folder left off.
    """

    data: tuple[str, ...] = ()
    """Folders and zip files of photos."""
    out: Path = Path("unsee-casm")
    """Folder for checkpoints and weights; a run in it is continued."""
    classifier: str = loading.DEFAULT
    """Whose feature maps are read; a torch module."""
    strategy: Strategy = "L100"
    """Thinning, the classifiers from which the mask must hide the object: the first (F, a
    baseline), the last (L), either (FL), or one remembered every 100 or 1000 steps."""
    objective: Literal["entropy", "classification"] = "entropy"
    """What masked-out images should have: any answer alike, or not this class."""
    shared: bool = True
    """Read the feature maps of the classifier that is trained, or of the one that was given."""
    area: float = -1.0
    """Weight of the mask's mean; below 0 the paper's for the strategy."""
    past: float = 0.5
    """Chance to ask a remembered classifier instead of the last one."""
    steps: int = 20_000
    """Steps in all."""
    batch: int = 32
    """Photos per step."""
    keep: int = 256
    """Side at which photos are kept in memory."""
    rate: float = 1e-3
    """Of the classifier: SGD with momentum 0.9."""
    mask_rate: float = 1e-3
    """Of the decoder: Adam."""
    fade: int = 3
    """How often both rates fall to a tenth, evenly over the steps."""
    width: int = 64
    """Channels to which the decoder narrows feature maps."""
    seed: int = 0
    """Of photos and of remembered classifiers."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision."""
    workers: int = 2
    """Processes that cut crops."""
    save_every: int = 500
    """Steps between checkpoints."""
    minutes: float = 0
    """Stop after so long with a checkpoint; 0 goes on to the end."""


@dataclass(eq=False)
class _Game:
    """Both players, the first classifier, and those that are remembered."""

    given: Classifier
    network: nn.Module
    decoder: MaskDecoder
    stages: list[str]
    see: torch.optim.Optimizer
    hide: torch.optim.Optimizer
    remembered: list[dict[str, Tensor]] = field(default_factory=list)


def train(chosen: CasmTraining) -> Iterator[dict[str, float]]:
    """Train to the end, or for so many minutes; yields the losses of each step.

    Raises `InputError` where a loss is not finite; the last checkpoint stays.
    """
    if not chosen.data:
        raise InputError("expected data: folders or zip files of photos")
    from accelerate import Accelerator

    accelerator = Accelerator(mixed_precision=chosen.precision)
    chosen.out.mkdir(parents=True, exist_ok=True)
    game = _game(chosen, accelerator)
    step = _resume(chosen, game)
    size = game.given.framing.size[0]
    crops = Crops(squares(chosen.data, chosen.keep), size, chosen.seed, step * chosen.batch)
    loader = DataLoader(
        crops, chosen.batch, sampler=SequentialSampler(crops), num_workers=chosen.workers
    )
    began = time.monotonic()
    for x in loader:
        if step >= chosen.steps:
            break
        losses = _step(chosen, accelerator, game, step, x.to(accelerator.device))
        step += 1
        if not all(map(math.isfinite, losses.values())):
            raise InputError(
                f"step {step}: the loss is not finite ({losses}); the last checkpoint stays"
            )
        yield losses | {"step": step}
        late = bool(chosen.minutes) and time.monotonic() - began > 60 * chosen.minutes
        if step == chosen.steps or late or step % chosen.save_every == 0:
            _save(chosen, game, step)
        if late:
            break


def _game(chosen: CasmTraining, accelerator: Any) -> _Game:
    given = loading.load(chosen.classifier, device=accelerator.device)
    if not isinstance(given.model, nn.Module):
        raise InputError("CASM reads feature maps; it needs a torch module, not a black box")
    torch.manual_seed(chosen.seed)
    size = given.framing.size
    x = torch.zeros(1, given.channels, *size, device=accelerator.device)
    stages = find(given.model, x)
    network = copy.deepcopy(given.model).requires_grad_(True)
    _, features = Stages(given.model, stages)(x)
    decoder = MaskDecoder([f.shape[1] for f in features], chosen.width).to(accelerator.device)
    see = torch.optim.SGD(network.parameters(), chosen.rate, momentum=0.9, weight_decay=1e-4)
    hide = torch.optim.Adam(decoder.parameters(), chosen.mask_rate, weight_decay=1e-4)
    return _Game(given, network.eval(), decoder.train(), stages, see, hide)


def _step(
    chosen: CasmTraining, accelerator: Any, game: _Game, step: int, pixels: Tensor
) -> dict[str, float]:
    """Both moves: the classifier's, on clean and masked-out images, then the decoder's."""
    _set_rates(chosen, game, step)
    x = game.given.normalise(pixels)
    with torch.no_grad():
        labels = _logits(game.given.model, x).argmax(1)
    with accelerator.autocast():
        mask, right = _mask(chosen, game, x, labels)
    losses = {}
    if chosen.strategy != "F":
        losses["classifier"] = _see(accelerator, game, x, x * (1 - mask.detach()), labels)
    judge = _judge(chosen, game, step)
    with accelerator.autocast():
        hidden = _logits(judge, x * (1 - mask))
        evidence, paid = _shortcomings(chosen, hidden, mask, labels, right)
    weight = chosen.area if chosen.area >= 0 else AREA[chosen.strategy]
    _move(accelerator, game.hide, game.decoder, evidence + weight * paid)
    _remember(chosen, game, step)
    return losses | {
        "evidence": float(evidence.detach()),
        "area": float(mask.detach().mean()),
        "right": float(right.float().mean()),
    }


def _mask(
    chosen: CasmTraining, game: _Game, x: Tensor, labels: Int[Tensor, " n"]
) -> tuple[Float[Tensor, "n 1 h w"], Bool[Tensor, " n"]]:
    """The decoder's mask from features that pass no gradient, and who is right when clean."""
    reader: Any = game.network if chosen.shared else game.given.model
    with torch.no_grad():
        answer, features = Stages(reader, game.stages)(x)
    logits = unwrapped(answer)
    mask = game.decoder([f.detach() for f in features], (x.shape[-2], x.shape[-1]))
    return mask, logits.argmax(1) == labels


def _see(accelerator: Any, game: _Game, x: Tensor, hidden: Tensor, labels: Tensor) -> float:
    """The classifier's move. Statistics of batch norms stay: masked images would pollute them."""
    with accelerator.autocast():
        logits = _logits(game.network, torch.cat([x, hidden]))
        loss = F.cross_entropy(logits.float(), labels.repeat(2))
    _move(accelerator, game.see, game.network, loss)
    return float(loss.detach())


def _shortcomings(
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


def _judge(chosen: CasmTraining, game: _Game, step: int) -> nn.Module:
    """The classifier from which the mask must hide, by the strategy of thinning."""
    first: Any = game.given.model
    if chosen.strategy == "F":
        return first
    g = torch.Generator().manual_seed(chosen.seed * 101 + step)
    if chosen.strategy == "L" or torch.rand(1, generator=g).item() >= chosen.past:
        return game.network
    if chosen.strategy == "FL" or not game.remembered:
        return first
    which = int(torch.randint(len(game.remembered), (1,), generator=g))
    past = copy.deepcopy(game.network).requires_grad_(False)
    past.load_state_dict(game.remembered[which])
    return past


def _remember(chosen: CasmTraining, game: _Game, step: int) -> None:
    """Keep a copy of the classifier's weights, not a view of them."""
    every = {"L100": 100, "L1000": 1000}.get(chosen.strategy, 0)
    if not every or step % every:
        return
    state = {key: value.detach().clone().cpu() for key, value in game.network.state_dict().items()}
    if len(game.remembered) < MEMORY:
        game.remembered.append(state)
    else:
        g = torch.Generator().manual_seed(chosen.seed * 103 + step)
        game.remembered[int(torch.randint(MEMORY, (1,), generator=g))] = state


def _logits(network: Any, x: Tensor) -> Tensor:
    found: Tensor = unwrapped(network(x))
    return found


def _set_rates(chosen: CasmTraining, game: _Game, step: int) -> None:
    falls = min(chosen.fade, step * (chosen.fade + 1) // max(chosen.steps, 1))
    for optimiser, full in ((game.see, chosen.rate), (game.hide, chosen.mask_rate)):
        for group in optimiser.param_groups:
            group["lr"] = full * 0.1**falls


def _move(accelerator: Any, optimiser: Any, network: nn.Module, loss: Any) -> None:
    optimiser.zero_grad()
    accelerator.backward(loss)
    torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimiser.step()


def _resume(chosen: CasmTraining, game: _Game) -> int:
    """The step that a run in this folder has come to."""
    path = chosen.out / "checkpoint.pt"
    if not path.exists():
        return 0
    stored = torch.load(path, "cpu", weights_only=True)
    settings = json.loads(stored["settings"])
    for name in (
        "classifier",
        "strategy",
        "objective",
        "shared",
        "batch",
        "width",
        "seed",
        "steps",
    ):
        if settings[name] != getattr(chosen, name):
            raise InputError(
                f"{chosen.out}: a run with {name} = {settings[name]} is there, got "
                f"{getattr(chosen, name)}; choose another --out"
            )
    for name in ("network", "decoder", "see", "hide"):
        getattr(game, name).load_state_dict(stored[name])
    game.remembered = stored["remembered"]
    return int(stored["step"])


def _save(chosen: CasmTraining, game: _Game, step: int) -> None:
    """The whole game, and the weights; each complete before it takes the place of the old."""
    from safetensors.torch import save_file

    plain = {name: str(v) if isinstance(v, Path) else v for name, v in asdict(chosen).items()}
    settings = json.dumps(plain)
    new = chosen.out / "checkpoint.new"
    states = {
        name: getattr(game, name).state_dict() for name in ("network", "decoder", "see", "hide")
    }
    torch.save({**states, "remembered": game.remembered, "step": step, "settings": settings}, new)
    new.replace(chosen.out / "checkpoint.pt")
    part = chosen.out / "casm.part"
    about = {
        "classifier": game.given.name,
        "stages": json.dumps(game.stages),
        "channels": json.dumps(game.decoder.channels),
        "width": str(chosen.width),
        "shared": str(chosen.shared),
        "run": settings,
    }
    weights = {f"decoder.{k}": v.contiguous() for k, v in game.decoder.state_dict().items()}
    if chosen.shared:
        network = game.network.state_dict()
        weights |= {f"network.{k}": v.contiguous() for k, v in network.items()}
    save_file(weights, part, about)
    shutil.move(part, chosen.out / "casm.safetensors")
