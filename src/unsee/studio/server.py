"""Serve the studio: on this machine by default, without requests to other hosts."""

import errno
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from unsee.errors import InputError, missing_package
from unsee.studio.samples import PHOTOS
from unsee.studio.shelf import Shelf

QUEUE = 20
"""Events that wait; further ones are refused."""
SESSIONS = 32
"""Pages whose photos are kept; those of the page that was used the longest ago are deleted."""
LARGEST_UPLOAD = "100mb"
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "worker-src 'self' blob:; connect-src 'self' data: blob:; "
    "frame-src 'self' blob: data:; object-src 'none'; base-uri 'self'"
)
"""Content security policy: browsers load nothing from other hosts."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class PolicyMiddleware:
    """Add the content security policy to every page."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and the response back with one more header."""

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", [])]
                headers.append((b"content-security-policy", POLICY.encode()))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, with_policy if scope["type"] == "http" else send)


def _check_port(host: str, port: int) -> None:
    """Raise `InputError` if the port is taken, or the address is not of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error})"
            raise InputError(f"port {port} {why}; choose another port") from error


def serve(shelf: Shelf, host: str, port: int, *, open_browser: bool = False) -> str:
    """Start the server in a thread of its own and return its address.

    Raises:
        InputError: Gradio is not installed, or the port is taken.
    """
    _check_port(host, port)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise missing_package("gradio", "the studio") from error
    from starlette.middleware import Middleware

    from unsee.studio.page import asset, build, theme

    page = build(shelf)
    page.queue(max_size=QUEUE)
    _, address, _ = page.launch(
        server_name=host, server_port=port, inbrowser=open_browser, share=False, quiet=True,
        show_error=False, max_file_size=LARGEST_UPLOAD, allowed_paths=[str(PHOTOS)],
        prevent_thread_lock=True, ssr_mode=False, footer_links=[], theme=theme(),
        css=asset("studio.css"), app_kwargs={"middleware": [Middleware(PolicyMiddleware)]},
        state_session_capacity=SESSIONS, pwa=False, run_history=False, enable_monitoring=False,
    )  # fmt: skip
    return address
