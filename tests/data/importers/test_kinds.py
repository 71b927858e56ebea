"""_kinds: what names say."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from anlage.data.importers._kinds import counted, is_mask_folder, is_mask_name, suffix_of


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.NII.GZ", ".nii.gz"),
        ("a.b.png", ".png"),
        ("a.tar.gz", ".tar.gz"),
        ("a.gz", ".gz"),
        ("IM0001", ""),
        (".png", ""),
    ],
)
def test_suffixes(name, suffix):
    assert suffix_of(PurePath("x") / name) == suffix


@pytest.mark.parametrize(
    ("name", "is_mask"),
    [
        ("benign (1)_mask.png", True),
        ("benign (1)_mask_1.png", True),
        ("case_SEG.nii.gz", True),
        ("mask.png", True),
        ("01-groundtruth.tif", True),
        ("masked_autoencoder.png", False),
        ("unmasked.png", False),
        ("damask.png", False),
        ("scan.png", False),
    ],
)
def test_names_of_label_maps(name, is_mask):
    assert is_mask_name(PurePath(name)) == is_mask


@pytest.mark.parametrize(
    ("name", "is_mask"),
    [
        ("masks", True),
        ("labelsTr", True),
        ("lesion_masks", True),
        ("Ground Truth", True),
        ("seg", False),
        ("unlabelled", False),
        ("benign", False),
    ],
)
def test_folders_of_label_maps(name, is_mask):
    assert is_mask_folder(name) == is_mask


def test_counts_agree_with_their_nouns():
    assert counted(1, "image") == "1 image"
    assert counted(1200, "image") == "1,200 images"
    assert counted(0, "entry", "entries") == "0 entries"
