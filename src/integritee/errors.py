"""The root of every error the project raises on purpose.

Each area draws its own tree below this root at the top of its error module. A leaf carries its facts as
typed attributes and a stable `code`; the code (never the Python class name) is what reaches RPC clients,
the CLI and the logs, so it must not change once released.
"""

from __future__ import annotations

from typing import ClassVar


class IntegriteeError(Exception):
    """Base of all deliberate errors.

    `code` is a dotted, stable identifier such as ``"scale.trailing_bytes"``. The facts of a leaf are its
    public attributes; `data()` returns them for machines, `str()` renders them for people. Facts must never
    hold secrets.
    """

    code: ClassVar[str] = "integritee"

    def data(self) -> dict[str, str | int | bool | None]:
        """Facts of this error in JSON-ready form; bytes become 0x-hex."""
        return {k: _plain(v) for k, v in vars(self).items() if not k.startswith("_")}


def _plain(value: object) -> str | int | bool | None:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value)
