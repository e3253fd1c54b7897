"""Attributes of the product that are exchanged for the length of a run, and put back behind it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self


class Patches:
    """A context in which attributes have other values; afterwards they are what they were, in reverse order."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Exchange an attribute of a class or module, staticness and all."""
        self._undo.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._undo:
            setattr(*self._undo.pop())
