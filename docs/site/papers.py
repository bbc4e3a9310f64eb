"""Links from the pages of methods to the comparison with their papers."""

SECTIONS = {
    "fido-chang-et-al-iclr-2019-arxiv180708024": ("fido", "bbmp"),
    "g-methods-agarwal--nguyen-accv-2020-arxiv191004256": ("sliding_patch", "lime", "mp", "mp2"),
    "igos-khorram-lawson--li-chil-2021-arxiv201215783": ("igos", "igos_pp"),
    "variational-saliency-kim-et-al-only-the-appendix-is-a-source": ("variational",),
    "casm-zolna-geras--cho-2018-arxiv180508249": ("casm",),
}
"""Methods that each section of `docs/fidelity.md` compares with their paper, by its anchor."""


def comparison(name: str) -> str:
    """Return links to the comparison with a method's paper, where there is one."""
    for anchor, names in SECTIONS.items():
        if name in names:
            return (
                "\n[How faithful the method is to its paper, formula by formula]"
                f"(../../fidelity.md#{anchor}). [The commands of the paper's tables and figures]"
                "(../../papers.md).\n"
            )
    return ""
