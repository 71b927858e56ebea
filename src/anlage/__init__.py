"""Anlage: from unlabelled scans to an encoder that is proven to help your task.

Every verb of the command line is a function of the same name and arguments here. They are
imported when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from anlage.version import __version__

if TYPE_CHECKING:
    from anlage.advisor.verb import advise
    from anlage.data.cohort import cohort
    from anlage.data.locate import locate
    from anlage.data.prepare import prepare
    from anlage.data.verify import verify
    from anlage.encoders import load_encoder
    from anlage.evaluate.run import evaluate
    from anlage.evidence.verb import evidence
    from anlage.report.policy import modality
    from anlage.report.study_page import write_report as report
    from anlage.study.demo import demo
    from anlage.study.run import study
    from anlage.train.audit import audit
    from anlage.train.finetune import finetune
    from anlage.train.pretrain import pretrain

__all__ = [
    "__version__",
    "advise",
    "audit",
    "cohort",
    "demo",
    "evaluate",
    "evidence",
    "finetune",
    "load_encoder",
    "locate",
    "modality",
    "prepare",
    "pretrain",
    "report",
    "study",
    "verify",
]

_HOMES = {
    "advise": ("anlage.advisor.verb", "advise"),
    "audit": ("anlage.train.audit", "audit"),
    "cohort": ("anlage.data.cohort", "cohort"),
    "demo": ("anlage.study.demo", "demo"),
    "evaluate": ("anlage.evaluate.run", "evaluate"),
    "evidence": ("anlage.evidence.verb", "evidence"),
    "finetune": ("anlage.train.finetune", "finetune"),
    "load_encoder": ("anlage.encoders", "load_encoder"),
    "locate": ("anlage.data.locate", "locate"),
    "modality": ("anlage.report.policy", "modality"),
    "prepare": ("anlage.data.prepare", "prepare"),
    "pretrain": ("anlage.train.pretrain", "pretrain"),
    "report": ("anlage.report.study_page", "write_report"),
    "study": ("anlage.study.run", "study"),
    "verify": ("anlage.data.verify", "verify"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"anlage has no attribute {name!r}")
    verb = _verb(name)
    return sys.modules.get(f"{__name__}.{name}", verb)


def _verb(name: str) -> Any:
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


class _VerbRoom(ModuleType):
    """A room named like a verb, such as ``study``, which can be called as that verb."""

    def __call__(self, *given: Any, **options: Any) -> Any:
        return self.__wrapped__(*given, **options)

    @property
    def __wrapped__(self) -> Any:
        return _verb(self.__name__.rpartition(".")[2])


class _Package(ModuleType):
    """Python binds a room's name to the room; here that must not hide the verb."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOMES and isinstance(value, ModuleType):
            value.__class__ = _VerbRoom
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
