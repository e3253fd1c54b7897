"""Python source as `ruff format` and `ruff check` leave it: imports in order, no line too long."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from .errors import NameClash

WIDTH: Final = 118
INDENT: Final = " " * 4


def wrapped(indent: str, head: str, items: Sequence[str], tail: str) -> str:
    """``head item, item tail`` in one line if it fits; else the items within, in one line or one each."""
    line = f"{indent}{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH:
        return line
    within = f"{indent}{INDENT}{', '.join(items)}"
    if len(within) <= WIDTH:
        return f"{indent}{head}\n{within}\n{indent}{tail}"
    each = "".join(f"{indent}{INDENT}{item},\n" for item in items)
    return f"{indent}{head}\n{each}{indent}{tail}"


def docstring(indent: str, text: str) -> str:
    """A docstring of one line, or of several."""
    quoted = text.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    lines = "\n".join(f"{indent}{line}" if line else "" for line in quoted.splitlines())
    end = f"\n{indent}" if "\n" in quoted else ""
    return f'{indent}"""{lines.removeprefix(indent)}{end}"""'


class Imports:
    """Names that a source needs, and the modules they come from."""

    def __init__(self) -> None:
        self._modules: dict[str, str] = {}

    def add(self, module: str, *names: str) -> None:
        """Raises NameClash if a name stands for something else already."""
        for name in names:
            if self._modules.setdefault(name, module) != module:
                raise NameClash(name, self._modules[name], module)

    def annotation(self, node: ast.expr, module: str) -> str:
        """An annotation written in a module, with the names it needs added. Raises NameClash."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and not hasattr(builtins, part.id):
                self.add(origin(part.id, module), part.id)
        return ast.unparse(node)

    def source(self) -> str:
        """Import statements, those of the standard library first."""
        modules = sorted(set(self._modules.values()), key=_module_order)
        groups: dict[int, list[str]] = {}
        for module in modules:
            names = sorted((n for n, m in self._modules.items() if m == module), key=_name_order)
            statement = wrapped("", f"from {module} import ", names, "")
            if "\n" in statement or len(statement) > WIDTH:
                statement = wrapped("", f"from {module} import (", names, ")")
            groups.setdefault(_module_order(module)[0], []).append(statement)
        return "\n\n".join("\n".join(group) for group in groups.values()) + "\n"


@cache
def origin(name: str, module: str) -> str:
    """Module to import a name from that is used in another one: where that one has it from, else itself."""
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))):
        if isinstance(node, ast.ImportFrom) and any((a.asname or a.name) == name for a in node.names):
            package = sys.modules[module].__package__ or ""
            return importlib.util.resolve_name("." * node.level + (node.module or ""), package)
    return module


def _module_order(module: str) -> tuple[int, str]:
    """Standard library, installed packages, the project; relative imports last."""
    top = module.partition(".")[0]
    if not top:
        return 3, module
    return (0 if top in sys.stdlib_module_names else 2 if top == "integritee" else 1), module


def _name_order(name: str) -> tuple[int, list[tuple[int, int, str]]]:
    """Constants, classes, the rest; numbers within names by value."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", name)]


def joined(blocks: Iterable[str], gap: int) -> str:
    """Blocks with `gap` empty lines in between."""
    return ("\n" * (gap + 1)).join(block.strip("\n") for block in blocks)
