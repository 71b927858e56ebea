"""Functional groups of a multi-frame DICOM file: what holds for all frames, and for one.

Source: DICOM PS3.3 C.7.6.16.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from anlage.data.readers._dicom_values import items
from anlage.errors import DataError

__all__ = ["FrameGroups"]


@dataclass(frozen=True, slots=True)
class FrameGroups:
    """The groups of one file; both parts are empty in a file that has none.

    Attributes:
        shared: Groups of all frames, one item or none.
        own: Groups of each frame.
    """

    shared: list[Dataset]
    own: list[Dataset]

    @classmethod
    def of(cls, dataset: Dataset, frames: int) -> FrameGroups:
        """Read the groups of a file.

        Raises:
            DataError: If there are groups for another number of frames.
        """
        own = items(dataset, "PerFrameFunctionalGroupsSequence")
        if own and len(own) != frames:
            raise DataError(
                f"a multi-frame file must describe each of its {frames} frames, this one "
                f"describes {len(own)}. Its header is damaged; export it again."
            )
        return cls(items(dataset, "SharedFunctionalGroupsSequence"), own)

    def macro(self, frame: int, keyword: str) -> Dataset | None:
        """Return one group of a frame: its own, or else the shared one."""
        for group in (*self.own[frame : frame + 1], *self.shared[:1]):
            found = items(group, keyword)
            if found:
                return found[0]
        return None
