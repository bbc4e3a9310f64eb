"""The Python code and the command that repeat an explanation."""

import shlex
from dataclasses import dataclass
from typing import Any

from unsee.classifiers import loading
from unsee.parts import resolve_parts
from unsee.registry import trust_of
from unsee.study import DEFAULT_METHOD
from unsee.types import Size


def averages_scores(method: str) -> bool:
    """Return whether a method averages many scores: `--precision auto` may use bfloat16 for it."""
    return resolve_parts(method).method.traits.allows_half_precision


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a user chose to explain a photo; None stands for a default.

    The fields are the options of `unsee explain`, with their defaults.
    """

    photo: str
    classifier: str = loading.DEFAULT
    method: str = DEFAULT_METHOD
    infiller: str | None = None
    measure: str | None = None
    cells: str | None = None
    target: str | None = None
    contrast: str | None = None
    seed: int = 0
    repeats: int = 1
    budget: str | None = None
    size: Size | None = None
    fit: str | None = None
    precision: str = "auto"
    deterministic: bool = False
    device: str | None = None
    trust: bool = False
    top: float | None = None
    picture_infiller: str | None = None
    ended_early: tuple[int, int] | None = None
    """Finished and planned units of work where the run was stopped, which a call cannot repeat."""

    def shell(self) -> str:
        """Return the command line."""
        options = {
            "--classifier": None if self.classifier == loading.DEFAULT else self.classifier,
            "--method": None if self.method == DEFAULT_METHOD else self.method,
            "--infiller": self.infiller,
            "--measure": self.measure,
            "--cells": self.cells,
            "--target": self.target,
            "--contrast": self.contrast,
            "--seed": self.seed or None,
            "--repeats": None if self.repeats == 1 else self.repeats,
            "--budget": self.budget,
            "--size": None if self.size is None else "{}x{}".format(*self.size),
            "--fit": self.fit,
            "--precision": None if self.precision == "auto" else self.precision,
            "--device": self.device,
            "--top": self.top,
            "--picture-infiller": self.picture_infiller,
        }
        words = ["unsee", "explain", self.photo]
        for name, value in options.items():
            words += [name, str(value)] if value is not None else []
        for name, is_set in (("--deterministic", self.deterministic), ("--trust", self.trust)):
            words += [name] if is_set else []
        return self._comment() + shlex.join(words)

    def python(self) -> str:
        """Return a program, which computes the same map."""
        arguments = ["classifier", repr(self.photo)]
        arguments += [repr(self.method)] if self.method != DEFAULT_METHOD else []
        arguments += _given(infiller=self._trusted_infiller(), targets=self.target)
        if self.contrast is None:
            arguments += _given(measure=self.measure)
        else:
            arguments.append(f"measure=unsee.Against({self.contrast!r})")
        budget = self.budget
        arguments += _given(
            cells=self.cells,
            seed=self.seed or None,
            repeats=None if self.repeats == 1 else self.repeats,
            budget=int(budget) if budget is not None and budget.isdigit() else budget,
            deterministic=self.deterministic or None,
        )
        needs_torch = self.precision in {"bfloat16", "float16"}
        imports = "import torch\nimport unsee" if needs_torch else "import unsee"
        return (
            f"{self._comment()}{imports}\n\n"
            f"classifier = unsee.load({', '.join(self._loading())})\n"
            f"explanation = unsee.explain({', '.join(arguments)})\n"
            'explanation.save("result")\n'
        )

    def _loading(self) -> list[str]:
        """Return the arguments of `unsee.load`, whose precision is float32 by default."""
        arguments = [] if self.classifier == loading.DEFAULT else [repr(self.classifier)]
        arguments += _given(device=self.device, size=self.size, fit=self.fit)
        if self.precision in {"bfloat16", "float16"}:
            arguments.append(f"precision=torch.{self.precision}")
        elif self.precision == "auto" and averages_scores(self.method):
            arguments.append("precision='auto'")
        return arguments + (["trust=True"] if self.trust else [])

    def _trusted_infiller(self) -> str | None:
        """Return the specification of the in-filler, with the setting of --trust if it has it."""
        spec = self.infiller
        if spec is None or not trust_of("infillers", spec, trust=self.trust):
            return spec
        return f"{spec}{',' if ':' in spec else ':'}trust=true"

    def _comment(self) -> str:
        if self.ended_early is None:
            return ""
        done, total = self.ended_early
        return (
            f"# the map was stopped after {done} of {total} units of work; this call finishes them "
            "all and gives another map\n"
        )


def _given(**values: Any) -> list[str]:
    """Return keyword arguments as code; those that are None are left out."""
    return [f"{name}={value!r}" for name, value in values.items() if value is not None]
