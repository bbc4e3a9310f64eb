"""What all trainings of mask networks have in common: photos in, checkpoints and weights out."""

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader

from unsee import loading
from unsee.classifier import Classifier
from unsee.errors import InputError
from unsee.networks.stages import Stages
from unsee.training.crops import Crops, Numbers, middles
from unsee.training.photos import Labelled, gathered
from unsee.types import Targets

SHOWN = 12
"""Photos in a picture."""


@dataclass(frozen=True)
class MaskTraining:
    """Settings of every mask network's training."""

    data: tuple[str, ...] = ()
    """Folders and zip files of photos, or data sets as `unsee evaluate` takes them."""
    out: Path = Path("unsee-training")
    """Folder for checkpoints and weights; a run in it is continued."""
    classifier: str = loading.DEFAULT
    """Which is explained; a torch module."""
    labels: Literal["predicted", "data"] = "predicted"
    """Classes: what the classifier says, or those of a labelled data set."""
    classes: str = ""
    """Only photos of these classes, as 0-49,120, where they are labelled; by default of all."""
    steps: int = 20_000
    """Steps in all."""
    batch: int = 32
    """Photos per step, of all processes together."""
    keep: int = 256
    """Side at which photos are kept in memory."""
    held_out: int = 64
    """Photos that are not trained on: for pictures, and to choose the best weights."""
    seed: int = 0
    """Of photos, noise and weights."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision."""
    workers: int = 2
    """Processes that cut crops."""
    save_every: int = 500
    """Steps between checkpoints, with a picture and a look at held-out photos."""
    minutes: float = 0
    """Stop after so long with a checkpoint; 0 goes on to the end."""


class Batch(NamedTuple):
    """Photos of a step, or held-out ones."""

    pixels: Float[Tensor, "n c h w"]
    targets: Targets | None
    """Labelled classes; None asks the classifier."""
    first: int
    """Number of the first photo of this process in the step: noise belongs to photos."""
    total: int
    """Photos of all processes."""


class Game(ABC):
    """What is trained and by which rule. `loop.run` does the rest."""

    file: ClassVar[str]
    """Name of the weights."""
    fixed: ClassVar[tuple[str, ...]] = ("classifier", "labels", "batch", "seed", "steps")
    """Settings that a run keeps when it is continued."""
    given: Classifier
    past: list[dict[str, Tensor]]
    """What else a checkpoint must hold: networks as they were."""

    @abstractmethod
    def states(self) -> dict[str, Any]:
        """Networks and optimisers: whatever has a `state_dict`."""

    @abstractmethod
    def move(self, step: int, batch: Batch) -> dict[str, float]:
        """One step; the losses, to be watched."""

    @abstractmethod
    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and words for the file of weights."""

    @abstractmethod
    def maps(self, batch: Batch) -> Float[Tensor, "n h w"]:
        """For the picture."""

    def shortcoming(self, batch: Batch) -> float | None:
        """Loss on held-out photos; None where the last weights are the best."""
        return None


def run(chosen: MaskTraining, make: Callable[[Any, Any], Game]) -> Iterator[dict[str, float]]:
    """Train to the end, or for so many minutes; yields the losses of each step.

    Raises `InputError` where a loss is not finite; the last checkpoint stays.
    """
    if not chosen.data:
        raise InputError("expected data: folders or zip files of photos")
    accelerator = accelerator_of(chosen.out, chosen.precision)
    if chosen.batch % accelerator.num_processes:
        raise InputError(
            f"expected a batch that {accelerator.num_processes} processes can share, got "
            f"{chosen.batch}"
        )
    accelerator.init_trackers("training")
    game = make(chosen, accelerator)
    step, best = _resume(chosen, game)
    photos = gathered(
        chosen.data, chosen.keep, labelled=chosen.labels == "data", classes=chosen.classes
    )
    kept, held = _split(photos, chosen.held_out)
    size = game.given.framing.size[0]
    judge = Batch(middles(held.pictures, size), held.targets, 0, len(held.pictures))
    began, share = time.monotonic(), chosen.batch // accelerator.num_processes
    first = share * accelerator.process_index
    for pixels, which in _loader(chosen, kept, size, step, first, share):
        if step >= chosen.steps:
            break
        targets = None if kept.targets is None else kept.targets[which]
        batch = Batch(pixels, targets, first, chosen.batch)
        losses = game.move(step, _on(batch, accelerator.device))
        step += 1
        check_finite(losses, step)
        accelerator.log(losses, step)
        yield losses | {"step": step}
        late = _late(chosen, accelerator, began)
        if step == chosen.steps or late or step % chosen.save_every == 0:
            best = _save(chosen, accelerator, game, step, best, _on(judge, accelerator.device))
        if late:
            break
    accelerator.end_training()


def check_finite(losses: dict[str, float], step: int) -> None:
    """Stop a training that diverges."""
    if not all(map(math.isfinite, losses.values())):
        raise InputError(
            f"step {step}: the loss is not finite ({losses}); the last checkpoint stays"
        )


def accelerator_of(out: Path, precision: str) -> Any:
    """Accelerate's, with TensorBoard's log where that is installed."""
    from accelerate import Accelerator
    from accelerate.utils import ProjectConfiguration

    logged = None
    with suppress(ImportError):
        import tensorboard  # noqa: F401

        logged = ["tensorboard"]
    out.mkdir(parents=True, exist_ok=True)
    return Accelerator(
        mixed_precision=precision,
        log_with=logged,
        project_config=ProjectConfiguration(str(out), logging_dir=str(out / "log")),
    )


def descend(accelerator: Any, optimiser: Any, network: nn.Module, loss: Any, clip: float) -> None:
    """A step with the mean gradient of all processes, its norm clipped."""
    optimiser.zero_grad()
    accelerator.backward(loss)
    if accelerator.num_processes > 1:
        for p in network.parameters():
            if p.grad is not None:
                p.grad = accelerator.reduce(p.grad, "mean")
    accelerator.clip_grad_norm_(network.parameters(), clip)
    optimiser.step()


def given(chosen: MaskTraining, accelerator: Any) -> Classifier:
    """The classifier that is explained, where the training runs."""
    found = loading.load(chosen.classifier, device=accelerator.device)
    return replace(found, name=found.name or chosen.classifier)


def stages_of(classifier: Classifier, what: str) -> tuple[Stages, list[int]]:
    """Where a decoder reads the classifier's feature maps, and their channels.

    Raises `InputError` for a black box, and for a network without such maps.
    """
    network = network_of(classifier, f"{what} reads feature maps; it")
    size = classifier.framing.size
    return Stages.of(network, torch.zeros(1, classifier.channels, *size, device=classifier.device))


def network_of(given: Classifier, what: str) -> nn.Module:
    """The classifier's, or a clear word where it is a function."""
    if not isinstance(given.model, nn.Module):
        raise InputError(f"{what} needs a torch module, not a black box")
    return given.model


