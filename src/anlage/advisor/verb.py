"""`anlage.advise`: what the store and the machine tell, what the user says, and the advice."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anlage.advisor.answer import Advice
from anlage.advisor.profile import Audited, Profile
from anlage.advisor.rank import advise as rank
from anlage.advisor.recipe import write_recipes
from anlage.errors import ConfigError, DataError

__all__ = ["advise", "machine_facts"]

_GPU = Path("/proc/driver/nvidia/version")


def advise(
    profile: Profile | None = None,
    *,
    store: str | Path | None = None,
    split: str = "default",
    audit: str | Path | Sequence[str | Path] = (),
    recipe: str | Path | None = None,
    **facts: Any,
) -> Advice:
    """Rank strategies for a modality, task, label budget and machine, with the evidence.

    Args:
        profile: The case; None builds it from the store, this machine and the facts.
        store: Folder made by ``prepare``, which tells most of the case.
        split: Name of its split.
        audit: Folders that ``audit --out`` wrote, or the ``alignment.json`` in them, one or
            several: by method, what views keep and the rehearsed gain. Shown, and rank nothing.
        recipe: Also write what ``study`` runs to this file, and what ``pretrain`` runs beside it.
        facts: Fields of `Profile`; they go before what the store and the machine tell.

    Returns:
        Ranked strategies with reasons, costs and risks.

    Raises:
        ConfigError: If a fact or the audit is unknown or out of range, or no recipe can be
            written.
        DataError: If the store or the audit cannot be read.
    """
    audits = [audit] if isinstance(audit, str | Path) else list(audit)
    if profile is None:
        profile = _profile(store, split, [Path(one) for one in audits], facts)
    elif store or audits or facts:
        raise ConfigError(
            "advise takes either a whole profile or a store and facts, got both. Leave one out."
        )
    advice = rank(profile)
    if recipe is not None:
        write_recipes(advice, Path(recipe))
    return advice


def machine_facts() -> dict[str, Any]:
    """Return device and memory of this machine, and which weights are at hand.

    A GPU is only noticed, not asked for its memory: that would need torch.
    """
    if _GPU.is_file():
        return {"device": "cuda", "weights": _weights()}
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    return {"device": "cpu", "memory_gb": round(memory, 1), "weights": _weights()}


def _profile(
    store: str | Path | None, split: str, audits: Sequence[Path], facts: dict[str, Any]
) -> Profile:
    said = {name: value for name, value in facts.items() if value not in (None, ())}
    found: dict[str, Any] = machine_facts()
    if store is not None:
        from anlage.advisor.from_store import store_facts

        found |= store_facts(
            store, task=said.get("task"), label=tuple(said.get("label", ())), split=split
        )
    if audits:
        found["alignment"] = _audited(audits)
        _check_same(found["alignment"], store, tuple(said.get("label", ())))
    return Profile.parse({**found, **said}, where="advise")


def _audited(paths: Sequence[Path]) -> dict[str, Audited]:
    found: dict[str, Audited] = {}
    for path in paths:
        own = _audit(path / "alignment.json" if path.is_dir() else path)
        if twice := found.keys() & own.keys():
            raise ConfigError(
                f"every method may be audited once, but {path} and an audit before it are both "
                f"about {', '.join(sorted(twice))}. Leave one out."
            )
        found |= own
    return found


def _check_same(
    audited: dict[str, Audited], store: str | Path | None, labels: tuple[str, ...]
) -> None:
    """Refuse audits of other images or of another label than advice is asked for."""
    if store is not None:
        from anlage.data.store import Store

        own = Store.open(store).fingerprint
        strange = sorted(name for name, one in audited.items() if one.store not in {None, own})
        if strange:
            raise ConfigError(
                f"audits must be of the store that advice is asked for, but {store} is {own} and "
                f"that of {strange[0]} is of {audited[strange[0]].store}. Audit this store."
            )
    for name, one in audited.items():
        if labels and one.label is not None and one.label not in labels:
            raise ConfigError(
                f"audits must read the label that advice is asked for, {', '.join(labels)}, but "
                f"that of {name} read {one.label}. Run anlage audit with --label {labels[0]}."
            )


def _audit(path: Path) -> dict[str, Audited]:
    if not path.exists():
        raise DataError(
            f"{path} must be what anlage audit --out wrote, but there is no such file or folder. "
            "Check the path, and that the audit had --out."
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"an audit must be the alignment.json that anlage audit ... --out writes, {path} is "
            f"no JSON file ({type(error).__name__}). Check the path."
        ) from None
    return Profile.parse({"alignment": found}, where=str(path)).alignment


def _weights() -> tuple[str, ...] | None:
    """Return ("imagenet",) where the user's folder of weights holds any; None: not known."""
    folder = os.environ.get("ANLAGE_WEIGHTS")
    if folder and any(Path(folder).glob("*.safetensors")):
        return ("imagenet",)
    return None
