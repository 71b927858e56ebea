"""Commands, recipes and Python in the pages are such as Anlage takes."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml

import anlage
import anlage.cli._app as command_line
from anlage import plugins
from anlage.data.store import Store
from anlage.errors import AnlageError
from anlage.study.config import StudyConfig
from anlage.train.finetune import FinetuneConfig
from anlage.train.pretrain import PretrainConfig

_INLINE = re.compile(r"(?<!`)`(anlage [^`\n]+)`(?!`)")
_RECIPES: dict[str, tuple[str, dict[str, Any]]] = {  # what an unknown recipe must hold
    "finetune": ("anlage.config", {"start": "scratch", "task": "classification"}),
    "pretrain": ("anlage.config", {}),
    "study": ("anlage.study.config", {"tasks": [{"task": "classification"}]}),
}
_SHELL = ("", "bash", "sh", "console")  # "": a block without a language


class _AcceptedError(Exception):
    """A verb got settings that it would begin to work with."""


@pytest.fixture(scope="module")
def verbs() -> dict[str, Any]:
    command_line._add_verbs()
    return dict(typer.main.get_command(command_line.app).commands)


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the words behind ``anlage`` in every line of a shell block that has it as a word."""
    for line in text.replace("\\\n", " ").splitlines():
        if not re.match(r"(\$ )?([A-Z_]+=\S+ |torchrun .*)?anlage\b", line):
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if "anlage" in words:
            after = words[words.index("anlage") + 1 :]
            end = next(
                (i for i, word in enumerate(after) if word in {"|", "&&", ";", "&", ">"}), None
            )
            yield [word for word in after[:end] if word != "--debug"]


def _fault(verbs: dict[str, Any], words: list[str]) -> str | None:
    """Parse one whole command as the command line would, without running it."""
    if not words or words == ["--help"] or words == ["--version"]:
        return None
    if words[0] not in verbs:
        return f"no verb {words[0]}"
    if "--help" in words:
        return None
    try:
        verbs[words[0]].make_context(words[0], words[1:])
    except Exception as error:
        return f"{' '.join(words)}: {error}"
    return None


def test_whole_commands_parse(pages, verbs) -> None:
    found = [
        (page.name, words)
        for page in pages
        for block in page.blocks(*_SHELL)
        for words in _commands(block.text)
    ]
    assert len(found) > 30
    assert [(name, fault) for name, words in found if (fault := _fault(verbs, words))] == []


@pytest.mark.parametrize("verb", sorted(_RECIPES))
def test_settings_in_commands_are_accepted(verb: str, pages, verbs, monkeypatch) -> None:
    def accept(_path: Any) -> None:
        raise _AcceptedError

    module, recipe = _RECIPES[verb]
    monkeypatch.setattr(importlib.import_module(module), "read_yaml", lambda _path: recipe)
    monkeypatch.setattr(plugins, "family", lambda *_names: "")  # pages teach to write new ones
    monkeypatch.setattr(Store, "open", accept)  # a verb opens its store once settings are good
    refused = []
    for page in pages:
        for block in page.blocks(*_SHELL):
            for words in _commands(block.text):
                if words[:1] != [verb] or _fault(verbs, words):
                    continue
                try:
                    verbs[verb].invoke(verbs[verb].make_context(verb, words[1:]))
                except _AcceptedError:
                    continue
                except AnlageError as error:
                    refused.append(f"{page.name}: {' '.join(words)}: {error}")
    assert refused == []


def test_commands_named_in_prose_exist(pages, verbs) -> None:
    unknown = []
    for page in pages:
        for text in _INLINE.findall(page.prose):
            verb, *words = shlex.split(text)[1:]
            options = {
                option
                for parameter in getattr(verbs.get(verb), "params", ())
                for option in parameter.opts
            }
            asked = {word.partition("=")[0] for word in words if word.startswith("--")}
            if verb.startswith("--"):
                continue
            if verb not in verbs or not asked <= options | {"--help", "--debug"}:
                unknown.append(f"{page.name}: {text}")
    assert unknown == []


def test_a_wrong_command_is_noticed(verbs) -> None:
    (words,) = _commands(
        "$ torchrun --no-python anlage pretrain store \\\n  --metod mae --out x | tee log"
    )
    assert words == ["pretrain", "store", "--metod", "mae", "--out", "x"]
    assert "--metod" in _fault(verbs, words)
    assert _fault(verbs, ["pretrian"]) == "no verb pretrian"
    assert _fault(verbs, ["pretrain", "store", "--method", "mae", "--out", "x"]) is None


def test_python_compiles(pages) -> None:
    count = 0
    for page in pages:
        for block in page.blocks("python"):
            compile(block.text, page.name, "exec")
            count += 1
    assert count > 5


def test_names_that_python_snippets_import_from_anlage_exist(pages) -> None:
    wanted = {
        name.strip()
        for page in pages
        for block in page.blocks("python")
        for names in re.findall(r"^from anlage import (.+)$", block.text, re.MULTILINE)
        for name in names.split(",")
    }
    assert [name for name in wanted if name != "plugins" and not hasattr(anlage, name)] == []


def _config(values: dict[str, Any]) -> type:
    if "strategies" in values or "tasks" in values:
        return StudyConfig
    return FinetuneConfig if "start" in values or "task" in values else PretrainConfig


def test_recipes_are_accepted(pages) -> None:
    refused = []
    for page in pages:
        for block in page.blocks("yaml"):
            values = yaml.safe_load(block.text)
            try:
                _config(values).parse(values, where=page.name)
            except AnlageError as error:
                refused.append(str(error))
    assert refused == []
