"""Run the command line: `unsee` or `python -m unsee`."""

import sys

from unsee.children import keep_safe
from unsee.threads import wait_asleep


def main() -> int:
    """Run a command and return its exit status."""
    wait_asleep()
    keep_safe()
    from unsee.cli import main as run  # imports torch, which reads the settings

    return run()


if __name__ == "__main__":
    sys.exit(main())
