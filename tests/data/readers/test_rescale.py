"""Rescaling: exact, in the narrowest type that holds the result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlage.data.readers._rescale import rescaled
from anlage.errors import DataError


@given(
    values=st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1),
    slope=st.integers(-(2**15), 2**15).filter(bool),
    intercept=st.integers(-(2**30), 2**30),
)
def test_whole_numbers_are_exact(values: list[int], slope: int, intercept: int) -> None:
    expected = [slope * value + intercept for value in values]
    result = rescaled(np.array(values, np.int16), slope, intercept)
    assert result.tolist() == expected
    fits = all(-(2**15) <= value < 2**15 for value in expected)
    assert result.dtype == (np.int16 if fits else np.int32)


@pytest.mark.parametrize(
    ("stored", "slope", "intercept", "expected"),
    [
        ([0, 0], 2.0**40, 5, [5, 5]),
        ([2**31, 2**31 + 1], 1, -(2.0**31), [0, 1]),
        ([1, 2], -1, 2.0**31, [2**31 - 1, 2**31 - 2]),
    ],
)
def test_wide_steps_on_the_way(stored: Any, slope: float, intercept: float, expected: Any) -> None:
    result = rescaled(np.array(stored, np.uint32), slope, intercept)
    assert result.tolist() == expected


def test_nothing_to_do_copies_nothing() -> None:
    stored = np.arange(3, dtype=np.uint16)
    assert rescaled(stored, 1, 0) is stored


def test_fractions_are_float32() -> None:
    result = rescaled(np.array([1, 16_777_217], np.int32), 0.5, 0.25)
    assert result.dtype == np.float32
    assert result.tolist() == [0.75, np.float32(16_777_217 * 0.5 + 0.25)]


@pytest.mark.parametrize(
    ("stored", "slope", "words"),
    [
        (np.array([2**20], np.int32), 2**12, "must fit int32"),
        (np.array([1e30], np.float32), 1e30, "must fit float32"),
        (np.array([7], np.int16), 1e300 + 0.5, "must fit"),
    ],
)
def test_overflow_is_refused(stored: Any, slope: float, words: str) -> None:
    with pytest.raises(DataError, match=words):
        rescaled(stored, slope, 0)
