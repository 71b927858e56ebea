"""Progress off a terminal is a plain line now and then; on one it is a bar."""

import sys

import pytest

from anlage import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test turns."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    turned = Clock()
    monkeypatch.setattr(progress.time, "monotonic", turned.monotonic)
    return turned


def test_nothing_is_shown_without_a_name(capsys):
    with progress.track(None, 3) as advance:
        advance(3, "")
    assert capsys.readouterr() == ("", "")


def test_off_a_terminal_lines_are_plain_and_rare(capsys, clock):
    with progress.track("Reading", 100) as advance:
        for _ in range(99):
            clock.now += 0.5
            advance(1, "note")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Reading 30/100  2 images/s  0:35 left  note"
    assert len(lines) == 3
    assert not any("\x1b" in line for line in lines)


def test_the_end_is_always_said(capsys, clock):
    with progress.track("Reading", 2, unit="jobs") as advance:
        clock.now += 1
        advance(1, "")
        clock.now += 1
        advance(1, "")
    assert capsys.readouterr().err == "Reading 2/2  1 jobs/s  0:00 left\n"


def test_work_of_an_earlier_run_counts_for_place_and_not_for_speed(capsys, clock):
    with progress.track("Reading", 100, done=80) as advance:
        clock.now += 20
        advance(10, "")
    assert capsys.readouterr().err == "Reading 90/100  2.0 s/image  0:20 left\n"


def test_progress_goes_to_stderr_and_words_to_stdout(capsys):
    progress.say("done")
    with progress.track("Reading", 1) as advance:
        advance(1, "")
    captured = capsys.readouterr()
    assert captured.out == "done\n"
    assert captured.err.startswith("Reading 1/1")


def test_on_a_terminal_it_is_a_bar_with_rate(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.track("Reading", 4) as advance:
        advance(4, "well")
    shown = capsys.readouterr().err
    assert "Reading" in shown
    assert "4/4" in shown
    assert "images/s" in shown


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3661, "61:01")])
def test_time_left_is_minutes_and_seconds(seconds, text):
    assert progress._clock(seconds) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(310.4, "310 jobs/s"), (1.0, "1 jobs/s"), (0.4, "2.5 s/job"), (0.0, "0 jobs/s")],
)
def test_slow_work_is_told_by_how_long_one_takes(rate, text):
    assert progress._pace(rate, "jobs") == text
