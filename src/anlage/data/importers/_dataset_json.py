"""Read the dataset.json of a Medical Segmentation Decathlon or nnU-Net folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from anlage.errors import DataError

__all__ = ["DATASET_JSON", "read_dataset_json"]

DATASET_JSON = "dataset.json"
_MAX_BYTES = 64 * 1024**2


def read_dataset_json(root: Path) -> dict[str, Any] | None:
    """Return what dataset.json says; None if there is no such file.

    Raises:
        DataError: If it is no JSON object, or has more than 64 MB.
    """
    path = root / DATASET_JSON
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(
                f"{DATASET_JSON} may have up to {_MAX_BYTES:,} bytes, this one has more. It "
                "is no list of images; leave it out."
            )
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except DataError:
        raise
    except (OSError, ValueError, RecursionError):
        raise DataError(
            f"{DATASET_JSON} must be readable JSON in UTF-8, this one is not. Copy it again, or "
            "say layout 'images' to read the images without it."
        ) from None
    if not isinstance(values, dict):
        raise DataError(
            f"{DATASET_JSON} must be a JSON object, got a {type(values).__name__}. Copy it again."
        )
    return values
