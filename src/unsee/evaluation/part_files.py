"""Recognise files of weights that were replaced under the same name between two rows of a run."""

from typing import Any

from unsee.evaluation.plan import Plan
from unsee.parts import digest_of, files_of, resolve_parts
from unsee.registry import resolve


def digests(plan: Plan) -> dict[str, str]:
    """Return a hash of each file that a method, a warm start or an in-filler of a plan reads.

    Keys are the settings that name the files, or the name of a published file. What is not on the
    disk, such as a pipeline of a hub, has none.

    Raises:
        InputError: A file cannot be read.
    """
    parts: list[Any] = []
    for _, method, infiller in plan.combinations():
        parts += resolve_parts(method, plan.spec("infillers", infiller))[:2]
    if plan.metric_infiller is not None:
        parts.append(resolve("infillers", plan.spec("infillers", plan.metric_infiller)))
    if plan.cells is not None:
        parts.append(resolve("cells", plan.cells))
    named = {name: path for part in parts for name, path in files_of(part)}
    return {name: digest_of(path) for name, path in sorted(named.items())}
