"""Serve the studio with the limits of a test; each line of input is answered with the desks kept.

python -m tests.studio.serve SESSIONS QUEUE
"""

import gc
import socket
import sys

from tests.studio.conftest import TOY
from unsee.studio import server
from unsee.studio.desk import Desk
from unsee.studio.shelf import Shelf

if __name__ == "__main__":
    server.SESSIONS, server.QUEUE = map(int, sys.argv[1:])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print(server.serve(Shelf([TOY]), "127.0.0.1", port), flush=True)
    for _ in sys.stdin:
        gc.collect()
        print(sum(type(thing) is Desk for thing in gc.get_objects()), flush=True)
