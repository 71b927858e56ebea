"""`anlage demo` ends as its study does."""

import importlib

import pytest


@pytest.mark.parametrize("code", [0, 130])
def test_the_exit_code_is_the_studys(anlage, monkeypatch, tmp_path, code):
    class Outcome:
        exit_code = code

    seen = []
    module = importlib.import_module("anlage.study.demo")
    monkeypatch.setattr(module, "demo", lambda *, out: seen.append(out) or Outcome())
    assert anlage("demo", "--out", tmp_path / "d").code == code
    assert seen == [tmp_path / "d"]
