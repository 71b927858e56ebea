"""A study's own folder: nothing else goes into it, and it remembers what is compared."""

from __future__ import annotations

from pathlib import Path

from anlage.config import differences, read_yaml, write_yaml
from anlage.data.store import Store
from anlage.errors import ConfigError
from anlage.progress import say
from anlage.study.config import StudyConfig

__all__ = ["refuse_other", "remember"]

_FILE = "study.yaml"
_OTHERS = {"run.json": "a run of pretrain or finetune", "store.json": "a store"}
_UNREAD = {"method", "method_options"}  # of pretrain: each strategy has its own


def refuse_other(root: Path) -> None:
    """Refuse a folder that holds a run or a store: the files of both would be mixed.

    Raises:
        ConfigError: If it does.
    """
    found = next((what for name, what in _OTHERS.items() if (root / name).is_file()), None)
    if found and not (root / _FILE).is_file():
        raise ConfigError(
            f"--out must be a new folder or a study's, {root} holds {found}. Choose another --out."
        )


def remember(root: Path, config: StudyConfig, store: Store) -> None:
    """Save what is compared, or refuse to mix two studies in one folder.

    Raises:
        ConfigError: If the folder holds a study of another store.
    """
    path = root / _FILE
    settings = config.model_dump(mode="json", exclude={"pretrain": _UNREAD})
    stated = {"store": store.fingerprint, **settings}
    if path.is_file():
        known = read_yaml(path)
        if known.get("store") != stated["store"]:
            raise ConfigError(
                f"{root} holds a study of another store, or of this one before it changed. Use "
                "another --out."
            )
        for line in differences(known, stated):
            if line.split(":")[0] not in {f"pretrain.{name}" for name in _UNREAD}:
                say(f"  changed since the last run: {line}")
    write_yaml(path, stated)
