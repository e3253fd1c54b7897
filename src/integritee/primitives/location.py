"""XCM locations: where something is, seen from here. Asset hubs know foreign assets by them.

Source: staging-xcm `v5` (bytes of versions 3 and 4 are the same, but for networks left out since); bodies: `v3`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from integritee.scale import Bytes4, Bytes20, Bytes32, Compact, Enum, Fixed, Struct, u8, u32, u64, u128

# -- networks ----------------------------------------------------------------------------------------


class NetworkId(Enum, frozen=True):
    """A consensus system."""

    scale_path: ClassVar[str] = "staging_xcm::v5::junction::NetworkId"


class ByGenesis(NetworkId, frozen=True):
    index: ClassVar[int] = 0
    genesis_hash: Bytes32


class ByFork(NetworkId, frozen=True):
    index: ClassVar[int] = 1
    block_number: u64
    block_hash: Bytes32


class Polkadot(NetworkId, frozen=True):
    index: ClassVar[int] = 2


class Kusama(NetworkId, frozen=True):
    index: ClassVar[int] = 3


class Ethereum(NetworkId, frozen=True):
    index: ClassVar[int] = 7
    named_fields: ClassVar[bool | None] = True
    chain_id: Compact[u64]


class BitcoinCore(NetworkId, frozen=True):
    index: ClassVar[int] = 8


class BitcoinCash(NetworkId, frozen=True):
    index: ClassVar[int] = 9


class PolkadotBulletin(NetworkId, frozen=True):
    index: ClassVar[int] = 10


# -- bodies ------------------------------------------------------------------------------------------


class BodyId(Enum, frozen=True):
    """A collective of a chain."""

    scale_path: ClassVar[str] = "xcm::v3::junction::BodyId"


class Unit(BodyId, frozen=True):
    index: ClassVar[int] = 0


class Moniker(BodyId, frozen=True):
    index: ClassVar[int] = 1
    moniker: Bytes4


class Index(BodyId, frozen=True):
    index: ClassVar[int] = 2
    number: Compact[u32]


class Executive(BodyId, frozen=True):
    index: ClassVar[int] = 3


class Technical(BodyId, frozen=True):
    index: ClassVar[int] = 4


class Legislative(BodyId, frozen=True):
    index: ClassVar[int] = 5


class Judicial(BodyId, frozen=True):
    index: ClassVar[int] = 6


class Defense(BodyId, frozen=True):
    index: ClassVar[int] = 7


class Administration(BodyId, frozen=True):
    index: ClassVar[int] = 8


class Treasury(BodyId, frozen=True):
    index: ClassVar[int] = 9


class BodyPart(Enum, frozen=True):
    """A part of a collective."""

    scale_path: ClassVar[str] = "xcm::v3::junction::BodyPart"


class Voice(BodyPart, frozen=True):
    index: ClassVar[int] = 0


class Members(BodyPart, frozen=True):
    index: ClassVar[int] = 1
    named_fields: ClassVar[bool | None] = True
    count: Compact[u32]


class Fraction(BodyPart, frozen=True):
    index: ClassVar[int] = 2
    nom: Compact[u32]
    denom: Compact[u32]


class AtLeastProportion(BodyPart, frozen=True):
    index: ClassVar[int] = 3
    nom: Compact[u32]
    denom: Compact[u32]


class MoreThanProportion(BodyPart, frozen=True):
    index: ClassVar[int] = 4
    nom: Compact[u32]
    denom: Compact[u32]


# -- steps -------------------------------------------------------------------------------------------


class Junction(Enum, frozen=True):
    """One step into a consensus system. `network` None: any."""

    scale_path: ClassVar[str] = "staging_xcm::v5::junction::Junction"


class Parachain(Junction, frozen=True):
    index: ClassVar[int] = 0
    number: Compact[u32]


class AccountId32(Junction, frozen=True):
    index: ClassVar[int] = 1
    network: NetworkId | None
    id: Bytes32


class AccountIndex64(Junction, frozen=True):
    index: ClassVar[int] = 2
    network: NetworkId | None
    index_: Compact[u64]


class AccountKey20(Junction, frozen=True):
    index: ClassVar[int] = 3
    network: NetworkId | None
    key: Bytes20


class PalletInstance(Junction, frozen=True):
    index: ClassVar[int] = 4
    number: u8


class GeneralIndex(Junction, frozen=True):
    index: ClassVar[int] = 5
    number: Compact[u128]


class GeneralKey(Junction, frozen=True):
    index: ClassVar[int] = 6
    length: u8
    data: Bytes32


class OnlyChild(Junction, frozen=True):
    index: ClassVar[int] = 7


class Plurality(Junction, frozen=True):
    index: ClassVar[int] = 8
    id: BodyId
    part: BodyPart


class GlobalConsensus(Junction, frozen=True):
    index: ClassVar[int] = 9
    network: NetworkId


# -- ways --------------------------------------------------------------------------------------------


class Junctions(Enum, frozen=True):
    """Up to eight steps, the first one first."""

    scale_path: ClassVar[str] = "staging_xcm::v5::junctions::Junctions"


class Here(Junctions, frozen=True):
    index: ClassVar[int] = 0


class X1(Junctions, frozen=True):
    index: ClassVar[int] = 1
    steps: Annotated[list[Junction], Fixed(1)]


class X2(Junctions, frozen=True):
    index: ClassVar[int] = 2
    steps: Annotated[list[Junction], Fixed(2)]


class X3(Junctions, frozen=True):
    index: ClassVar[int] = 3
    steps: Annotated[list[Junction], Fixed(3)]


class X4(Junctions, frozen=True):
    index: ClassVar[int] = 4
    steps: Annotated[list[Junction], Fixed(4)]


class X5(Junctions, frozen=True):
    index: ClassVar[int] = 5
    steps: Annotated[list[Junction], Fixed(5)]


class X6(Junctions, frozen=True):
    index: ClassVar[int] = 6
    steps: Annotated[list[Junction], Fixed(6)]


class X7(Junctions, frozen=True):
    index: ClassVar[int] = 7
    steps: Annotated[list[Junction], Fixed(7)]


class X8(Junctions, frozen=True):
    index: ClassVar[int] = 8
    steps: Annotated[list[Junction], Fixed(8)]


class Location(Struct, frozen=True):
    """`parents` consensus systems up, then `interior` down."""

    scale_path: ClassVar[str] = "staging_xcm::v5::location::Location"
    parents: u8
    interior: Junctions
