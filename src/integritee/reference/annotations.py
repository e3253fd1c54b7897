"""How declarations are written: annotations as their source spells them, under the names of aliases."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from integritee.stf.declare import GetterDef, TrustedCallDef

Definition = TrustedCallDef | GetterDef


def annotation(owner: Any, name: str) -> ast.expr | None:
    """Annotation of a method's parameter (or ``return``) or of a class's field; None if only its value is at hand."""
    for holder in getattr(owner, "__mro__", (owner,)):
        text = inspect.get_annotations(holder).get(name)
        if isinstance(text, str):
            return ast.parse(text, mode="eval").body
    return None


def parameters_of(definition: Definition) -> list[str]:
    """Parameters of a call's or getter's method that are arguments on the wire."""
    parameters = list(inspect.signature(definition.method).parameters)
    return parameters[len(parameters) - len(definition.arguments) :]


def present(node: ast.expr) -> ast.expr:
    """``X`` of ``X | None``, any other annotation as it is."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return left
    return node
