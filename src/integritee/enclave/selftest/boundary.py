"""Every ecall and every ocall: each has a step in the story that says whether it does what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integritee.boundary.interface import Ecalls, Method, Ocalls, methods_of

from .check import Check, Mismatch, Setup
from .story import Step, Story


def checks(setup: Setup) -> Iterator[Check]:
    story = Story(setup)
    steps = story.steps()
    for method, step in steps:
        yield Check(name_of(method), step)
    for method in uncovered(steps):
        yield Check(name_of(method), _not_covered)


def name_of(method: Method[Any, Any]) -> str:
    """``ecall init``, ``ocall store_blocks``, …"""
    for kind, interface in (("ecall", Ecalls), ("ocall", Ocalls)):
        for name, known in vars(interface).items():
            if known is method:
                return f"{kind} {name}"
    raise KeyError(method)


def uncovered(steps: list[tuple[Method[Any, Any], Step]]) -> list[Method[Any, Any]]:
    """Methods of the boundary that no step is about."""
    covered = [method for method, _ in steps]
    every = [method for interface in (Ecalls, Ocalls) for method in methods_of(interface).values()]
    return [method for method in every if not any(method is known for known in covered)]


def _not_covered() -> None:
    raise Mismatch("", "no check of this method", "one")
