"""Groups that no split tears apart, and what is said of leaks."""

from __future__ import annotations

import json

import numpy as np
import pytest

from anlage.data._index import build_index
from anlage.data.duplicates import thumbnail
from anlage.data.identity import Identity
from anlage.data.importers import Record
from anlage.data.readers import Source
from anlage.errors import DataError


@pytest.fixture
def identity(tmp_path) -> Identity:
    return Identity(tmp_path)


@pytest.fixture
def kept(draw):
    """Return a function that makes records with journal rows; None draws another image."""

    def make(count: int, *, pictures=None, **known):
        pairs = []
        for number in range(count):
            seed = number if pictures is None else pictures[number]
            image = draw(int(seed))[None]
            if seed != int(seed):  # a half means: nearly that picture
                image = np.clip(image.astype(int) + 3, 0, 255).astype(np.uint8)
            row = {
                "id": f"id{number}",
                "shard": "images-0000.bin",
                "offset": 64 * number,
                "shape": [1, 40, 40],
                "spacing_mm": [1.0, 1.0],
                "sha256": f"hash{seed}",
                "mask_sha256": None,
                "boxes": [[1.0, 2.0, 3.0, 4.0, "a"]],
                "facts": {"Modality": "MR"},
                "thumbnail": thumbnail(image).tobytes().hex(),
            }
            record = Record(
                key=f"k{number}",
                image=Source(paths=()),
                **{name: values[number] for name, values in known.items()},
            )
            pairs.append((record, row))
        return pairs

    return make


def groups(index) -> list[int]:
    return index.frame["group"].to_list()


def parts_of(index) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for group, part in zip(groups(index), index.parts, strict=True):
        found.setdefault(group, set()).add(part)
    return found


def test_a_patient_is_a_group_and_lies_in_one_part(kept, identity) -> None:
    patients = ["a", "A ", "b", "c", "d", "d", "e", "f"]
    index = build_index(kept(8, patient=patients), identity, seed=0, allow_leaks=False)
    assert groups(index) == [0, 0, 1, 2, 3, 3, 4, 5]
    assert all(len(parts) == 1 for parts in parts_of(index).values())
    assert index.notes == ("patients: 6, in 6 groups", "split: drawn by group, seed 0")
    assert index.caveats == ()
    assert index.frame["patient"].to_list()[0] == identity.patient("a") != "a"


def test_equal_and_nearly_equal_images_are_one_group(kept, identity) -> None:
    pairs = kept(7, pictures=[0, 1, 2, 0, 1.5, 5, 6])
    index = build_index(pairs, identity, seed=0, allow_leaks=False)
    assert groups(index) == [0, 1, 2, 0, 1, 3, 4]
    assert "duplicates: 1 exact, 2 near pairs, kept together" in index.notes


def test_equal_pixels_are_one_group_even_if_their_thumbnails_are_not_compared(
    kept, identity
) -> None:
    """Of too many blank images, thumbnails say nothing."""
    pairs = [(record, row | {"sha256": "same"}) for record, row in kept(3)]
    index = build_index([*pairs, *kept(5)[3:]], identity, seed=0, allow_leaks=False)
    assert groups(index) == [0, 0, 0, 1, 2]


def test_duplicates_join_the_patients_that_they_belong_to(kept, identity) -> None:
    pairs = kept(6, pictures=[0, 1, 0, 3, 4, 5], patient=["a", "a", "b", "b", "c", "d"])
    index = build_index(pairs, identity, seed=0, allow_leaks=False)
    assert groups(index) == [0, 0, 0, 0, 1, 2]


def test_without_patients_a_caveat_says_so(kept, identity) -> None:
    index = build_index(kept(4), identity, seed=0, allow_leaks=False)
    (caveat,) = index.caveats
    assert caveat.startswith("patients: none given, grouped by near-duplicates (4 groups)")
    some = kept(4, patient=["a", None, "b", None])
    (caveat,) = build_index(some, identity, seed=0, allow_leaks=False).caveats
    assert caveat.startswith("warning: 2 of 4 images have no patient")


def test_look_alike_patients_are_a_caveat_that_names_none(kept, identity) -> None:
    pairs = kept(5, patient=["7", "007", "P 12", "p12", "13"])
    index = build_index(pairs, identity, seed=0, allow_leaks=False)
    (caveat,) = index.caveats
    assert caveat.startswith("warning: 2 patients are written in ways that differ only in")
    assert "p12" not in caveat.casefold()
    assert len(set(groups(index))) == 5


STATED = ["train", "train", "val", "test", "test", None]


def test_a_stated_split_is_kept_and_the_rest_trains(kept, identity) -> None:
    pairs = kept(6, split=STATED, patient=list("abcdef"))
    index = build_index(pairs, identity, seed=0, allow_leaks=False)
    assert index.parts == ["train", "train", "val", "test", "test", "train"]


