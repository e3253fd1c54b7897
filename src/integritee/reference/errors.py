"""Errors of generating the reference.

ReferenceFailure
├── NameClash               two apps use one name for different types
├── UnreadableAnnotation    a declaration whose module does not import annotations from __future__
└── NoSourceTree            the project is installed without its source tree, so there is no place for the files
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class ReferenceFailure(IntegriteeError):
    code = "reference"


class NameClash(ReferenceFailure):
    code = "reference.name_clash"

    def __init__(self, name: str, first: str, second: str) -> None:
        self.name, self.first, self.second = name, first, second
        super().__init__(f"{name} of {first} is another type than {name} of {second}: rename one")


class UnreadableAnnotation(ReferenceFailure):
    code = "reference.unreadable_annotation"

    def __init__(self, declaration: str, found: str) -> None:
        self.declaration, self.found = declaration, found
        super().__init__(f"{declaration}: its module has to begin with `from __future__ import annotations`")


class NoSourceTree(ReferenceFailure):
    code = "reference.no_source_tree"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"there is no source tree in {path}: give a directory with --out")
