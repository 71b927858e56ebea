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
