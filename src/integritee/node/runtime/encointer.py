"""The parentchain with Encointer's scheduler and communities: `integritee-solo` with two pallets more, another chain.

Source: encointer node 0.3.8 (durations of phases), whose pallets have other indexes than these: 60 and 62 are those
of their successors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

import msgspec

from integritee.apps.encointer.types import CeremonyPhase
from integritee.frame.pallets.system import System
from integritee.frame.runtime import use
from integritee.node.pallets.encointer_currencies import EncointerCurrencies
from integritee.node.pallets.encointer_scheduler import EncointerScheduler

from .presets import ALICE, DEVELOPMENT, GenesisConfig
from .runtime import SS58_PREFIX, VERSION, IntegriteeNodeRuntime

NAME: Final = "integritee-encointer"
CODE: Final = b"integritee-encointer, in Python"

MS_PER_HOUR: Final = 3_600_000
PHASE_DURATIONS: Final[Mapping[CeremonyPhase, int]] = {
    CeremonyPhase.Registering: 16 * MS_PER_HOUR,
    CeremonyPhase.Assigning: 8 * MS_PER_HOUR,
    CeremonyPhase.Attesting: 48 * MS_PER_HOUR,
}
"""Milliseconds."""


class EncointerRuntime(IntegriteeNodeRuntime):
    """The runtime of a parentchain for the app Encointer; //Alice is ceremony master of its development chain."""

    code: ClassVar[bytes] = CODE
    presets: ClassVar[Mapping[str, GenesisConfig]] = {
        "development": replace(DEVELOPMENT, code=CODE, ceremony_master=ALICE, phase_durations=PHASE_DURATIONS)
    }

    system = use(
        0,
        System,
        version=msgspec.structs.replace(VERSION, spec_name=NAME, impl_name=NAME),
        ss58_prefix=SS58_PREFIX,
    )
    encointer_scheduler = use(60, EncointerScheduler)
    encointer_currencies = use(62, EncointerCurrencies)
