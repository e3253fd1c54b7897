"""The engine that runs whichever of these runtimes a state's code names."""

from __future__ import annotations

from typing import Final

from integritee.frame.overlay import Overlay

from .api import NODE_APIS, PythonRuntimeEngine
from .encointer import EncointerRuntime
from .presets import CODE_KEY, NodeRuntime
from .runtime import IntegriteeNodeRuntime
from .target_a import TargetARuntime
from .target_b import TargetBRuntime

RUNTIMES: Final[tuple[type[NodeRuntime], ...]] = (
    IntegriteeNodeRuntime,
    TargetARuntime,
    TargetBRuntime,
    EncointerRuntime,
)

_BY_CODE: Final = {runtime.code: runtime for runtime in RUNTIMES}


class RuntimesByCode:
    """A `RuntimeEngine` over `RUNTIMES`. Code that is none of theirs only sets a chain of integritee-solo apart."""

    def __init__(self) -> None:
        self._made: dict[bytes, PythonRuntimeEngine] = {}

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        """See `RuntimeEngine.call`."""
        return self._engine(overlay.get(CODE_KEY)).call(name, overlay, args)

    def _engine(self, code: bytes | None) -> PythonRuntimeEngine:
        runtime = _BY_CODE.get(code or b"", IntegriteeNodeRuntime)
        if runtime.code not in self._made:
            self._made[runtime.code] = PythonRuntimeEngine(runtime, NODE_APIS)
        return self._made[runtime.code]
