"""A second chain of integritee's kind, to shield from: `integritee-solo` under another name, so another chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

import msgspec

from integritee.frame.pallets.system import System
from integritee.frame.runtime import use

from .presets import DEVELOPMENT, GenesisConfig
from .runtime import SS58_PREFIX, VERSION, IntegriteeNodeRuntime

NAME: Final = "integritee-target-a"
CODE: Final = b"integritee-target-a, in Python"


class TargetARuntime(IntegriteeNodeRuntime):
    """The runtime of target A."""

    code: ClassVar[bytes] = CODE
    presets: ClassVar[Mapping[str, GenesisConfig]] = {"development": replace(DEVELOPMENT, code=CODE)}

    system = use(
        0,
        System,
        version=msgspec.structs.replace(VERSION, spec_name=NAME, impl_name=NAME),
        ss58_prefix=SS58_PREFIX,
    )