def test_an_unmentioned_image_of_a_tested_patient_is_not_used(kept, identity) -> None:
    pairs = kept(6, split=STATED, patient=["a", "b", "c", "d", "e", "e"])
    index = build_index(pairs, identity, seed=0, allow_leaks=False)
    assert index.parts[-1] == ""


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"patient": ["a", "b", "a", "d", "e", "f"]}, "1 patients"),
        ({"patient": ["a", "b", "b", "a", "e", "f"]}, "2 patients"),
        ({"pictures": [0, 1, 2, 3, 0, 5]}, "1 groups of equal images"),
        (
            {"pictures": [0, 1, 2, 3, 0, 5], "patient": ["a", "b", "a", "d", "e", "f"]},
            "1 patients and 1 groups of equal images",
        ),
    ],
)
def test_a_stated_split_that_leaks_is_refused_unless_allowed(
    kept, identity, known: dict, words: str
) -> None:
    pairs = kept(6, split=STATED, **known)
    with pytest.raises(DataError, match=f"but {words} lie in more than one.*--allow-leaks"):
        build_index(pairs, identity, seed=0, allow_leaks=False)
    index = build_index(pairs, identity, seed=0, allow_leaks=True)
    leaks = [caveat for caveat in index.caveats if caveat.startswith("LEAK allowed: ")]
    assert len(leaks) == words.count(" and ") + 1
    assert set(index.caveats) <= set(index.notes)


def test_leave_to_leak_is_no_leak(kept, identity) -> None:
    pairs = kept(6, split=STATED, patient=list("abcdef"))
    assert build_index(pairs, identity, seed=0, allow_leaks=True).caveats == ()


def test_near_duplicates_across_parts_are_a_caveat(kept, identity) -> None:
    pairs = kept(6, split=STATED, pictures=[0, 1, 2, 0.5, 4, 5], patient=list("abcdef"))
    index = build_index(pairs, identity, seed=0, allow_leaks=False)
    assert index.caveats == ("warning: 1 pairs of near-duplicates lie in different parts",)


def test_two_groups_cannot_be_split(kept, identity) -> None:
    index = build_index(kept(4, patient=["a", "a", "b", "b"]), identity, seed=0, allow_leaks=False)
    assert index.parts == ["train"] * 4
    assert "all images are for pretraining, none for testing" in index.notes[1]


def test_the_drawn_split_is_stratified_by_the_first_label_of_few_values(kept, identity) -> None:
    labels = [{"age": number + 0.5, "grade": number % 2} for number in range(40)]
    for seed in range(3):
        index = build_index(kept(40, labels=labels), identity, seed=seed, allow_leaks=False)
        tested = [n % 2 for n, part in enumerate(index.parts) if part == "test"]
        assert sorted(tested) == [0] * 5 + [1] * 5


def test_the_seed_decides_on_the_split_alone(kept, identity) -> None:
    drawn = [build_index(kept(20), identity, seed=s, allow_leaks=False) for s in (0, 0, 1)]
    assert drawn[0].parts == drawn[1].parts != drawn[2].parts
    assert drawn[0].frame.equals(drawn[2].frame)


def test_whether_spacing_was_stated_is_in_the_table(kept, identity) -> None:
    pairs = kept(4)
    said = [True, False, True, False]
    for (_, row), stated in zip(pairs, said, strict=True):
        row["spacing_stated"] = stated
    index = build_index(pairs, identity, seed=0, allow_leaks=False)
    assert index.frame["spacing_stated"].to_list() == said
    older = build_index(kept(4), identity, seed=0, allow_leaks=False)
    assert older.frame["spacing_stated"].to_list() == [None] * 4


def test_labels_keep_their_type_and_gaps(kept, identity) -> None:
    labels = [
        {"age": 3, "grade": "low"},
        {"age": None, "grade": None},
        {"age": 4.5, "grade": "7"},
    ]
    frame = build_index(kept(3, labels=labels), identity, seed=0, allow_leaks=False).frame
    assert frame["label:age"].to_list() == [3.0, None, 4.5]
    assert frame["label:grade"].to_list() == ["low", None, "7"]


def test_boxes_facts_and_site_are_in_the_table(kept, identity) -> None:
    pairs = kept(3, site=["one", None, "two"])
    frame = build_index(pairs, identity, seed=0, allow_leaks=False).frame
    assert json.loads(frame["boxes"][0]) == [[1.0, 2.0, 3.0, 4.0, "a"]]
    assert json.loads(frame["facts"][0]) == {"Modality": "MR"}
    assert frame["site"].to_list() == ["one", None, "two"]
    assert frame["mask_shard"].to_list() == [None] * 3


@pytest.mark.parametrize(
    ("shape", "facts", "is_flagged"),
    [
        ([1, 9, 9, 9], {"BodyPartExamined": "HEAD"}, True),
        ([1, 9, 9, 9], {"BodyPartExamined": "BRAIN", "RecognizableVisualFeatures": "YES"}, True),
        ([1, 9, 9, 9], {"BodyPartExamined": "BRAIN", "RecognizableVisualFeatures": "NO"}, False),
        ([1, 9, 9, 9], {"BodyPartExamined": "CHEST"}, False),
        ([1, 9, 9, 9], {}, False),
        ([1, 9, 9], {"BodyPartExamined": "HEAD"}, False),
    ],
)
def test_volumes_of_heads_are_flagged_unless_stated_to_be_defaced(
    kept, identity, shape: list[int], facts: dict, is_flagged: bool
) -> None:
    pairs = [(record, row | {"shape": shape, "facts": facts}) for record, row in kept(3)]
    notes = build_index(pairs, identity, seed=0, allow_leaks=False).notes
    assert any("3 volumes of heads are not stated to be defaced" in note for note in notes) == (
        is_flagged
    )
