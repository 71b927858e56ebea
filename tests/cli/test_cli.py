"""The command: the same as the functions, quick to answer, clear when something is wrong."""

import errno
import importlib
import inspect
import signal
import subprocess
import sys

import pytest
from typer.models import ArgumentInfo

import anlage as package
import anlage.cli as cli
from anlage.errors import ShapeError
from anlage.study.config import StudyConfig
from anlage.train.finetune import FinetuneConfig
from anlage.train.pretrain import PretrainConfig

VERBS = (
    "prepare",
    "audit",
    "pretrain",
    "finetune",
    "evaluate",
    "study",
    "report",
    "demo",
    "cohort",
    "verify",
    "locate",
)
SETTINGS = {"pretrain": PretrainConfig, "finetune": FinetuneConfig, "study": StudyConfig}


def command_of(verb):
    verb_of = getattr(importlib.import_module(f"anlage.cli.{verb}"), verb)
    return inspect.signature(verb_of, eval_str=True)


def is_argument(parameter):
    return any(isinstance(note, ArgumentInfo) for note in parameter.annotation.__metadata__)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_an_argument_of_the_function_and_the_other_way_round(verb):
    function = inspect.signature(getattr(package, verb)).parameters
    wanted = {n for n, p in function.items() if p.kind is not inspect.Parameter.VAR_KEYWORD}
    options = set(command_of(verb).parameters)
    fields = set(SETTINGS[verb].model_fields) if verb in SETTINGS else set()
    assert wanted <= options, "arguments without an option"
    extra = options - wanted - {"set_"}
    assert extra <= fields, "options without an argument or a setting"
    assert ("set_" in options) == bool(fields)


@pytest.mark.parametrize("verb", VERBS)
def test_defaults_of_options_are_those_of_the_function(verb):
    command, function = command_of(verb), inspect.signature(getattr(package, verb))
    for name, parameter in command.parameters.items():
        if name not in function.parameters or is_argument(parameter):
            continue
        ours, theirs = parameter.default, function.parameters[name].default
        same = str(ours) == str(theirs) or not (ours or theirs)
        assert same, f"{name}: {ours!r} here, {theirs!r} there"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_says_what_it_is_for(verb, anlage):
    ran = anlage(verb, "--help")
    assert ran.code == 0
    for name, parameter in command_of(verb).parameters.items():
        note = parameter.annotation.__metadata__[0]
        assert note.help, name


def test_help_lists_every_verb_in_the_order_of_work(anlage):
    text = anlage("--help").out
    places = [text.index(f"\n  {verb} ") for verb in VERBS]
    assert places == sorted(places)
    for command in ("anlage demo", "anlage prepare FOLDER"):
        assert command in " ".join(text.split())


def test_the_command_without_a_verb_is_help(anlage):
    assert "from unlabelled scans to an encoder" in anlage().out + anlage().err


def test_help_imports_no_torch():
    code = (
        "import sys\nfrom anlage.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'polars', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_option_is_a_mistake_of_the_user(verb, anlage):
    ran = anlage(verb, "--no-such-option")
    assert ran.code == 2
    assert "No such option" in ran.err
    assert "Traceback" not in ran.err


def test_an_unknown_verb_is_a_mistake_of_the_user(anlage):
    ran = anlage("pretrian")
    assert ran.code == 2
    assert "No such command 'pretrian'" in ran.err


@pytest.fixture
def broken(monkeypatch):
    """Make the function behind `anlage report` raise."""

    def make(error):
        def raises(*_given, **_options):
            raise error

        monkeypatch.setattr(
            importlib.import_module("anlage.report.study_page"), "write_report", raises
        )

    return make


def test_ctrl_c_is_130_and_nothing_is_lost(broken, anlage):
    broken(KeyboardInterrupt())
    ran = anlage("report", "x")
    assert ran.code == 130
    assert "Nothing is lost: the same command goes on from here." in ran.err


def test_a_full_disk_is_said_in_words(broken, anlage):
    broken(OSError(errno.ENOSPC, "No space left on device"))
    ran = anlage("report", "x")
    assert ran.code == 2
    assert ran.err.strip() == (
        "DataError: the disk or network must work, but it failed (No space left on device). Free "
        "space; the same command goes on from here."
    )


def test_a_bug_of_ours_is_one_and_no_traceback(broken, anlage):
    broken(ShapeError("two tensors do not fit"))
    ran = anlage("report", "x")
    assert ran.code == 1
    assert ran.err.strip() == "ShapeError: two tensors do not fit"


@pytest.mark.parametrize("error", [RuntimeError("/data/JANE_DOE.dcm"), MemoryError(), KeyError(3)])
def test_an_unforeseen_fault_is_one_line_without_values(broken, anlage, error):
    broken(error)
    ran = anlage("report", "x")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1
    assert type(error).__name__ in ran.err
    assert "--debug" in ran.err
    assert "JANE" not in ran.err


@pytest.mark.parametrize("error", [RuntimeError("x"), OSError("x"), ShapeError("x")])
def test_debug_shows_where_a_fault_comes_from(broken, error):
    broken(error)
    with pytest.raises(type(error)):
        cli.main(["report", "x", "--debug"])


def test_sigint_in_a_real_process_is_130(tmp_path):
    code = (
        "import os, signal, sys, time\n"
        "import anlage.data.locate as place\n"
        "def slow(*a, **k):\n    print('begun', flush=True); time.sleep(30)\n"
        "place.locate = slow\n"
        "from anlage.cli import main\n"
        "main(['locate', 'x', '--source', '.'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Nothing is lost" in said
    assert "Traceback" not in said


def test_ctrl_c_while_the_command_is_still_being_imported_is_130():
    code = (
        "import sys\nfrom importlib.abc import MetaPathFinder\n"
        "class Stop(MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'typer':\n            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from anlage.cli import main\nmain(['--help'])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 130
    assert ran.stderr == "Stopped. Nothing is lost: the same command goes on from here.\n"


def test_help_tells_of_debug(anlage):
    assert "--debug" in anlage("--help").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pretrain", "s", "--out", "r", "--method", "simcrl"], "Did you mean 'simclr'"),
        (["pretrain", "s", "--out", "r", "--set", "stpes=3"], "Did you mean 'steps'"),
        (["finetune", "s", "--out", "r", "--set", "adapt.epcohs=3"], "Did you mean 'epochs'"),
        (["study", "s", "--out", "r", "--set", "pretrain.stpes=3"], "Did you mean 'steps'"),
    ],
)
def test_a_misspelt_name_or_setting_is_refused_before_torch_is_imported(words, said):
    code = (
        f"import sys\nfrom anlage.cli import main\n"
        f"try:\n    main({words!r})\n"
        "finally:\n    print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert ran.stdout == "False\n"
