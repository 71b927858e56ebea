"""Tensor files: what is damaged or foreign is refused in words."""

import hashlib
import json
import pickle
import struct
from pathlib import Path

import pytest
import torch

from anlage.encoders._tensor_file import read_tensors, write_tensors
from anlage.errors import DataError


def _with_header(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def _entry(begin: int, end: int) -> dict:
    return {"dtype": "F32", "shape": [(end - begin) // 4], "data_offsets": [begin, end]}


def test_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    image = torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last)
    tensors = {"a": image, "b": image[:, 1:], "c": torch.tensor(7), "d": image.bfloat16()}
    digest = write_tensors(tmp_path / "x.safetensors", tensors)
    assert digest == hashlib.sha256((tmp_path / "x.safetensors").read_bytes()).hexdigest()
    back = read_tensors(tmp_path / "x.safetensors", what="weights of x", sha256=digest)
    assert back.keys() == tensors.keys()
    for name, part in tensors.items():
        assert back[name].dtype == part.dtype
        assert torch.equal(back[name], part)


def test_a_flipped_bit_is_found_by_the_checksum(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    digest = write_tensors(path, {"a": torch.ones(100)})
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    assert read_tensors(path, what="x")["a"].sum() != 100  # the format itself does not notice
    with pytest.raises(DataError, match="weights of x are damaged: the checksum differs"):
        read_tensors(path, what="weights of x", sha256=digest)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 7,
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 200_000_000) + b"{" * 1000,
        _with_header({"a": _entry(0, 400)}, b"\x00" * 399),
        _with_header({"a": _entry(0, 8), "b": _entry(4, 12)}, b"\x00" * 12),
        _with_header({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}, bytes(4)),
        _with_header([1, 2, 3]),
        pickle.dumps({"a": 1}),
        b"PK\x03\x04" + b"\x00" * 200,
    ],
    ids=[
        "empty", "short", "header of 2^60", "header of 200 MB", "cut", "overlap", "shape lies",
        "no mapping", "pickle", "zip of torch.save",
    ],
)  # fmt: skip
def test_malformed_files_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    with pytest.raises(DataError, match="weights of x are not a well-formed safetensors file"):
        read_tensors(path, what="weights of x", sha256=digest)


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (canary,)

    path = tmp_path / "x.safetensors"
    torch.save(Trap(), path)
    with pytest.raises(DataError, match="other formats are never read"):
        read_tensors(path, what="weights of x")
    assert not canary.exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"readable file x\.safetensors, but: No such file"):
        read_tensors(tmp_path / "x.safetensors", what="weights of x")
