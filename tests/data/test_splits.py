"""Splits keep groups whole, parts alike, and files honest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlage.data.splits import PARTS, by_group, leaks, read_split, write_split
from anlage.errors import DataError


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=3, max_size=80), st.integers(0, 5))
def test_no_group_is_torn(groups: list[int], seed: int) -> None:
    if len(set(groups)) < 3:
        groups = [*groups, 100, 101, 102]
    parts = by_group(np.array(groups), ["a"] * len(groups), seed=seed)
    assert leaks(parts, groups) == 0
    assert set(parts) <= set(PARTS)


def test_parts_have_their_shares_in_every_class() -> None:
    strata = ["ill"] * 60 + ["well"] * 140
    parts = by_group(np.arange(200), strata, seed=0)
    counts = Counter(zip(strata, parts, strict=True))
    assert counts == {
        ("ill", "train"): 36,
        ("ill", "val"): 9,
        ("ill", "test"): 15,
        ("well", "train"): 84,
        ("well", "val"): 21,
        ("well", "test"): 35,
    }


def test_other_shares_are_kept() -> None:
    shares = {"train": 0.2, "val": 0.2, "test": 0.6}
    parts = by_group(np.arange(100), [0] * 100, seed=0, shares=shares)
    assert Counter(parts) == {"train": 20, "val": 20, "test": 60}


def test_the_seed_decides() -> None:
    draws = [by_group(np.arange(40), [0] * 40, seed=seed) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_fewer_groups_than_parts_are_refused() -> None:
    with pytest.raises(DataError, match=r"at least 3 patients or groups, got 2"):
        by_group(np.array([0, 0, 1]), [0] * 3, seed=0)


def test_leaks_count_keys_not_images() -> None:
    parts = ["train", "test", "test", "val", "", "train"]
    assert leaks(parts, ["a", "a", "a", "b", "b", "c"]) == 1
    assert leaks(parts, [None] * 6) == 0
    assert leaks(["train", ""], ["a", "a"]) == 0


def test_a_written_split_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "splits" / "default.csv"
    write_split(path, ["a", "b", "c"], ["train", "test", ""], ["00", "11", "22"])
    assert read_split(path) == {"a": "train", "b": "test", "c": ""}
    assert path.read_bytes() == b"id,split,sha256\r\na,train,00\r\nb,test,11\r\nc,,22\r\n"
    assert [item.name for item in path.parent.iterdir()] == ["default.csv"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "must have the columns id and split"),
        ("name,split\na,train\n", "must have the columns id and split"),
        ("id,split\n", "must have the columns id and split"),
        ("id,split\na,train\na,test\n", "1 repeated ids"),
        ("id,split\na,training\n", "training"),
        ("id,split\na,test\nb,dev\n", "dev"),
    ],
)
def test_a_faulty_split_file_is_refused(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "default.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=words):
        read_split(path)


def test_a_split_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "default.csv"
    path.write_bytes(b"id,split\n\xff\xfe\x00,train\n")
    with pytest.raises(DataError, match="in UTF-8"):
        read_split(path)


def test_a_short_row_means_unused(tmp_path: Path) -> None:
    path = tmp_path / "default.csv"
    path.write_text("\ufeffid,split\na,train\nb\n", encoding="utf-8")
    assert read_split(path) == {"a": "train", "b": ""}
