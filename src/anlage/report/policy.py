"""`anlage modality`: which policies there are, what one says, and what its views look like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from anlage import plugins
from anlage.errors import ConfigError
from anlage.modalities import Policy
from anlage.report.policy_words import list_text, policy_facts, policy_text

__all__ = ["modality"]


def modality(
    name: str | None = None,
    *,
    show: bool = False,
    image: Path | None = None,
    store: Path | None = None,
    out: Path | None = None,
    format: Literal["text", "json"] = "text",
) -> str:
    """Return what Anlage knows about a modality, and draw its views if asked to.

    Args:
        name: A modality; None lists all.
        show: Whether to draw every view at its default and at its limit.
        image: An image of your own to draw on; None: a virtual one.
        store: A store to draw on instead: its first image.
        out: Picture to write; None: NAME-policy.png in this folder.
        format: ``text`` for people, ``json`` for programs.

    Raises:
        ConfigError: If there is no such modality, or the options do not go together.
        DataError: If the image or the store cannot be read.
    """
    if format not in ("text", "json"):
        raise ConfigError(f"format must be text or json, got {format!r}. Choose one of them.")
    asks = show or image is not None or store is not None or out is not None
    if name is None:
        if asks:
            raise ConfigError(
                "a picture is drawn of one modality, got none. Name it, as in: "
                "anlage modality ct --show"
            )
        return _listed(format)
    if image is not None and store is not None:
        raise ConfigError("views are drawn on one image, got --image and --store. Leave one out.")
    policy: Policy = plugins.load("modalities", name)
    picture = None
    if asks:
        from anlage.report.policy_sheet import draw_policy

        picture = out or Path(f"{name}-policy.png")
        draw_policy(picture, name, policy, image=image, store=store)
    if format == "json":
        facts = policy_facts(name, policy)
        if picture is not None:
            facts["picture"] = str(picture)
        return json.dumps(facts, indent=1)
    last = f"Picture: {picture}" if picture else f"Draw it: anlage modality {name} --show"
    return (
        f"{policy_text(name, policy)}\n\n{last}\n"
        f"Next: anlage prepare FOLDER --modality {name} --out store"
    )


def _listed(format: Literal["text", "json"]) -> str:
    policies: dict[str, Policy] = {
        name: plugins.load("modalities", name) for name in plugins.available("modalities")
    }
    if format == "json":
        return json.dumps(
            {
                name: {"title": policy.title, "dims": list(policy.dims)}
                for name, policy in policies.items()
            },
            indent=1,
        )
    return list_text(policies)
