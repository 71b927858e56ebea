"""One process per folder: a lock that dies with its owner, so none is ever stale."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anlage.errors import DataError

__all__ = ["locked"]


@contextmanager
def locked(folder: Path, *, what: str) -> Iterator[None]:
    """Hold a folder for this process, making it if need be.

    Args:
        folder: What to hold.
        what: The verb that holds it, for the message to a second process.

    Raises:
        DataError: If another process holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise DataError(
            f"{folder} must be a writable folder ({error.strerror}). Choose another --out."
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                f"{folder} must be used by one process at a time, and {what} is already running "
                "on it. Wait for it, or choose another --out."
            ) from None
        yield
