"""The command `anlage`: one thin file per verb, each the same as the Python function it calls.

Nothing is imported here, so that Ctrl-C is answered from the first moment on.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command and turn errors into one clear message and an exit code.

    Exit codes: 0 done; 1 a fault of ours, or a run that collapsed or diverged; 2 a mistake that
    the user can mend; 130 Ctrl-C; 143 SIGTERM.
    """
    try:
        from anlage.cli._app import run

        run(arguments)
    except KeyboardInterrupt:
        print("Stopped. Nothing is lost: the same command goes on from here.", file=sys.stderr)
        sys.exit(130)
