"""`anlage demo` ends as its study does."""

import importlib

import pytest


@pytest.mark.parametrize("code", [0, 130])
def test_the_exit_code_is_the_studys(anlage, monkeypatch, tmp_path, code):
    class Outcome:
        exit_code = code
        next = ("why", "Next: a command")

    seen = []
    module = importlib.import_module("anlage.study.demo")
    monkeypatch.setattr(module, "demo", lambda *, out: seen.append(out) or Outcome())
    ran = anlage("demo", "--out", tmp_path / "d")
    assert (ran.code, ran.last) == (code, "Next: a command")
    assert seen == [tmp_path / "d"]
