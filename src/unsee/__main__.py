"""Run the command line: `unsee` or `python -m unsee`."""

import sys

from unsee.process.children import keep_safe
from unsee.process.threads import wait_asleep


def main() -> int:
    """Run a command and return its exit status."""
    wait_asleep()
    keep_safe()
    from unsee.cli import main as run  # imports torch, which reads the settings

    return run()


if __name__ == "__main__":
    sys.exit(main())
