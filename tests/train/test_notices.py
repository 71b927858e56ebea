"""Of several processes one speaks, and a warning is said once."""

import pytest

from anlage.train.notices import tell, warn


@pytest.mark.parametrize(("rank", "said"), [(None, "a line\n"), ("0", "a line\n"), ("1", "")])
def test_only_the_first_process_speaks(
    rank: str | None, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    tell("a line")
    assert capsys.readouterr().out == said


def test_a_warning_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("the first", "the first", "another"):
        warn(line)
    assert capsys.readouterr().out == "warning: the first\nwarning: another\n"
