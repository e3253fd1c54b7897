from __future__ import annotations

import subprocess
import sys

from integritee.crypto import errors
from integritee.errors import IntegriteeError


def tree(root: type[IntegriteeError]) -> list[type[IntegriteeError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in tree(child))]


def test_codes_are_unique_and_drawn_in_the_docstring() -> None:
    found = {error.code: error.__name__ for error in tree(errors.CryptoError)}
    assert len(found) == len(tree(errors.CryptoError))
    for code, name in found.items():
        assert code == "crypto" or code.startswith("crypto.")
        assert any(line.split()[-2:] == [name, code] for line in (errors.__doc__ or "").splitlines() if line.split())


def test_rarely_used_libraries_load_on_use() -> None:
    program = "import sys, integritee.crypto; print(sorted({'mnemonic', 'Crypto'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
