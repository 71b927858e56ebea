"""Tensors on disk: safetensors only, flushed to the medium, checked against a SHA-256.

A flipped bit in a safetensors file loads without complaint; hence a checksum of our own. No
other format is read: pickle can run code.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

from anlage.errors import DataError

__all__ = ["read_tensors", "sync", "write_tensors"]


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors by name, flush them to disk, and return the file's SHA-256 in hex."""
    plain = {
        name: part.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, part in tensors.items()
    }
    data = safetensors.save(plain)
    path.write_bytes(data)
    sync(path)
    return hashlib.sha256(data).hexdigest()


def read_tensors(path: Path, *, what: str, sha256: str | None = None) -> dict[str, Tensor]:
    """Read all tensors of a file, sorted by name.

    Args:
        path: The file.
        what: What to call it in an error, such as "weights of brain".
        sha256: The checksum it must have; None where none is known.

    Raises:
        DataError: If the file is missing, its checksum differs, or it is not a well-formed
            safetensors file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(
            f"{what} must be in a readable file {path.name}, but: {reason}. Copy it again."
        ) from None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise DataError(
            f"{what} are damaged: the checksum differs from the card's. Copy the folder again "
            "from its source."
        )
    try:
        return dict(sorted(safetensors.load(data).items()))
    except SafetensorError as error:
        raise DataError(
            f"{what} are not a well-formed safetensors file: {error}. Copy it again; other "
            "formats are never read."
        ) from None


def sync(path: Path) -> None:
    """Flush a file or a folder's entries to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
