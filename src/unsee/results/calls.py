"""The Python code and the command that repeat an explanation."""

import shlex
from dataclasses import dataclass

from unsee.classifiers import loading
from unsee.study import DEFAULT_METHOD


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a user chose to explain a photo; None stands for a default."""

    photo: str
    classifier: str = loading.DEFAULT
    method: str = DEFAULT_METHOD
    infiller: str | None = None
    target: str | None = None
    contrast: str | None = None
    seed: int = 0
    budget: str | None = None

    def shell(self) -> str:
        """Return the command line."""
        options = {
            "--classifier": None if self.classifier == loading.DEFAULT else self.classifier,
            "--method": None if self.method == DEFAULT_METHOD else self.method,
            "--infiller": self.infiller,
            "--target": self.target,
            "--contrast": self.contrast,
            "--seed": str(self.seed) if self.seed else None,
            "--budget": self.budget,
        }
        words = ["unsee", "explain", self.photo]
        for name, value in options.items():
            words += [name, value] if value is not None else []
        return shlex.join(words)

    def python(self) -> str:
        """Return a program."""
        arguments = ["classifier", repr(self.photo)]
        arguments += [repr(self.method)] if self.method != DEFAULT_METHOD else []
        for name, value in (("infiller", self.infiller), ("targets", self.target)):
            arguments += [f"{name}={value!r}"] if value is not None else []
        if self.contrast is not None:
            arguments.append(f"measure=unsee.Against({self.contrast!r})")
        arguments += [f"seed={self.seed}"] if self.seed else []
        if self.budget is not None:
            budget = self.budget if self.budget.isdigit() else repr(self.budget)
            arguments.append(f"budget={budget}")
        loaded = "" if self.classifier == loading.DEFAULT else repr(self.classifier)
        return (
            "import unsee\n\n"
            f"classifier = unsee.load({loaded})\n"
            f"explanation = unsee.explain({', '.join(arguments)})\n"
            'explanation.save("result")\n'
        )
