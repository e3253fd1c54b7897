"""Errors of plots.

PlottingError
├── MatplotlibMissing    a picture is wanted, and what draws pictures is not installed
└── PictureRefused       a file that no picture can be written to
"""

from __future__ import annotations

from pathlib import Path

from integritee.errors import IntegriteeError


class PlottingError(IntegriteeError):
    code = "plotting"


class MatplotlibMissing(PlottingError):
    code = "plotting.matplotlib_missing"

    def __init__(self) -> None:
        super().__init__("pictures need matplotlib, which is not installed: pip install 'integritee[plot]'")


class PictureRefused(PlottingError):
    code = "plotting.picture_refused"

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(f"no picture can be written to {path}: {reason}")
