"""The advisor: which strategy for this case, with what gain, on whose word, at what cost.

`advise` is a pure function of a typed `Profile`; `verb.advise` is the command. The room imports
no torch and answers at once.
"""

from __future__ import annotations

from anlage.advisor.answer import Advice, Recommendation, Strategy
from anlage.advisor.profile import Profile
from anlage.advisor.rank import advise

__all__ = ["Advice", "Profile", "Recommendation", "Strategy", "advise"]
