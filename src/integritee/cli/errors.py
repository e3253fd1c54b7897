"""Errors of the command line.

CliError
├── UsageError             the command line itself is wrong
├── VerbClash              two apps bring commands of the same name
├── InvalidIdentifier      a text that is not the base58 form of 32 bytes
├── ShardNotConfigured     nobody has claimed a shard that is to be upgraded
├── UpgradeNotTaken        the chain did not take an announcement
├── UnknownCode            no error has the code (`explain`)
├── BadHex                 a file that should hold hex
├── AssetNotOnChain        the connected chain does not have an asset
├── FeeNotInAsset          the connected chain takes no fees in an asset
├── AnotherShard           the worker serves another shard than the one to pay into
├── ShardHasVault          funds of a shard do not come in through the bridge, but through its vault
├── ConfirmationTimeout    the enclave did not process the block of an invocation in time
├── ConfirmationSkipped    the enclave went past the block of an invocation
├── ConfirmationMismatch   the enclave processed another block of the same number
├── UnexpectedBalance      the ledger does not add up (`benchmark`)
├── NoCeremonies           the connected chain has no ceremonies
├── BadSpecification       a file that does not describe a community
├── WhichCommunity         several communities, or none, and the command names none
├── NoMeetupToClaim        a meetup without place, or whose time has not come
└── SystemFailure          the system refused a file
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class CliError(IntegriteeError):
    code = "cli"


class UsageError(CliError):
    code = "cli.usage"


class VerbClash(CliError):
    """Two apps bring commands of the same name, or one brings a command that there is already."""

    code = "cli.verb_clash"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there are two commands {name}: an app has to be renamed, or left out")


class AssetNotOnChain(CliError):
    """The connected parentchain does not have the asset."""

    code = "cli.asset_not_on_chain"

    def __init__(self, asset: str, chain: str) -> None:
        self.asset, self.chain = asset, chain
        super().__init__(f"{asset} is not on the chain that the node follows ({chain})")


class NoCeremonies(CliError):
    """The connected parentchain has no pallets of Encointer."""

    code = "cli.no_ceremonies"

    def __init__(self) -> None:
        super().__init__(
            "the chain that the node follows has no ceremonies (integritee-node --chain encointer-dev has)"
        )


class BadSpecification(CliError):
    """The file is no GeoJSON FeatureCollection of points with the addresses of bootstrappers."""

    code = "cli.bad_specification"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} does not describe a community: {reason}")


class WhichCommunity(CliError):
    """A command that names no community is about the only one there is."""

    code = "cli.which_community"

    def __init__(self, found: int) -> None:
        self.found = found
        super().__init__(f"the ledger knows {found} communities: say which one with --cid")


class NoMeetupToClaim(CliError):
    """Claims are made in the phase of attesting, and only of meetups that there is a location for."""

    code = "cli.no_meetup_to_claim"

    def __init__(self, meetup_index: int) -> None:
        self.meetup_index = meetup_index
        super().__init__(f"meetup {meetup_index} has no location, or nobody is to attest it now")


class FeeNotInAsset(CliError):
    """The connected parentchain takes no fees in the asset."""

    code = "cli.fee_not_in_asset"

    def __init__(self, asset: str) -> None:
        self.asset = asset
        super().__init__(f"the chain that the node follows takes no fees in {asset}")


class AnotherShard(CliError):
    """The worker serves another shard than the one to pay into: who is credited would be hidden from its enclaves."""

    code = "cli.another_shard"

    def __init__(self, served: str, expected: str) -> None:
        self.served, self.expected = served, expected
        super().__init__(f"the worker serves shard {served}, not {expected}: nobody would be credited")


class ShardHasVault(CliError):
    """The shard has a vault, so that funds that come in through pallet EnclaveBridge are lost."""

    code = "cli.shard_has_vault"

    def __init__(self, vault: str, parentchain: str) -> None:
        self.vault, self.parentchain = vault, parentchain
        super().__init__(
            f"the shard has a vault on {parentchain}, what comes another way is lost: transfer the funds to {vault}"
        )


class InvalidIdentifier(CliError):
    code = "cli.invalid_identifier"

    def __init__(self, option: str) -> None:
        self.option = option
        super().__init__(f"{option} is not the base58 text of 32 bytes")


class ShardNotConfigured(CliError):
    """Nobody has claimed the shard: there is no code in force that other code could follow."""

    code = "cli.shard_not_configured"

    def __init__(self, shard: str) -> None:
        self.shard = shard
        super().__init__(f"the parentchain has no configuration of shard {shard}")


class UpgradeNotTaken(CliError):
    """The announcement is in a block, yet the shard's configuration is another: the signer is not root, or somebody
    announced something else since."""

    code = "cli.upgrade_not_taken"

    def __init__(self, shard: str, fingerprint: str) -> None:
        self.shard, self.fingerprint = shard, fingerprint
        super().__init__(f"shard {shard} is not going to be served by {fingerprint}: is the signer the sudo key?")


class BadHex(CliError):
    """A file that should hold bytes as hex holds something else, or too much."""

    code = "cli.bad_hex"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} does not hold bytes in hex")


class ConfirmationTimeout(CliError):
    code = "cli.confirmation_timeout"

    def __init__(self, block_number: int, blocks: int) -> None:
        self.block_number, self.blocks = block_number, blocks
        super().__init__(f"block {block_number} was not processed within {blocks} blocks")


class ConfirmationSkipped(CliError):
    code = "cli.confirmation_skipped"

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"block {found} was processed, but never block {expected} with the invocation")


class ConfirmationMismatch(CliError):
    code = "cli.confirmation_mismatch"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"block 0x{found.hex()} was processed in place of 0x{expected.hex()}")


class UnexpectedBalance(CliError):
    """An account does not hold what its transfers and their fees must have left."""

    code = "cli.unexpected_balance"

    def __init__(self, account: str, expected: int, found: int) -> None:
        self.account, self.expected, self.found = account, expected, found
        super().__init__(f"{account} should hold {expected}, it holds {found}")


class SystemFailure(CliError):
    code = "cli.system"

    def __init__(self, reason: str, path: str) -> None:
        self.reason, self.path = reason, path
        super().__init__(f"{path}: {reason}" if path else reason)


class Tolerated(Exception):
    """No error of its own: ends a command because of `error`, which the original reports with exit code 0."""

    def __init__(self, error: IntegriteeError) -> None:
        self.error = error
        super().__init__(str(error))
