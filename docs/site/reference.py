"""Pages of the Python reference and of the command line."""

import io
import os
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from importlib import import_module

from docs.site.parts import Page

import unsee
from unsee.cli import COMMANDS, main

MODULES = {
    "study": (
        "Studies and explanations",
        ("unsee.explaining", "unsee.study", "unsee.explanation", "unsee.inputs"),
    ),
    "bases": (
        "Base classes of parts",
        (
            "unsee.methods.base", "unsee.infillers.base", "unsee.metrics.base",
            "unsee.sources.base", "unsee.datasets.base", "unsee.cells.base",
        ),
    ),
    "classifiers": (
        "Classifiers and measures",
        (
            "unsee.classifiers.classifier", "unsee.classifiers.outputs", "unsee.classifiers.labels",
            "unsee.classifiers.measures", "unsee.classifiers.loading",
            "unsee.classifiers.randomisation", "unsee.images.framing", "unsee.sources.blackbox",
        ),
    ),
    "masking": (
        "Masks, scores and optimisers",
        (
            "unsee.masking.score", "unsee.masking.masks", "unsee.masking.minimise",
            "unsee.masking.optimizers", "unsee.masking.soft_top_k", "unsee.masking.slots",
            "unsee.noise", "unsee.types",
        ),
    ),
    "results": (
        "Results of one explanation",
        (
            "unsee.results.assessment", "unsee.results.counterfactual", "unsee.results.regions",
            "unsee.results.variation", "unsee.results.panel", "unsee.results.comparison",
            "unsee.results.conclusion", "unsee.results.page", "unsee.results.calls",
            "unsee.results.photo_folders", "unsee.results.writing",
        ),
    ),
    "evaluation": (
        "Runs on many photos",
        (
            "unsee.evaluation.plan", "unsee.evaluation.run", "unsee.evaluation.stages",
            "unsee.evaluation.paper_tables", "unsee.evaluation.infilling",
            "unsee.evaluation.label_randomisation", "unsee.evaluation.parameter_randomisation",
            "unsee.reports.results", "unsee.reports.bootstrap", "unsee.reports.summary",
            "unsee.reports.tables", "unsee.reports.figures", "unsee.output.trackers",
        ),
    ),
    "audits": (
        "Audits",
        (
            "unsee.audits.findings", "unsee.audits.evidence", "unsee.audits.clusters",
            "unsee.audits.causes", "unsee.audits.text", "unsee.audits.photos", "unsee.audits.page",
        ),
    ),
    "integrations": (
        "Other libraries",
        (
            "unsee.integrations.captum", "unsee.integrations.quantus",
            "unsee.integrations.torchmetrics", "unsee.integrations.onnx", "unsee.saliency",
        ),
    ),
    "registry": (
        "Names, settings and errors",
        (
            "unsee.registry", "unsee.registry.names", "unsee.registry.plug_ins", "unsee.parts",
            "unsee.recipes", "unsee.errors",
        ),
    ),
}  # fmt: skip
"""Title and modules of each page, by its name."""


def pages() -> Iterator[Page]:
    """Yield the pages of the reference."""
    yield Page("reference/unsee.md", _package())
    for name, (title, modules) in MODULES.items():
        yield Page(f"reference/{name}.md", _modules(title, modules))
    yield Page("reference/commands.md", _commands())


def _package() -> str:
    """Return the page of the names of `unsee`."""
    items = {name: getattr(unsee, name) for name in unsee.__all__}
    sections = "\n".join(
        f"- [`unsee.{name}`][{item.__module__}.{item.__qualname__}]: {_first_line(item)}"
        for name, item in sorted(items.items())
    )
    return (
        "# unsee\n\n`import unsee` has the names that most programs need. Everything else is "
        f"imported from its module.\n\n{sections}\n"
    )


def _first_line(item: object) -> str:
    return (item.__doc__ or "").strip().splitlines()[0]


def _modules(title: str, modules: tuple[str, ...]) -> str:
    """Return the page of some modules."""
    for module in modules:
        import_module(module)  # an error that names the module if there is none
    return f"# {title}\n\n" + "\n".join(
        f"::: {module}\n    options:\n      toc_label: {module}\n" for module in modules
    )


def _commands() -> str:
    """Return the help texts of all commands."""
    os.environ["COLUMNS"] = "100"
    sections = []
    for name in COMMANDS:
        text = io.StringIO()
        with redirect_stdout(text), suppress(SystemExit):
            main([name, "--help"])
        sections.append(f"## unsee {name}\n\n```text\n{text.getvalue().strip()}\n```\n")
    return (
        "# Commands\n\nWhat `unsee COMMAND --help` prints. Examples are in [Python and the command "
        "line](../usage.md).\n\n" + "\n".join(sections)
    )
