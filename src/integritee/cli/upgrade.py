"""`upgrade`: what governance says about the code that may serve a shard. See `docs/upgrades.md`.

The parentchain holds, per shard, the configuration in force and at most one that follows it at a later block
(pallet EnclaveBridge). On development chains the sudo key announces it, in place of governance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .arguments import Commands, Options, command, group, unsigned
from .errors import ShardNotConfigured, UpgradeNotTaken
from .output import Output

if TYPE_CHECKING:
    from integritee.client.parentchain import ParentchainClient
    from integritee.crypto import KeyPair
    from integritee.primitives.enclave_bridge import ShardConfig, UpgradableShardConfig

DEFAULT_DELAY: Final = 50
"""Parentchain blocks; time for operators to have the new workers ready."""


def add_commands(commands: Commands) -> None:
    upgrade = group(commands, "upgrade", "the code that may serve a shard, now and next", "upgrade_command")
    announce_ = command(upgrade, "announce", announce, "have other code serve the shard from a later block on")
    cancel_ = command(upgrade, "cancel", cancel, "have the code in force stay, whatever was announced")
    for verb in (announce_, cancel_):
        verb.add_argument("sudo", help="holder of the chain's sudo key: //Path, seed, phrase, or SS58 address")
    status_ = command(upgrade, "status", status, "show the code in force, what is announced, and who runs what")
    for verb in (announce_, cancel_, status_):
        verb.add_argument("shard", help="base58")
    announce_.add_argument("fingerprint", help="MRENCLAVE of the new code, base58 (`integritee-worker mrenclave`)")
    announce_.add_argument(
        "--delay",
        type=unsigned(32),
        default=DEFAULT_DELAY,
        metavar="BLOCKS",
        help="parentchain blocks until it is in force (%(default)s)",
    )


async def announce(options: Options, output: Output) -> None:
    """Raises InvalidIdentifier, ShardNotConfigured, UpgradeNotTaken, ExtrinsicFailed."""
    from .session import identifier

    await _put(options, output, identifier("FINGERPRINT", options.fingerprint), options.delay)


async def cancel(options: Options, output: Output) -> None:
    """Raises as `announce`."""
    await _put(options, output, None, 0)


async def status(options: Options, output: Output) -> None:
    """Raises InvalidIdentifier, ShardNotConfigured."""
    from integritee.crypto import ss58_encode

    from .connections import node
    from .session import identifier

    shard = identifier("SHARD", options.shard)
    async with await node(options) as chain:
        plan = await _plan(chain, shard)
        entries = await chain.storage("EnclaveBridge", "ShardStatus", shard) or []
    _show(output, plan)
    output.fact("validateers", [])
    for entry in entries:
        signer, code = ss58_encode(bytes(entry["signer"])), _text(bytes(entry["fingerprint"]))
        output.line(f"validateer   {signer}  {code}  last active at block {entry['last_activity']}")
        output.append(
            "validateers", {"signer": signer, "fingerprint": code, "last_activity": int(entry["last_activity"])}
        )


@dataclass(frozen=True)
class Plan:
    """Which code may serve the shard at parentchain block `number`, and from block `at` on."""

    number: int
    active: ShardConfig
    pending: ShardConfig | None = None
    at: int | None = None

    @classmethod
    def of(cls, config: UpgradableShardConfig, number: int) -> Plan:
        is_ahead = config.pending_upgrade is not None and config.upgrade_at is not None and number < config.upgrade_at
        if not is_ahead or config.pending_upgrade == config.active_config:
            return cls(number, config.at(number))
        return cls(number, config.active_config, config.pending_upgrade, config.upgrade_at)


async def _plan(chain: ParentchainClient, shard: bytes) -> Plan:
    """As of the latest block. Raises ShardNotConfigured."""
    from integritee.primitives.enclave_bridge import UpgradableShardConfig
    from integritee.primitives.storage import blake2_map_key
    from integritee.scale import decode

    raw = await chain.raw_storage(blake2_map_key("EnclaveBridge", "ShardConfigRegistry", shard))
    if raw is None:
        raise ShardNotConfigured(_text(shard))
    config: UpgradableShardConfig = decode(UpgradableShardConfig, raw)
    return Plan.of(config, (await chain.header()).number)


async def _put(options: Options, output: Output, fingerprint: bytes | None, delay: int) -> None:
    """Announce the code of `fingerprint`, or that in force if None; all else in the configuration stays."""
    from msgspec.structs import replace

    from integritee.client.accounts import signer
    from integritee.client.keystore import KeyStore

    from .connections import node
    from .session import identifier

    shard, sudo = identifier("SHARD", options.shard), signer(options.sudo, KeyStore.base())
    async with await node(options) as chain:
        active = (await _plan(chain, shard)).active
        wanted = active if fingerprint is None else replace(active, enclave_fingerprint=fingerprint)
        arguments = {"shard": shard, "shard_config": wanted, "enactment_delay": delay}
        await _as_root(options, chain, chain.call("EnclaveBridge", "update_shard_config", arguments), sudo)
        plan = await _plan(chain, shard)
    if (plan.pending or plan.active) != wanted:
        raise UpgradeNotTaken(_text(shard), _text(wanted.enclave_fingerprint))
    _show(output, plan)


async def _as_root(options: Options, chain: ParentchainClient, call: Any, sudo: KeyPair) -> None:
    from .connections import include

    await include(options, chain, await chain.sign(chain.call("Sudo", "sudo", {"call": call}), sudo))


def _show(output: Output, plan: Plan) -> None:
    active = _text(plan.active.enclave_fingerprint)
    output.line(f"block        {plan.number}")
    output.line(f"in force     {active}{' (maintenance)' if plan.active.maintenance_mode else ''}")
    output.fact("block", plan.number)
    output.fact("active", active)
    output.fact("maintenance", plan.active.maintenance_mode)
    pending = None if plan.pending is None else _text(plan.pending.enclave_fingerprint)
    if plan.at is not None:
        output.line(f"announced    {pending}, in force at block {plan.at} (in {plan.at - plan.number})")
    output.fact("pending", pending)
    output.fact("upgrade_at", plan.at)


def _text(identifier: bytes) -> str:
    import base58

    return base58.b58encode(identifier).decode()
