"""What published studies say: results with sources, design rules, and their synthesis.

`load` gives the base; `select` filters its rows; `pooled_effect` answers one question with mean,
interval, prediction interval and the ids for and against. `add` takes a user's own results,
`screening` keeps a living systematic review. The base stands on settings and errors alone and
imports no torch.
"""

from __future__ import annotations

from anlage.evidence.answer import Answer, pooled_effect
from anlage.evidence.base import Base, add, load, select
from anlage.evidence.records import Row, Rule

__all__ = ["Answer", "Base", "Row", "Rule", "add", "load", "pooled_effect", "select"]
