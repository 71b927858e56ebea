"""Ctrl-C, SIGTERM and SIGUSR1: finish the step, save, and say how to go on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

__all__ = ["Stop", "stop_on_signals"]

_EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGUSR1: 138}
_STOPPING = (
    "Stopping after this step; a second Ctrl-C ends at once and may lose up to the last "
    "checkpoint.\n"
)
_STDERR = 2


class Stop:
    """Whether somebody asked the run to stop, and the exit code that answers them."""

    def __init__(self) -> None:
        self.exit_code: int | None = None

    def __bool__(self) -> bool:
        return self.exit_code is not None


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn the first signal into a request; the second one of a kind ends at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.exit_code = _EXIT_CODES[signal.Signals(number)]
        if number == signal.SIGINT:
            _tell()

    before = {number: signal.signal(number, ask) for number in _EXIT_CODES}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell() -> None:
    """Write one line past all buffers, which a handler may have caught half written."""
    if os.environ.get("RANK", "0") != "0":
        return
    with suppress(OSError):
        start = "\n" if os.isatty(_STDERR) else ""  # leave the line of the bar and of ^C
        os.write(_STDERR, (start + _STOPPING).encode())
