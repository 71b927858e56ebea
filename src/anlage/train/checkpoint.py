"""Checkpoints that survive a power cut: tensors in safetensors, everything else in JSON.

A checkpoint is written beside its place, flushed to the disk, hashed, and renamed; whatever is
found under its name is whole. A damaged one is noticed by the SHA-256 of all it holds, and the
one before it is used. No pickle is written or read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, contiguous_format

from anlage.errors import DataError
from anlage.train.notices import tell

__all__ = ["load_latest", "save", "sha256_of"]

_NAME = re.compile(r"step-(\d{8})")
_KEEP = 2
_VERSION = 1
_TENSORS, _FACTS = "state.safetensors", "state.json"


def save(folder: Path, step: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Path:
    """Write one checkpoint, whole or not at all, and remove all but the last two.

    Args:
        folder: Where checkpoints lie.
        step: Weight updates so far.
        tensors: Everything that is a tensor, by name.
        facts: Everything else, as JSON.

    Raises:
        DataError: If it cannot be written; what was there before is untouched.
    """
    place = folder / f"step-{step:08d}"
    draft = folder / f".{place.name}.tmp"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save_file({name: _plain(tensor) for name, tensor in tensors.items()}, draft / _TENSORS)
        known = {**facts, "step": step, "version": _VERSION}
        card = {"facts": known, "sha256": _digest(draft / _TENSORS, known)}
        (draft / _FACTS).write_text(json.dumps(card))
        for path in (draft / _TENSORS, draft / _FACTS, draft):
            _flush(path)
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
        _flush(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"checkpoints must be writable, but writing to {folder} failed ({reason}). Free "
            "space; the same command goes on from the last checkpoint."
        ) from None
    for old in (*_found(folder)[:-_KEEP], *folder.glob(".step-*.tmp")):
        shutil.rmtree(old, ignore_errors=True)
    return place


def load_latest(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return the tensors and facts of the newest checkpoint that is whole; None without any.

    Raises:
        DataError: If there are checkpoints, but none is whole; or the newest is of a version
            that this Anlage does not know.
    """
    found = _found(folder)
    for place in reversed(found):
        try:
            tensors, facts = _read(place)
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            tell(f"warning: {place} is damaged ({error}); trying the checkpoint before it")
            continue
        if facts.get("version") != _VERSION:
            raise DataError(
                f"this Anlage goes on from checkpoints of version {_VERSION}, {place} has version "
                f"{facts.get('version')}. Use the Anlage that started the run, or another --out."
            )
        return tensors, facts
    if found:
        raise DataError(
            f"at least one checkpoint in {folder} must be whole, got {len(found)} damaged ones. "
            "Remove the folder to start again."
        )
    return None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(place: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    card = json.loads((place / _FACTS).read_text())
    facts: dict[str, Any] = card["facts"]
    if card["sha256"] != _digest(place / _TENSORS, facts):
        raise ValueError("checksum differs")
    return load_file(place / _TENSORS), facts


def _digest(path: Path, facts: Mapping[str, Any]) -> str:
    """Return one SHA-256 over the tensors' file and the facts."""
    together = f"{sha256_of(path)} {json.dumps(facts, sort_keys=True)}"
    return hashlib.sha256(together.encode()).hexdigest()


def _plain(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU that shares memory with no other tensor."""
    return tensor.detach().cpu().clone(memory_format=contiguous_format)


def _found(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
