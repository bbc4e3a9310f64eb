"""The page of the studio, built with Gradio."""

from importlib.resources import files
from typing import Any

import gradio as gr

from unsee.inputs import BUDGETS
from unsee.recipes import recipes
from unsee.registry import available
from unsee.studio.desk import Desk
from unsee.studio.handlers import MOST_METHODS, NO_CONTRAST, OWN, PREDICTED, Handlers
from unsee.studio.samples import sample_photos
from unsee.studio.shelf import Shelf
from unsee.studio.views import EMPTY
from unsee.study import DEFAULT_METHOD

TITLE = "unsee studio"
LIFETIME = 1800
"""Seconds after a photo was opened until what was computed for it is deleted."""
SYSTEM_FONTS = ["system-ui", "sans-serif"]
CODE_FONTS = ["ui-monospace", "monospace"]
SHOW_MAP = """(...values) => {
  const tabs = [...document.querySelectorAll('button[role=tab]')];
  tabs.find(tab => tab.textContent.trim() === 'Map').click();
  if (innerWidth < 760) document.querySelector('#map-view').scrollIntoView({ behavior: 'smooth' });
  return values;
}"""
"""Code that brings the map into view; on a phone, it is below the controls."""
COMPARED = ["tide", "fido", "rise", "distilled"]
"""Methods of a comparison, to begin with."""


def _path_of(payload: Any) -> str | None:
    """Return the path of an uploaded file, which is not opened here.

    `unsee.images.reading` opens it, in bounded memory and with messages of its own.
    """
    return None if payload is None or payload.path is None else str(payload.path)


def asset(name: str) -> str:
    """Return the text of a file of this package."""
    return (files("unsee.studio") / name).read_text(encoding="utf-8")


def theme() -> Any:
    """Return the colours of the page, and fonts of the system."""
    return gr.themes.Soft(
        primary_hue="teal", neutral_hue="slate", font=SYSTEM_FONTS, font_mono=CODE_FONTS
    ).set(
        block_label_background_fill="*block_background_fill",
        block_label_background_fill_dark="*block_background_fill",
        body_text_color_subdued="#5b6475",
        body_text_color_subdued_dark="#9aa4b5",
        color_accent="#1f7f74",
        checkbox_border_color="#7b8598",
        block_label_text_color="*body_text_color_subdued",
        block_label_text_color_dark="*body_text_color_subdued",
        block_title_background_fill="none",
        block_title_background_fill_dark="none",
        block_title_text_color="*body_text_color_subdued",
        block_title_text_color_dark="*body_text_color_subdued",
        block_title_padding="0",
        button_primary_background_fill="#1f7f74",
        button_primary_background_fill_hover="#2a9d8f",
        button_primary_background_fill_dark="#1f7f74",
        button_primary_background_fill_hover_dark="#2a9d8f",
    )


def build(shelf: Shelf) -> gr.Blocks:
    """Return the page.

    Args:
        shelf: The classifiers that users may choose.
    """
    handlers = Handlers(shelf)
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(LIFETIME, LIFETIME), fill_width=True
    ) as page:
        desk = gr.State(None, time_to_live=LIFETIME, delete_callback=_close)
        gr.Markdown(
            "# unsee studio\nWhich regions of a photo does a classifier's decision depend on? "
            "Replace them and see.",
            elem_classes="studio-title",
        )
        with gr.Row():
            with gr.Column(scale=1, min_width=290):
                controls = _Controls(shelf)
            with gr.Column(scale=3, min_width=320):
                views_ = _Views()
        _connect(handlers, desk, controls, views_)

        def leave(request: gr.Request) -> None:
            """Delete what the user of a page that was closed computed; else Gradio keeps it."""
            page.state_holder.delete_state(str(request.session_hash))

        page.unload(leave)
    return page


def _close(desk: Desk | None) -> None:
    """End the run of a desk that is deleted."""
    if desk is not None:
        desk.close()


class _Controls:
    """The left column: photo, classifier, class, method."""

    def __init__(self, shelf: Shelf) -> None:
        self.photo = gr.Image(
            label="Photo", sources=["upload", "clipboard", "webcam"], type="filepath",
            image_mode=None, height=230, elem_id="photo", buttons=[],
        )  # fmt: skip
        self.photo.preprocess = _path_of
        self.samples = gr.Gallery(
            value=[(str(path), path.stem) for path in sample_photos()], show_label=False,
            columns=6, height=118, allow_preview=False, object_fit="cover", elem_id="samples",
            interactive=False, buttons=[],
        )  # fmt: skip
        with gr.Row():
            self.explain = gr.Button("Explain", variant="primary", elem_id="explain", min_width=90)
            self.stop = gr.Button("Stop", elem_id="stop", min_width=70)
        custom = shelf.is_open
        self.classifier = gr.Dropdown(
            list(shelf.offered), value=shelf.offered[0], label="Classifier", elem_id="classifier",
            allow_custom_value=custom,
            info="or type timm:NAME, torchvision:NAME, transformers:NAME, file:PATH" if custom
            else None,
        )  # fmt: skip
        self.target = gr.Dropdown(
            [PREDICTED], value=PREDICTED, label="Explain the class", allow_custom_value=True,
            elem_id="target",
        )  # fmt: skip
        self.contrast = gr.Dropdown(
            [NO_CONTRAST], value=NO_CONTRAST, label="... and not the class",
            allow_custom_value=True, elem_id="contrast",
        )  # fmt: skip
        names = [*available("methods"), *(f"recipe:{name}" for name in recipes())]
        self.method = gr.Dropdown(
            names, value=DEFAULT_METHOD, label="Method", allow_custom_value=custom,
            elem_id="method",
        )  # fmt: skip
        self.infiller = gr.Dropdown(
            [OWN, *available("infillers")], value=OWN, label="Removed pixels show",
            allow_custom_value=custom, elem_id="infiller",
        )  # fmt: skip
        with gr.Accordion("More", open=False):
            self.budget = gr.Radio(
                ["default", *BUDGETS], value="fast", label="Passes through the network",
                info=", ".join(f"{name} {passes}" for name, passes in BUDGETS.items()),
                elem_id="budget",
            )  # fmt: skip
            self.seed = gr.Number(0, label="Seed", precision=0, elem_id="seed")


