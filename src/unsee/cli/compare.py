"""`unsee compare`: one photo with several methods and in-fillers, in one picture and one table."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from unsee.classifiers.classifier import Classifier
from unsee.cli import checks, configurations, explain_options
from unsee.cli.configurations import Configuration, Result
from unsee.cli.explain_options import ExplainOptions, Folder, InfillerNames, MethodNames, Photo
from unsee.cli.parsing import parse
from unsee.errors import InputError
from unsee.images import reading
from unsee.masking.slots import Slots
from unsee.parts import OWN, Parts
from unsee.registry.grammar import split_words
from unsee.storage.files import check_file
from unsee.study import DEFAULT_METHOD, Study
from unsee.types import Images


@dataclass(frozen=True, kw_only=True)
class Compare(ExplainOptions):
    """Explain one photo with several methods and several in-fillers."""

    photo: Photo
    """The photo."""
    methods: MethodNames = (DEFAULT_METHOD, "fido", "rise", "sliding_patch")
    """Methods, NAME[:setting=value,...] or recipe:NAME; see `unsee list methods`."""
    infillers: InfillerNames = (OWN,)
    """In-fillers, NAME[:setting=value,...], see `unsee list infillers`; `own` is the one with which
    a method was published."""
    out: Folder = Path("unsee-compare")
    """Folder for comparison.png, comparison.html, table.txt, table.csv, table.md, maps.npz and
    manifest.json."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        super().check()
        check_file(self.photo, "photo")
        checks.new_result(self.out, overwrite=self.overwrite)

    def combinations(self) -> dict[tuple[str, str], Parts]:
        """Return the parts of each cell of the table, by the names of method and in-filler."""
        methods, infillers = split_words(self.methods), split_words(self.infillers)
        if not methods or not infillers:
            raise InputError("expected at least one name after --methods and --infillers")
        return {
            (method, infiller): explain_options.parts_of(self, method, infiller)
            for method in methods
            for infiller in infillers
        }


def run(arguments: list[str]) -> int:
    """Explain the photo in all configurations; one that fails leaves an empty cell and status 1."""
    options = parse(Compare, arguments, "unsee compare")
    options.check()
    combinations = options.combinations()
    classifier = explain_options.classifier_of(options)
    photo = reading.read(options.photo, classifier.channels)
    image = classifier.framing.show(photo.pixels)
    slots = explain_options.slots_of(options, classifier, photo.pixels, image)
    has_infillers = {infiller for _, infiller in combinations} != {OWN}
    outcome = configurations.explain_all(
        [
            Configuration(
                method,
                (infiller if has_infillers else "",),
                partial(study_of, options, classifier, image, slots, parts),
            )
            for (method, infiller), parts in combinations.items()
        ]
    )
    heads = ("method", "infiller" if has_infillers else "")
    result = Result(options.out, options.overwrite, photo, image, heads)
    return result.finish(outcome, as_strip=not has_infillers)


def study_of(
    options: ExplainOptions,
    classifier: Classifier,
    image: Images,
    slots: Slots | None,
    parts: Parts,
    number: int,
) -> Study:
    """Bind one configuration to the photo; `number` is added to the seed."""
    parts = explain_options.with_contrast(parts, options)
    return Study.of(
        classifier, image, parts.method, infiller=parts.infiller, targets=options.target,
        measure=parts.measure, cells=slots, seed=options.seed + number, budget=options.budget,
        deterministic=options.deterministic,
    )  # fmt: skip
