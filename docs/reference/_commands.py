"""Write commands.md from the command line itself."""

from __future__ import annotations

import inspect
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

import anlage.cli._app as command_line

PAGE = Path(__file__).with_name("commands.md")

_START = """# Commands

*Made by `docs/reference/_make.py` from the command line; do not edit by hand.*

Every command is also a function of the package `anlage`, with the same name and arguments:
`anlage prepare scans --out store` is `anlage.prepare("scans", out="store")`.

Exit codes: 0 done; 1 a fault of ours, or a run that collapsed or diverged; 2 a mistake that you
can mend; 130 Ctrl-C; 138 SIGUSR1; 143 SIGTERM. Add `--debug` to any command for the full
traceback of an error.

`--set a.b=value` sets any setting of [settings](settings.md) that has no option of its own. Its
value is read as YAML: `--set image_size=[32]`, `--set adapt.average=null`.
"""
_WORDS = {Path: "path", str: "text", int: "whole number", float: "number"}


def verbs() -> dict[str, Any]:
    """Return the commands by name, in the order in which they are used."""
    command_line._add_verbs()
    group: Any = typer.main.get_command(command_line.app)
    return dict(group.commands)


def render() -> str:
    """Return the page."""
    return "\n".join([_START, *(_verb(name, command) for name, command in verbs().items())])


def _verb(name: str, command: Any) -> str:
    kinds = get_type_hints(inspect.unwrap(command.callback), include_extras=True)
    usage = " ".join(
        (parameter.name.upper() + ("..." if parameter.nargs == -1 else ""))
        if parameter.param_type_name == "argument"
        else f"{parameter.opts[0]} {parameter.name.upper()}"
        for parameter in command.params
        if parameter.required
    )
    lines = [
        f"## anlage {name}",
        "",
        inspect.cleandoc(command.help or ""),
        "",
        "```text",
        f"anlage {name} {usage} [OPTIONS]".replace("  ", " "),
        "```",
        "",
        "| option | takes | default | meaning |",
        "|---|---|---|---|",
        *(_row(parameter, kinds[parameter.name]) for parameter in command.params),
        "",
    ]
    return "\n".join(lines)


def _row(parameter: Any, kind: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    name = parameter.name.upper() if is_argument else parameter.opts[0]
    takes = "nothing" if getattr(parameter, "is_flag", False) else _takes(kind)
    default = "*must be given*" if parameter.required else _default(parameter.default)
    return f"| `{name}` | {takes} | {default} | {parameter.help or ''} |"


def _takes(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        return _takes(get_args(kind)[0])
    if get_origin(kind) in {Union, types.UnionType}:
        return _takes(next(part for part in get_args(kind) if part is not type(None)))
    if get_origin(kind) is list:
        return f"{_takes(get_args(kind)[0])}; repeatable"
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    return _WORDS.get(kind, kind.__name__)


def _default(value: object) -> str:
    return "" if value is None or value is False or value == [] else f"`{value}`"
