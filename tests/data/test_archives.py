"""Unpacking archives: what is refused before a byte is written, and what comes out."""

from __future__ import annotations

import gzip
import io
import resource
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlage.data.archives import ArchiveLimits, extract, is_archive
from anlage.errors import DataError

Members = dict[str, bytes]
GOOD: Members = {"a.txt": b"one", "b/c.txt": b"two", "b/d/": b"", "b/d/e.bin": b"\0" * 3000}


def zipped(path: Path, members: Members) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, members: Members) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            archive.addfile(info, io.BytesIO(data))
    return path


KINDS = {"a.zip": zipped, "a.tar": tarred, "a.tar.gz": tarred}


@pytest.fixture(params=list(KINDS))
def pack(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Members], Path]:
    name = str(request.param)
    return lambda members: KINDS[name](tmp_path / name, members)


def refused(archive: Path, words: str, limits: ArchiveLimits | None = None) -> None:
    """The archive is refused, and the folder holds what it held before."""
    folder = archive.parent
    before = sorted(folder.rglob("*"))
    with pytest.raises(DataError, match=words) as caught:
        extract(archive, folder / "out", limits)
    assert sorted(folder.rglob("*")) == before
    assert archive.name not in str(caught.value)


def test_contents_come_out(pack: Callable[[Members], Path], tmp_path: Path) -> None:
    archive = pack(GOOD)
    assert is_archive(archive)
    assert extract(archive, tmp_path / "new" / "out") == tmp_path / "new" / "out"
    out = tmp_path / "new" / "out"
    files = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert files == {name: data for name, data in GOOD.items() if not name.endswith("/")}
    assert [path.name for path in out.parent.iterdir()] == ["out"], "no temporary folder is left"
    for path in out.rglob("*"):
        assert not path.is_symlink()
        assert not path.is_file() or not path.stat().st_mode & 0o111


@pytest.mark.parametrize(
    "name",
    [
        *("../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:\\evil", "c:/evil", "..", "b/.."),
        "\\\\server\\evil",
    ],
)
def test_paths_that_lead_out(pack: Callable[[Members], Path], name: str) -> None:
    refused(pack({"good": b"1", name: b"evil"}), "path that leads out")


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "x" * 256, "d/" + "ä" * 128])
def test_names_that_are_no_plain_text(pack: Callable[[Members], Path], name: str) -> None:
    refused(pack({"good": b"1", name: b"2"}), "plain text of up to 255 bytes")


def test_null_byte_in_a_name(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"aXb": b"1"})
    path.write_bytes(path.read_bytes().replace(b"aXb", b"a\0b"))
    out = extract(path, tmp_path / "out")  # zipfile cuts names at a null byte
    assert [item.name for item in out.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["-rf", "ä漢.txt", "x" * 255, "a'\"$(ls)"])
def test_odd_names_are_kept(pack: Callable[[Members], Path], tmp_path: Path, name: str) -> None:
    out = extract(pack({name: b"1"}), tmp_path / "out")
    assert [path.name for path in out.iterdir()] == [name]


def test_backslashes_are_folders(tmp_path: Path) -> None:
    out = extract(zipped(tmp_path / "a.zip", {"b\\c.txt": b"1"}), tmp_path / "out")
    assert (out / "b" / "c.txt").read_bytes() == b"1"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_doubles_and_clashes(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("./a", b"2")
    refused(path, "two share one")
    refused(zipped(path, {"a": b"1", "a/b": b"2"}), "cannot be|can be unpacked")


@pytest.mark.parametrize(
    "kind",
    [
        *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE),
        tarfile.GNUTYPE_SPARSE,
    ],
)
def test_links_and_devices_in_tar(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("good"))
        info = tarfile.TarInfo("evil")
        info.type = kind
        info.linkname = "/etc/passwd"
        archive.addfile(info)
    refused(path, "links or devices|unpacked to its end")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_zip(tmp_path: Path, kind: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good", b"1")
        info = zipfile.ZipInfo("evil")
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    refused(path, "links or devices")


def test_too_many_entries(pack: Callable[[Members], Path]) -> None:
    archive = pack({f"{index}": b"" for index in range(12)})
    refused(archive, "up to 11 entries", ArchiveLimits(max_entries=11))
    extract(archive, archive.parent / "out", ArchiveLimits(max_entries=12))


def test_a_million_entries_are_not_parsed(tmp_path: Path) -> None:
    """The end record is believed before the directory, 46 MB, is read."""
    path = tmp_path / "a.zip"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 46 * 10**6, 0, 0)
    far = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**6, 10**6, 46 * 10**6, 0)
    path.write_bytes(b"\0" * 100 + far + struct.pack("<4sLQL", b"PK\x06\x07", 0, 100, 1) + end)
    refused(path, "up to 500,000 entries")
    huge = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 2 * 10**9, 0, 0)
    path.write_bytes(b"\0" * 100 + huge)
    refused(path, "entries")


