"""What a run tells its user: once per run, not once per process, and warnings once per command."""

from __future__ import annotations

import os
from functools import cache

from anlage.progress import say

__all__ = ["is_first_process", "tell", "warn"]


def is_first_process() -> bool:
    """Whether this process speaks for all that ``torchrun`` started; alone, it does."""
    return int(os.environ.get("RANK", "0")) == 0


def tell(line: str) -> None:
    """Print one line to the user, in the first process only."""
    if is_first_process():
        say(line)


@cache
def warn(line: str) -> None:
    """Warn the user in one line; what was said before is not said again."""
    tell(f"warning: {line}")
