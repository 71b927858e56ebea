"""Run the command in this process and look at all that a user would see."""

from dataclasses import dataclass

import pytest

from anlage.cli import main


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def last(self):
        return self.out.splitlines()[-1]


@pytest.fixture
def anlage(capfd):
    """Run `anlage ...`."""

    def run(*arguments):
        capfd.readouterr()
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def refused(anlage):
    """Run a command that must be refused: code 2, one clear message, no traceback."""

    def run(*arguments):
        ran = anlage(*arguments)
        messages = [line for line in ran.err.splitlines() if line.split(":")[0].endswith("Error")]
        assert ran.code == 2, ran
        assert len(messages) == 1, ran
        assert "Traceback" not in ran.err + ran.out
        return messages[0]

    return run