def test_bombs(pack: Callable[[Members], Path]) -> None:
    archive = pack({"a": b"\0" * 10**6, "b": b"\0" * 10**6})
    tight = ArchiveLimits(free_bytes=1_999_999, max_ratio=0.5)
    refused(archive, "may unpack to 1,999,999", tight)
    refused(archive, "may unpack to 1,500,000", ArchiveLimits(max_bytes=1_500_000))
    extract(archive, archive.parent / "out", ArchiveLimits(free_bytes=2_000_000, max_ratio=0.5))


def test_ratio_counts_for_large_archives(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": b"\0" * 10**6})
    ratio = 10**6 / archive.stat().st_size
    loose = ArchiveLimits(free_bytes=0, max_ratio=ratio + 1)
    refused(archive, "decompression bomb", ArchiveLimits(free_bytes=0, max_ratio=ratio - 1))
    extract(archive, tmp_path / "out", loose)


def test_zip_that_lies_about_sizes(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"\0" * 5_000_000})
    true = struct.pack("<L", 5_000_000)
    data = path.read_bytes()
    at = data.rindex(true)
    for claim in (10, 5_000_001):
        path.write_bytes(data[:at] + struct.pack("<L", claim) + data[at + 4 :])
        refused(path, "unpacked to its end")


def test_huge_header_in_tar(tmp_path: Path) -> None:
    """An extended header of 1 GB, 1 MB on disk, which tarfile would read in one piece."""
    info = tarfile.TarInfo("././@PaxHeader")
    info.type = tarfile.XHDTYPE
    info.size = 2**30
    path = tmp_path / "a.tar.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(info.tobuf())
        stream.write(b"\0" * 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(path, "a header in a tar archive must be small")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KB


def test_encrypted_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"1"})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    path.write_bytes(bytes(data))
    refused(path, "without a password")


def test_other_methods(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"1")
    refused(path, "stored or deflated")


def test_existing_target(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", GOOD)
    (tmp_path / "out").mkdir()
    refused(archive, "must not exist")


@pytest.mark.parametrize("percent", range(0, 100, 10))
def test_truncated(pack: Callable[[Members], Path], percent: int) -> None:
    archive = pack({"a": bytes(range(256)) * 40, "b": bytes(range(255, -1, -1)) * 40})
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) * percent // 100])
    if archive.suffix == ".tar" and percent in (80, 90):  # only padding was cut off
        assert len(list(extract(archive, archive.parent / "out").iterdir())) == 2
    else:
        refused(archive, "must be a zip or tar file")


def test_tar_that_ends_between_two_files(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar", {"a": b"1", "b": b"2"})
    path.write_bytes(path.read_bytes()[:1024])
    refused(path, "unpacked to its end")


def test_tar_with_a_damaged_header(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar", {"a": b"1", "b": b"2"})
    data = bytearray(path.read_bytes())
    data[1024 + 150] ^= 1  # the second header's checksum
    path.write_bytes(bytes(data))
    refused(path, "unpacked to its end")


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(list(KINDS)),
    changes=st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 255)), max_size=4),
)
def test_any_damage_ends_in_a_folder_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, changes: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    path = KINDS[name](folder / name, GOOD)
    data = bytearray(path.read_bytes())
    for position, value in changes:
        data[position % len(data)] = value
    path.write_bytes(bytes(data))
    is_archive(path)
    try:
        extract(path, folder / "out")
    except DataError:
        assert [item.name for item in folder.iterdir()] == [name]


def test_is_archive(tmp_path: Path) -> None:
    assert not is_archive(tmp_path)
    assert not is_archive(tmp_path / "gone.zip")
    assert not is_archive(zipped(tmp_path / "data.npz", GOOD))
    for name, data in {
        "a.txt": b"hello",
        "a.gz": gzip.compress(b"x" * 999),
        "b.gz": b"\x1f\x8b",
    }.items():
        (tmp_path / name).write_bytes(data)
        assert not is_archive(tmp_path / name)
        refused(tmp_path / name, "must be a zip or tar file")
