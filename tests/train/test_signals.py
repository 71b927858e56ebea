"""Signals: the first asks, the second ends, and afterwards all is as before."""

import os
import signal
import threading

import pytest

from anlage.train.signals import stop_on_signals


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGUSR1, 138)]
)
def test_a_first_signal_becomes_a_request_with_its_exit_code(number: int, code: int) -> None:
    with stop_on_signals() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        assert stop.exit_code == code


def test_a_second_ctrl_c_ends_at_once() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stop_on_signals():
            os.kill(os.getpid(), signal.SIGINT)
            ours = signal.getsignal(signal.SIGINT)
            asked: list[int] = []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(signal, "raise_signal", asked.append)
                ours(signal.SIGINT, None)
            assert asked == [signal.SIGINT]
            assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("number", "rank", "lines"),
    [(signal.SIGINT, "0", 1), (signal.SIGINT, "1", 0), (signal.SIGTERM, "0", 0)],
)
def test_a_first_ctrl_c_says_at_once_what_a_second_one_would_do(
    number: int,
    rank: str,
    lines: int,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RANK", rank)
    with stop_on_signals():
        os.kill(os.getpid(), number)
        told = capfd.readouterr()
    line = (
        "Stopping after this step; a second Ctrl-C ends at once and may lose up to the last "
        "checkpoint.\n"
    )
    assert told.err == line * lines
    assert told.out == ""


def test_a_ctrl_c_is_heeded_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_place: int, _text: bytes) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(os, "write", refuse)
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.exit_code == 130


def test_handlers_are_put_back_also_after_an_error() -> None:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers]
    inside: list[object] = []

    def work() -> None:
        with stop_on_signals():
            inside.extend(signal.getsignal(number) for number in numbers)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        work()
    assert inside != before
    assert [signal.getsignal(number) for number in numbers] == before


def test_in_another_thread_no_handler_is_touched() -> None:
    found: list[object] = []

    def work() -> None:
        with stop_on_signals() as stop:
            found.extend([bool(stop), signal.getsignal(signal.SIGTERM)])

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False, before]
