"""A run's folder and its card: what was run, with what, on what, and how it ended."""

from __future__ import annotations

import datetime
import json
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from anlage.config import BaseConfig, differences, write_yaml
from anlage.errors import ConfigError, DataError
from anlage.train.notices import tell
from anlage.version import __version__

__all__ = [
    "environment",
    "finish",
    "is_finished",
    "now",
    "record",
    "recorded",
    "refuse_unfinished",
    "start",
    "write_json",
]

_PACKAGES = ("torch", "timm", "monai", "numpy", "scipy", "scikit-learn", "safetensors")
_CARD = "run.json"
_BITS = ("threads", "device", "machine")  # what changes the last bits of weights


def start(
    folder: Path, config: BaseConfig, facts: Mapping[str, Any], *, harmless: set[str]
) -> None:
    """Make a run folder, or go on with one that was started with the same settings.

    A finished run stays finished. Other threads or another machine than before are warned of,
    since the weights then differ in their last bits.

    Args:
        folder: The run's folder.
        config: Its settings, saved as config.yaml.
        facts: What else must not change between parts of a run, such as the data's fingerprint.
        harmless: Top-level settings that may change when a run goes on.

    Raises:
        ConfigError: If the folder holds a run with other settings or data.
        DataError: If its card is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stated = {"config": config.model_dump(mode="json"), **facts}
    path = folder / _CARD
    if path.is_file():
        known = _read_card(folder)
        changed = [
            line
            for line in differences(known["stated"], stated)
            if line.split(":")[0].removeprefix("config.").split(".")[0] not in harmless
        ]
        if changed:
            raise ConfigError(
                f"{folder} holds a run with other settings ({'; '.join(changed)}). Use the same "
                "ones to go on with it, or another --out."
            )
        if known["status"] == "finished":
            return
        _warn_of_bits(known)
        card = {**known, "stated": stated, "status": "running"}
    else:
        card = {"stated": stated, "status": "running", "started": now(), **environment()}
    write_json(path, card)
    write_yaml(folder / "config.yaml", config)


def finish(folder: Path, status: str, facts: Mapping[str, Any]) -> None:
    """Write how a run ended onto its card."""
    card = _read_card(folder)
    write_json(folder / _CARD, {**card, "status": status, "ended": now(), **facts})


def recorded(folder: Path, name: str) -> Any:
    """Return something of a run's card; None if it does not say it."""
    return _read_card(folder).get(name)


def record(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add to a run's card."""
    write_json(folder / _CARD, {**_read_card(folder), **facts})


def is_finished(folder: Path) -> bool:
    """Whether a run has finished; running it again does nothing."""
    return (folder / _CARD).is_file() and bool(_read_card(folder)["status"] == "finished")


def refuse_unfinished(folder: Path, *, result: str) -> None:
    """Refuse a run's folder that does not hold its result yet.

    Args:
        folder: What the user named; a folder that is no run's is left to others to judge.
        result: Name of the folder inside that a finished run leaves behind.

    Raises:
        ConfigError: If the run is not finished, ended without a result, or is of another kind.
    """
    if (folder / result).is_dir() or not (folder / _CARD).is_file():
        return
    card = _read_card(folder)
    status = card["status"]
    tuned = Path("model", "encoder")
    has_tuned = (folder / tuned).is_dir()
    beginning = card["stated"].get("config", {}).get("start")  # a fine-tuning has one
    if result == "encoder" and beginning is not None:
        raise ConfigError(
            f"a start must be scratch, imagenet or a pretraining run, {folder} is a fine-tuning "
            f"run. Give what it started from, --start {beginning}"
            f"{f', or its tuned encoder, --start {folder / tuned}' if has_tuned else ''}."
        )
    if status in {"collapsed", "diverged"}:
        raise ConfigError(
            f"a run must have finished to be used, {folder} {status} ({card.get('reason')}) and "
            f"left no {result}. Choose another run."
        )
    if result == "model" and (folder / "encoder").is_dir():
        raise ConfigError(
            f"the run must hold a fine-tuned model, {folder} is a pretraining run. Fine-tune it "
            f"first: anlage finetune STORE --start {folder} --task TASK --out OUT."
        )
    planned = card["stated"].get("steps_planned")
    done = _steps_done(folder, card)
    raise ConfigError(
        f"a run must have finished to be used, {folder} is at step {done:,}"
        f"{f' of {planned:,}' if planned else ''}. Give its command again; it goes on from there."
    )


def _steps_done(folder: Path, card: Mapping[str, Any]) -> int:
    """Return how far a run is: what its card says, else the last line of its log."""
    if "steps" in card:
        return int(card["steps"])
    try:
        lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
        return int(json.loads(lines[-1])["step"])
    except (OSError, ValueError, LookupError, TypeError):
        return 0


@cache
def environment() -> dict[str, Any]:
    """Return versions, commit, machine and threads: what a number depends on besides settings."""
    return {
        "anlage": __version__,
        "commit": _commit(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else _processor(),
        "threads": torch.get_num_threads(),
    }


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(json.dumps(values, indent=1), encoding="utf-8")
    draft.replace(path)


def _read_card(folder: Path) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        if not {"stated", "status"} <= card.keys():
            raise ValueError("keys are missing")
    except (ValueError, AttributeError):
        raise DataError(
            f"{folder} must hold a whole {_CARD}, but it is damaged. Remove the folder to start "
            "again, or choose another --out."
        ) from None
    return card


def _warn_of_bits(known: Mapping[str, Any]) -> None:
    here = environment()
    for name in _BITS:
        if name in known and known[name] != here[name]:
            tell(
                f"warning: this run was started with {name} {known[name]} and goes on with "
                f"{here[name]}; its weights will differ in their last bits"
            )


def _processor() -> str:
    return str(torch.cpu.get_capabilities().get("cpu_name", platform.processor()))


def now() -> str:
    """Return the time in UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _commit() -> str | None:
    """Return the commit of this source tree, if it is one; "+" marks uncommitted changes."""
    here = Path(__file__).parents[1]
    if not (here.parents[1] / ".git").exists():
        return None
    try:
        head = subprocess.run(
            ("git", "-C", str(here), "rev-parse", "--short=12", "HEAD"),
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        ).stdout.strip()
        changed = subprocess.run(
            ("git", "-C", str(here), "status", "--porcelain", "--", "."),
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if changed else "")
