"""`unsee studio`: a web page on this machine, to explain photos by hand."""

import ipaddress
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from tyro.conf import arg

from unsee.classifiers import loading
from unsee.classifiers.devices import check_device
from unsee.cli.console import print_document, say
from unsee.cli.explain_options import Device, Trust
from unsee.cli.parsing import parse
from unsee.errors import InputError
from unsee.registry import resolve
from unsee.registry.grammar import split_words
from unsee.studio.server import serve
from unsee.studio.shelf import Shelf

EMBEDDED = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
"""Classifiers that are installed with the package."""
LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Open a page in the browser: drop a photo, explain it, remove the evidence, paint."""

    classifiers: Annotated[tuple[str, ...], arg(metavar="CLASSIFIER ...")] = EMBEDDED
    """Classifiers that the page offers, SOURCE[:ARGUMENT][,setting=value,...]; see `unsee list
    classifiers`. On this machine alone, users may type others."""
    host: str = "127.0.0.1"
    """Address to serve. 0.0.0.0 serves every machine that reaches this one: without a password, so
    only in a network that you trust."""
    port: int = 7860
    """Port to serve."""
    browser: bool = False
    """Open the page in the default browser."""
    device: Device = None
    """Device of the networks: cpu, cuda, cuda:1, mps."""
    trust: Trust = False
    """Load classifiers of --classifiers that are programs (TorchScript, torch.export). A program
    can run any code on this machine when it is loaded."""

    def check(self) -> None:
        """Check the options before the server starts."""
        for name in self.names:
            resolve("sources", name)
        if not self.names:
            raise InputError("expected at least one name after --classifiers")
        if not 1 <= self.port <= LAST_PORT:
            raise InputError(f"--port: expected 1 to {LAST_PORT}, got {self.port}")
        check_device(self.device)

    @property
    def names(self) -> tuple[str, ...]:
        """Specifications of the classifiers."""
        return split_words(self.classifiers)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the page."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name
            return self.host == "localhost"


def run(arguments: list[str]) -> int:
    """Serve the page until it is stopped."""
    options = parse(Studio, arguments, "unsee studio")
    options.check()
    shelf = Shelf(
        options.names, is_open=options.is_local, device=options.device, trust=options.trust
    )
    address = serve(shelf, options.host, options.port, open_browser=options.browser)
    say(f"unsee studio: {address}\nPress Ctrl-C to stop.\n", address=address)
    print_document()
    if options.names[0] == loading.DEFAULT:
        shelf.get(loading.DEFAULT, shelf)  # so that the first photo does not wait for it
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    return 0
