"""Names become hashes that only this user's key can make."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from anlage.data.identity import Identity, home, look_alikes, normalise_patient
from anlage.errors import DataError

KEY = bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "identity.key").write_text(KEY.hex())
    return tmp_path


def test_a_hash_is_an_hmac_of_kind_and_name(folder: Path) -> None:
    expected = hmac.new(KEY, b"image:a/b.png", hashlib.sha256).hexdigest()[:16]
    assert Identity(folder).image("a/b.png") == expected
    expected = hmac.new(KEY, b"patient:jane doe", hashlib.sha256).hexdigest()[:16]
    assert Identity(folder).patient("Jane  Doe") == expected


def test_another_key_gives_other_hashes(folder: Path, tmp_path: Path) -> None:
    assert Identity(folder).image("a") != Identity(tmp_path / "other").image("a")


def test_an_image_and_a_patient_of_one_name_differ(folder: Path) -> None:
    assert Identity(folder).image("a") != Identity(folder).patient("a")


def test_a_name_that_is_no_text_can_be_hashed(folder: Path) -> None:
    assert len(Identity(folder).image(os.fsdecode(b"\xff.png"))) == 16


@pytest.mark.parametrize("written", ["P 7", "p 7", " P  7 ", "p\t7", "\uff30 7", "P\u00a07"])
def test_case_blanks_and_unicode_forms_are_one_patient(written: str) -> None:
    assert normalise_patient(written) == "p 7"


@pytest.mark.parametrize("other", ["p7", "p 07", "p 8", "p-7"])
def test_what_may_be_another_patient_stays_one(other: str) -> None:
    assert normalise_patient(other) != "p 7"


@pytest.mark.parametrize(
    ("identifiers", "count"),
    [
        (["7", "007"], 1),
        (["7", "007", "07", "7"], 1),
        (["P-7", "p-07", "P-8", "p-008"], 2),
        (["P 7", "P7"], 1),
        (["0", "00"], 1),
        (["a0b", "a00b"], 1),
        (["10", "100", "1", "01000"], 0),
        (["1.20", "1.2", "1.02"], 1),
        (["7", "7", " 7 "], 0),
        (["70", "7"], 0),
        ([], 0),
    ],
)
def test_identifiers_that_differ_in_zeros_or_blanks_are_counted(
    identifiers: list[str], count: int
) -> None:
    assert look_alikes(identifiers) == count


def test_the_key_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    first = Identity(folder).image("a")
    key = folder / "identity.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(bytes.fromhex(key.read_text())) == 32
    assert Identity(folder).image("a") == first
    assert [path.name for path in folder.iterdir()] == ["identity.key"]


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda _: Identity(tmp_path).image("a"), range(64)))
    assert len(set(ids)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["identity.key"]


@pytest.mark.parametrize("content", ["", "zz", "00", KEY.hex() + "00"])
def test_a_damaged_key_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    (tmp_path / "identity.key").write_text(content)
    with pytest.raises(DataError, match=r"file of 64 hex digits.*ANLAGE_HOME"):
        Identity(tmp_path)
    assert (tmp_path / "identity.key").read_text() == content


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="identity key must be"):
        Identity(tmp_path / "file" / "below")


def test_home_is_stated_or_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANLAGE_HOME", str(tmp_path))
    assert home() == tmp_path
    Identity()
    assert (tmp_path / "identity.key").is_file()
    monkeypatch.delenv("ANLAGE_HOME")
    assert home() == Path.home() / ".config" / "anlage"