class _Views:
    """The right column: the map and what can be done with it."""

    def __init__(self) -> None:
        with gr.Tabs():
            with gr.Tab("Map", id="map"):
                self.map = gr.HTML(EMPTY.format("Drop a photo to begin."), elem_id="map-view")
            with gr.Tab("Evidence slider", id="slider"):
                self.slider = gr.HTML(
                    EMPTY.format("Explain a photo first."), js_on_load=asset("slider.js"),
                    elem_id="slider-view",
                )  # fmt: skip
            with gr.Tab("Before / after", id="swipe"):
                self.swipe = gr.ImageSlider(
                    label="the photo, and the photo without its evidence", interactive=False,
                    max_height=560, elem_id="swipe-view", buttons=["fullscreen"],
                )  # fmt: skip
            with gr.Tab("Brush", id="brush"), gr.Row():
                with gr.Column(min_width=300):
                    self.mode = gr.Radio(
                        [("remove what I paint", "remove"), ("keep only what I paint", "keep")],
                        value="remove", show_label=False, container=False, elem_id="brush-mode",
                    )  # fmt: skip
                    self.brush = gr.HTML(
                        EMPTY.format("Drop a photo to begin."), js_on_load=asset("brush.js"),
                        elem_id="brush-view",
                    )  # fmt: skip
                with gr.Column(min_width=260):
                    self.brushed = gr.HTML(EMPTY.format("Paint on the photo."), elem_id="brushed")
            with gr.Tab("Compare methods", id="compare"):
                self.methods = gr.Dropdown(
                    available("methods"), value=COMPARED, multiselect=True,
                    max_choices=MOST_METHODS, label=f"Up to {MOST_METHODS} methods",
                    elem_id="methods",
                )  # fmt: skip
                self.compare = gr.Button("Compare", elem_id="compare")
                self.comparison = gr.HTML("", elem_id="comparison-view")
                self.comparison_file = gr.File(
                    label="The comparison as a page", visible=False, elem_id="comparison-file"
                )
            with gr.Tab("Save and repeat", id="save"):
                self.make = gr.Button("Make the result folder and the report", elem_id="make")
                self.files = gr.File(
                    label="Result folder (ZIP) and report (HTML)", file_count="multiple",
                    elem_id="files", interactive=False, visible=False,
                )  # fmt: skip
                self.python = gr.Code(
                    label="The same in Python", language="python", interactive=False,
                    elem_id="python", wrap_lines=True,
                )  # fmt: skip
                self.shell = gr.Code(
                    label="The same in the shell", language="shell", interactive=False,
                    elem_id="shell", wrap_lines=True,
                )  # fmt: skip


def _sample(event: gr.SelectData) -> str:
    """Return the path of the photo that was picked from the gallery."""
    index: int = event.index
    return str(sample_photos()[index])


def _connect(handlers: Handlers, desk: gr.State, c: _Controls, v: _Views) -> None:
    """Connect the events of the page with their functions."""
    private: dict[str, Any] = {"api_visibility": "private"}
    result = [v.slider, v.swipe, v.python, v.shell, v.files]
    compared = [v.comparison, v.comparison_file, v.brushed]
    opened = [desk, c.target, c.contrast, v.brush, *compared, v.map, *result]
    c.samples.select(_sample, None, c.photo, **private)
    for changed in (c.photo, c.classifier):
        changed.change(
            handlers.open, [desk, c.photo, c.classifier], opened, concurrency_limit=4,
            trigger_mode="always_last", show_progress_on=[changed], **private,
        )  # fmt: skip
    settings = [c.method, c.infiller, c.target, c.contrast, c.budget, c.seed]
    c.explain.click(
        handlers.explain, [desk, *settings], [v.map, *result],
        concurrency_limit=4, show_progress="hidden", js=SHOW_MAP, **private,
    )  # fmt: skip
    c.stop.click(handlers.stop, desk, None, queue=False, **private)
    for event, handler in (
        (v.brush.input, handlers.brush),
        (v.mode.change, handlers.brush_again),
        (c.infiller.change, handlers.brush_again),
    ):
        event(
            handler, [desk, v.mode, c.infiller], v.brushed, concurrency_limit=4,
            trigger_mode="always_last", show_progress="hidden", **private,
        )  # fmt: skip
    v.compare.click(
        handlers.compare, [desk, v.methods, *settings[1:]], [v.comparison, v.comparison_file],
        concurrency_limit=2, show_progress="hidden", **private,
    )  # fmt: skip
    v.make.click(handlers.files, desk, v.files, concurrency_limit=2, **private)