def _split(photos: Labelled, held_out: int) -> tuple[Labelled, Labelled]:
    """To train on, and to look at: the first ones, a fifth at most."""
    count = len(photos.pictures)
    held = min(held_out, count // 5) or 1
    return photos.part(slice(held if count > 1 else 0, None)), photos.part(slice(0, held))


def _loader(
    chosen: MaskTraining, photos: Labelled, size: int, step: int, first: int, share: int
) -> DataLoader[Any]:
    crops = Crops(photos.pictures, size, chosen.seed)
    numbers = Numbers(step, chosen.batch, first, share)
    return DataLoader(crops, share, sampler=numbers, num_workers=chosen.workers)


def _on(batch: Batch, device: torch.device) -> Batch:
    targets = None if batch.targets is None else batch.targets.to(device)
    return batch._replace(pixels=batch.pixels.to(device), targets=targets)


def _late(chosen: MaskTraining, accelerator: Any, began: float) -> bool:
    """Whether the time is over, for all processes as soon as for one."""
    if not chosen.minutes:
        return False
    late = time.monotonic() - began > 60 * chosen.minutes
    mine = torch.tensor([float(late)], device=accelerator.device)
    return bool(accelerator.gather(mine).any())


def _resume(chosen: MaskTraining, game: Game) -> tuple[int, float]:
    """The step that a run in this folder has come to, and its best loss."""
    path = chosen.out / "checkpoint.pt"
    if not path.exists():
        return 0, math.inf
    stored = torch.load(path, "cpu", weights_only=True)
    check_same(json.loads(stored["settings"]), chosen, game.fixed)
    for name, part in game.states().items():
        part.load_state_dict(stored["states"][name])
    game.past = stored["past"]
    return int(stored["step"]), float(stored["best"])


def plain(chosen: Any) -> dict[str, Any]:
    """Settings of a training as JSON would bring them back."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(chosen), default=str))
    return found


def check_same(before: dict[str, Any], chosen: Any, names: Sequence[str]) -> None:
    """Refuse to go on with a run whose settings were others."""
    now = plain(chosen)
    for name in names:
        if before[name] != now[name]:
            raise InputError(
                f"{chosen.out}: a run with {name} = {before[name]} is there, got {now[name]}; "
                "choose another --out"
            )


def _save(
    chosen: MaskTraining, accelerator: Any, game: Game, step: int, best: float, judge: Batch
) -> float:
    """The whole game, the weights if they are the best, and a picture; complete or not at all."""
    with torch.no_grad():
        found = game.shortcoming(judge)
    if found is not None:
        accelerator.log({"held out": found}, step)
    better = found is None or found < best
    best = best if found is None else min(best, found)
    if not accelerator.is_main_process:
        return best
    from safetensors.torch import save_file

    settings = json.dumps(plain(chosen))
    states = {name: part.state_dict() for name, part in game.states().items()}
    new = chosen.out / "checkpoint.new"
    stored = {"states": states, "past": game.past, "step": step, "best": best}
    torch.save({**stored, "settings": settings}, new)
    if better:
        tensors, about = game.weights()
        part = chosen.out / f"{game.file}.part"
        save_file({k: v.contiguous() for k, v in tensors.items()}, part, about | {"run": settings})
        part.replace(chosen.out / game.file)
    new.replace(chosen.out / "checkpoint.pt")
    _picture(chosen, game, step, judge)
    return best


def _picture(chosen: MaskTraining, game: Game, step: int, judge: Batch) -> None:
    """Held-out photos and their maps."""
    from unsee.pictures import overview

    some = None if judge.targets is None else judge.targets[:SHOWN]
    few = judge._replace(pixels=judge.pixels[:SHOWN], targets=some)
    with torch.no_grad():
        maps = game.maps(few).float().cpu()
    names = [str(number) for number in range(len(maps))]
    overview(few.pixels.cpu(), maps, names).savefig(chosen.out / f"step-{step:06d}.png", dpi=60)
