"""Write a file whole or not at all, and say in words why a store could not be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from anlage.errors import DataError

__all__ = ["write_whole", "writing"]


def write_whole(path: Path, content: bytes | str) -> None:
    """Put content in place of a file, in one step; a failure leaves the old file as it was.

    Raises:
        OSError: If the disk is full or the folder cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    draft = path.with_name(f".{path.name}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Turn what the system says while a store is written into a DataError without a path.

    Args:
        what: What is being written, such as "the store".
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{what} must be writable, but writing failed "
            f"({error.strerror or type(error).__name__}). Free space or choose another --out; "
            "the same command goes on from here."
        ) from None
