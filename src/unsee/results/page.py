"""An explanation as an HTML page in one file."""

import io
from typing import Any

from unsee.errors import printable
from unsee.images.drawing import overlay, save_figure, to_pixels
from unsee.images.framing import Photo
from unsee.output.pages import as_base64, jpeg_uri, render
from unsee.results import panel
from unsee.results.assessment import CURVE_PROTOCOLS, DIRECTIONS, Assessment
from unsee.results.calls import Call
from unsee.results.conclusion import conclude

CLASSES = 6
"""Number of classes whose probabilities are shown."""
PACKAGE = "unsee.results"


def fragment(result: Assessment) -> str:
    """Return pictures, conclusion and settings as a part of a page, for notebooks."""
    return render(PACKAGE, "fragment.html.j2", **_content(result))


def explanation_page(
    result: Assessment, name: str, photo: Photo | None = None, call: Call | None = None
) -> str:
    """Return a page in one file.

    Args:
        result: The assessed explanation.
        name: Name of the photo.
        photo: The photo, where the map is to be shown on all of it as well.
        call: How a user repeats it.
    """
    framing = result.study.score.classifier.framing
    whole = None
    if photo is not None:
        height, width = photo.shape[-2:]
        back = framing.back(result.study.explanation.saliency[0], height, width)
        whole = jpeg_uri(overlay(photo, back, framing.box(height, width)))
    areas = [
        (name, [f"{result.areas[name][direction]:.3f}" for direction in DIRECTIONS], p.summary)
        for name, p in CURVE_PROTOCOLS.items()
    ]
    return render(
        PACKAGE, "explanation.html.j2", title=f"{printable(name)}: {result.name}", whole=whole,
        curves=_curves(result), directions=DIRECTIONS, areas=areas, call=call, **_content(result),
    )  # fmt: skip


def _content(result: Assessment) -> dict[str, Any]:
    """Return what both kinds of pages show."""
    explanation = result.study.explanation
    image, plane = explanation.images[0], explanation.saliency[0]
    labels, titles = panel.picture_labels(result), ("removed", "kept")
    pictures = [
        _picture(result, "original", "Photo", to_pixels(image)),
        {
            "title": result.study.method.caption[0],
            "uri": jpeg_uri(overlay(image, plane)),
            "value": "",
            "prediction": "",
            "alt": f"map over the photo, for {result.name}",
        },
        *(
            _picture(
                result, key, panel.picture_title(result, key), to_pixels(getattr(result, key)[0])
            )
            for key in titles
        ),
    ]
    return {
        "heading": panel.heading(result),
        "conclusions": conclude(result),
        "note": result.note,
        "pictures": pictures,
        "labels": labels,
        "colours": panel.COLOURS,
        "classes": [
            {
                "name": name,
                "values": [
                    (key, _width(result, key, index), result.in_words(_value(result, key, index)))
                    for key in labels
                ],
            }
            for index, name in result.top_classes(CLASSES)
        ],
        "quantity": result.quantity,
        "settings": _settings(result),
    }


def _picture(result: Assessment, key: str, title: str, pixels: Any) -> dict[str, str]:
    value = result.in_words(result.target_probabilities[key])
    return {
        "title": title,
        "uri": jpeg_uri(pixels),
        "value": f"{result.name} {value}",
        "prediction": result.prediction(key),
        "alt": f"{title}: {result.name} {value}, {result.prediction(key)}",
    }


def _value(result: Assessment, key: str, index: int) -> float:
    return result.probabilities[key][index].item()


def _width(result: Assessment, key: str, index: int) -> float:
    """Return the length of a bar in percent."""
    value = _value(result, key, index)
    if result.quantity == "probability":
        return round(100 * value, 2)
    largest = max(row.abs().max().item() for row in result.probabilities.values()) or 1.0
    return round(100 * abs(value) / largest, 2)


def _settings(result: Assessment) -> list[tuple[str, str]]:
    """Return the parts, the seed and the cost of the map, by name."""
    provenance = result.study.explanation.provenance
    rows = [(name, _spec(provenance[name])) for name in ("method", "infiller")]
    cost, seeds = provenance["cost"], provenance["seed"]
    rows += [
        ("measure", str(provenance["measure"])),
        ("classifier", str(provenance["classifier"]["name"])),
        ("seed", f"{seeds}, repeats {provenance['repeats']}"),
        (
            "cost",
            f"{cost['forwards']:,} forward and {cost['backwards']:,} backward passes, "
            f"{cost['seconds']:.1f} s",
        ),
    ]
    if "ended_early" in provenance:
        done, total = provenance["ended_early"]
        rows.append(("ended early", f"after {done} of {total} units of work"))
    rows += [(name, str(value)) for name, value in provenance["versions"].items()]
    return rows


def _spec(settings: dict[str, Any]) -> str:
    """Return a part with its settings."""
    values = ", ".join(f"{key}={value}" for key, value in settings.items() if key != "name")
    return f"{settings['name']} ({values})" if values else str(settings["name"])


def _curves(result: Assessment) -> str:
    """Return the curves of removing and keeping as base64 text of a PNG file."""
    content = io.BytesIO()
    save_figure(panel.curves_figure(result), content, 110)
    return as_base64(content)
