"""Who is who without names: keyed hashes, with the key kept outside every store and run.

A hash of a name alone can be undone by hashing a phone book; a keyed hash (HMAC-SHA-256)
cannot, as long as the key stays where it is: in the user's own configuration folder.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from anlage.errors import DataError

__all__ = ["Identity", "home", "look_alikes", "normalise_patient"]

_KEY_BYTES = 32


def home() -> Path:
    """Return Anlage's configuration folder: $ANLAGE_HOME, or ~/.config/anlage."""
    stated = os.environ.get("ANLAGE_HOME")
    return Path(stated) if stated else Path.home() / ".config" / "anlage"


def normalise_patient(identifier: str) -> str:
    """Fold case, spaces and Unicode forms, so that one patient has one identifier."""
    return " ".join(unicodedata.normalize("NFKC", identifier).casefold().split())


def look_alikes(identifiers: Iterable[str]) -> int:
    """Count the patients who may hide behind several identifiers, such as 7, 07 and "0 07".

    Identifiers that differ in leading zeros or blanks only look like one patient, but may be
    two, so they are kept apart and counted here.
    """
    spellings: dict[str, set[str]] = {}
    for identifier in identifiers:
        spelt = normalise_patient(identifier)
        bare = re.sub(r"(?<![0-9])0+(?=[0-9])", "", spelt.replace(" ", ""))
        spellings.setdefault(bare, set()).add(spelt)
    return sum(len(found) > 1 for found in spellings.values())


class Identity:
    """Turns names into hashes with this user's key; the key is made at first use."""

    def __init__(self, folder: Path | None = None) -> None:
        self._key = _read_or_make_key((folder or home()) / "identity.key")

    def image(self, key: str) -> str:
        """Return the id of an image from its name inside its source."""
        return self._hash("image", key)

    def patient(self, identifier: str) -> str:
        """Return the id of a patient from whatever the source calls them."""
        return self._hash("patient", normalise_patient(identifier))

    def _hash(self, kind: str, text: str) -> str:
        message = f"{kind}:{text}".encode("utf-8", "surrogateescape")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:16]


def _make_key(path: Path) -> None:
    """Make a key that appears whole or not at all; of two processes, one makes it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()


def _read_or_make_key(path: Path) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make_key(path)
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise DataError(
            f"the identity key must be a readable file of {2 * _KEY_BYTES} hex digits in "
            f"{path.parent}, which it is not. Restore it, or set ANLAGE_HOME to a writable "
            "folder; with a new key, stores made before get other ids."
        )
    return key
