"""Every stable error code: what it means, which facts come with it, where it is met and what to do about it.

Codes come from three places: the error classes, the errors that pallets declare, and the fixed reasons of FRAME
(`sp_runtime::DispatchError`, `TransactionValidityError`). The meaning of a class is its docstring, or else its line
in the tree at the top of its module.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final

from integritee.errors import IntegriteeError
from integritee.frame.errors import DispatchFailure, TokenError, token_failure
from integritee.frame.pallet import Pallet
from integritee.frame.validity import TEXT, refusal_code

from .advice import advice_for, place_of
from .facts import Fact, facts_of
from .markdown import prose, sentence

TREE_LINE: Final = re.compile(r"[├└]── (\w+) +(?:−?\d+ {2,})?([^\W\d][^._]*(?: .*)?)$")
"""A class, maybe the number it has elsewhere, and what it says; not a code in its place."""

PROJECT: Final = ("integritee",)

RAISED_GROUPS: Final = frozenset(
    {"node.rpc.method_not_found", "node.rpc.runtime_query", "node.runtime.panic", "stf.missing_privileges"}
)
"""Codes of classes that group others and are raised themselves, too."""


@dataclass(frozen=True)
class Entry:
    """A code of the catalogue."""

    code: str
    meaning: str
    facts: tuple[Fact, ...]
    place: str
    """Where users meet it."""
    advice: str
    """What to do about it."""
    family: bool
    """Whether it stands for a group of codes and is not met itself."""

    @property
    def area(self) -> str:
        return self.code.partition(".")[0]


@cache
def catalogue(packages: tuple[str, ...] = PROJECT) -> dict[str, Entry]:
    """All entries that errors of these top-level packages make, in order of their codes."""
    return {entry.code: entry for entry in sorted(entries(packages), key=lambda entry: entry.code)}


def entries(packages: tuple[str, ...] = PROJECT) -> list[Entry]:
    """All entries, from wherever they come; a code that comes from several places should mean the same in each."""
    import_all(packages)
    return [*map(_of_class, error_classes(packages)), *_of_pallets(packages), *_of_dispatch(), *_of_validity()]


def import_all(packages: tuple[str, ...] = PROJECT) -> None:
    """Import every module of some packages, so that every class is there to be found."""
    for package in packages:
        paths = getattr(import_module(package), "__path__", [])
        for module in pkgutil.walk_packages(paths, f"{package}."):
            import_module(module.name)


def descendants(root: type, packages: tuple[str, ...] = PROJECT) -> list[type]:
    """All classes below `root` that modules of some packages define, by module and name."""
    found: set[type] = set()
    waiting = [root]
    while waiting:
        new: set[type] = set(waiting.pop().__subclasses__()) - found
        found |= new
        waiting += new
    own = (c for c in found if _package(c) in packages)
    return sorted(own, key=lambda c: (c.__module__, c.__qualname__))


def error_classes(packages: tuple[str, ...] = PROJECT) -> Iterator[type[IntegriteeError]]:
    """Every error class with a code of its own."""
    return (c for c in descendants(IntegriteeError, packages) if "code" in vars(c))


def is_family(error: type[IntegriteeError]) -> bool:
    """Whether a class groups others and is never raised itself."""
    below = [c for c in error.__subclasses__() if _package(c) == _package(error)]
    return bool(below) and error.code not in RAISED_GROUPS


def meaning_of(error: type[IntegriteeError]) -> str:
    """What an error class says of itself; the root of an area speaks through its module. Empty if nothing does."""
    if "." not in error.code and is_family(error):
        return _first_paragraph(sys.modules[error.__module__].__doc__)
    docs = _first_paragraph(vars(error).get("__doc__"))
    if docs and not docs.startswith("`"):  # which is about a fact, not about the error
        return docs
    said = tree_lines(error.__module__).get(error.__name__, "")
    return " ".join(filter(None, (sentence(said), docs)))


@cache
def tree_lines(module: str) -> dict[str, str]:
    """What the tree at the top of a module says of each class."""
    lines: dict[str, str] = {}
    for line in (sys.modules[module].__doc__ or "").splitlines():
        if found := TREE_LINE.search(line):
            lines[found[1]] = found[2]
    return lines


def _of_class(error: type[IntegriteeError]) -> Entry:
    family = is_family(error)
    return _entry(error.code, meaning_of(error), error.__module__, () if family else facts_of(error), family)


def _of_pallets(packages: tuple[str, ...]) -> Iterator[Entry]:
    for pallet in descendants(Pallet, packages):
        if "Error" in vars(pallet):
            for definition in typing.cast("type[Pallet]", pallet).Error.definitions():
                meaning = definition.docs or _spelt_out(definition.name)
                yield _entry(definition.code, meaning, pallet.__module__, MESSAGE)


def _of_dispatch() -> Iterator[Entry]:
    failures = [*map(token_failure, TokenError), *(make() for make in _ready_failures())]
    return (_entry(failure.code, str(failure), "integritee.frame.errors", MESSAGE) for failure in failures)


def _ready_failures() -> Iterable[typing.Callable[[], DispatchFailure]]:
    """Functions of FRAME's modules that make a failure out of nothing."""
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("integritee."):
            for _, made in inspect.getmembers(module, inspect.isfunction):
                if made.__annotations__.get("return") == "DispatchFailure" and not inspect.signature(made).parameters:
                    found[made.__module__, made.__name__] = made
    return [found[key] for key in sorted(found)]


def _of_validity() -> Iterator[Entry]:
    for reason, text in TEXT.items():
        yield _entry(refusal_code(reason), text, "integritee.frame.validity", MESSAGE)


MESSAGE: Final = (Fact("message", "text"),)
"""What failures of FRAME carry."""


def _entry(code: str, meaning: str, module: str, facts: tuple[Fact, ...], family: bool = False) -> Entry:
    place = place_of(code, module)
    return Entry(code, sentence(meaning), facts, place, advice_for(code, place), family)


def _package(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _first_paragraph(docs: str | None) -> str:
    return prose(docs or "").partition("\n\n")[0]


def _spelt_out(name: str) -> str:
    """``QuoteBodyMissing`` → ``quote body missing``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
