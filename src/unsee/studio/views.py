"""HTML of the studio: the forming map, the slider, the answers after a brush stroke."""

from collections.abc import Sequence
from html import escape
from itertools import count
from typing import Any

from unsee.images.drawing import Pixels, to_pixels
from unsee.output.pages import jpeg_uri, render
from unsee.studio.desk import Answer, Desk, Moment

_numbers = count()

EMPTY = '<div class="studio-empty">{}</div>'


def live(moment: Moment, method: str) -> str:
    """Return the map so far, how much of the run is done, and its loss."""
    share = moment.done / moment.total
    loss = f"loss {moment.losses[-1]:.3f}" if moment.losses else ""
    return (
        f'<div class="studio-live"><img alt="map so far, after {share:.0%} of the run" '
        f'src="{jpeg_uri(moment.picture, 85)}"><div><b>{escape(method)}</b><br>'
        f'<progress max="{moment.total}" value="{moment.done}" aria-label="progress"></progress>'
        f"<div>{moment.done} of {moment.total} &ensp; {loss}</div>{_chart(moment.losses)}"
        "</div></div>"
    )


def _chart(losses: Sequence[float]) -> str:
    """Return the course of the loss as a line."""
    if len(losses) < 2:
        return ""
    low, high = min(losses), max(losses)
    step, range_ = 300 / (len(losses) - 1), (high - low) or 1.0
    points = " ".join(
        f"{step * i:.1f},{64 - 58 * (loss - low) / range_:.1f}" for i, loss in enumerate(losses)
    )
    return (
        '<svg viewBox="0 0 300 70" preserveAspectRatio="none" role="img" aria-label="loss so far">'
        f'<polyline points="{points}" fill="none" stroke="#2a9d8f" stroke-width="2" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )


def slider(content: dict[str, Any]) -> str:
    """Return the evidence slider; `slider.js` moves it."""
    return render("unsee.studio", "slider.html.j2", content=content, number=next(_numbers))


def canvas(desk: Desk) -> str:
    """Return the photo with a canvas to paint on; `brush.js` paints."""
    pixels = to_pixels(desk.image[0])
    height, width = pixels.shape[:2]
    return render(
        "unsee.studio", "brush.html.j2", photo=jpeg_uri(pixels, 90), width=width, height=height
    )


def brushed(picture: Pixels, after: Sequence[Answer], before: Sequence[Answer], what: str) -> str:
    """Return the picture after a brush stroke, and its most probable classes."""
    rows = "".join(
        f'<div class="evidence-row{" target" if i == 0 else ""}"><span>{escape(now.name)}</span>'
        f"<b>{now.words} <small>({then.words} in the photo)</small></b>"
        f'<i style="--width: {100 * min(1.0, abs(now.value)):.1f}%"></i></div>'
        for i, (now, then) in enumerate(zip(after, before, strict=True))
    )
    return (
        f'<div class="brush-result"><img alt="{escape(what)}" src="{jpeg_uri(picture, 88)}">'
        f"<p>{escape(what)}</p>{rows}</div>"
    )


def framed(page: str) -> str:
    """Return a whole page inside of another one."""
    return (
        f'<iframe title="comparison" srcdoc="{escape(page)}" sandbox '
        'style="width: 100%; height: 760px; border: 0; border-radius: 8px"></iframe>'
    )
