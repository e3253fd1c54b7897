"""Running the node as the command line says.

Lines for people and, once requests are served, ``READY ws://HOST:PORT`` go to stdout; the log goes to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import NoReturn

from integritee import __version__

from .chain_spec import ChainSpec
from .chains import chain_database, chain_name, compiled_code, is_temporary, load_spec
from .cli import IGNORED, PROGRAM
from .database import Database
from .dev_genesis import altered
from .engines import engine_for
from .finality import FinalityKind
from .keystore import Keystore
from .node import Node, NodeOptions
from .rpc.limits import ServerLimits
from .rpc.origins import Origins
from .sealing import EverySlot, Instant, Interval, Manual, Seal, seal_of_slots
from .service import Service, ServiceOptions


def run_node(arguments: argparse.Namespace, when: Seal | EverySlot) -> int:
    """Run until a signal. Raises NodeError, OSError."""
    for flag in dict.fromkeys(arguments.ignored or ()):
        print(f"{flag} has no effect: {IGNORED[flag]}", file=sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    spec = load_spec(chain_name(arguments))
    runtime = engine_for(spec.genesis, compiled_code(arguments, spec))
    spec = altered(spec, arguments, runtime)
    seal = seal_of_slots(runtime, spec.genesis) if isinstance(when, EverySlot) else when
    keys = _keys(arguments)
    database = _database(arguments, spec)
    try:
        service = Service(spec, runtime, database, keys, service_options(arguments, seal))
        print(_greeting(service.node, database.path, seal, _alterations(arguments)))
        asyncio.run(service.run(lambda port: print(_serving(port, arguments), flush=True)))
    finally:
        database.close()
    return 0


def _leave(number: int, frame: object) -> NoReturn:
    """End before the service has its own way to: temporary data is removed all the same."""
    raise SystemExit(0)


def _greeting(node: Node, path: Path, seal: Seal, alterations: str) -> str:
    chain = node.chain
    return "\n".join(
        (
            f"Integritee Node {__version__}, {node.options.name}",
            f"Chain    {node.spec.name}, genesis 0x{chain.genesis_hash.hex()}{alterations}",
            f"Data     {path}",
            f"Head     best #{chain.best.number}, finalized #{chain.finalized.number}",
            f"Blocks   {_when(seal) if node.is_authority else 'none: no authority key (see --alice)'}",
        )
    )


def _alterations(arguments: argparse.Namespace) -> str:
    """Says that this is not the chain of that name any more."""
    made = ["dev accounts"] if arguments.dev_accounts else []
    if arguments.set_storage:
        made.append(f"{len(arguments.set_storage)} storage items set")
    return f" (changed: {', '.join(made)})" if made else ""


def _when(seal: Seal) -> str:
    match seal:
        case Interval(seconds):
            return f"every {seconds:g} s"
        case Instant():
            return "for each extrinsic"
        case Manual():
            return "on request (engine_createBlock)"


def _serving(port: int, arguments: argparse.Namespace) -> str:
    """What supervisors wait for is the last line."""
    host = "0.0.0.0" if _is_external(arguments) else "127.0.0.1"  # noqa: S104 - only shown
    return f"JSON-RPC http and ws on {host}:{port}\nREADY ws://127.0.0.1:{port}"


def _is_external(arguments: argparse.Namespace) -> bool:
    return bool(arguments.rpc_external or arguments.unsafe_rpc_external)


def service_options(arguments: argparse.Namespace, seal: Seal) -> ServiceOptions:
    """What the flags say about the service."""
    external = _is_external(arguments)
    cors = arguments.rpc_cors or ("all" if arguments.dev else None)
    return ServiceOptions(
        node=NodeOptions(
            name=arguments.name or (arguments.accounts[0].capitalize() if arguments.accounts else PROGRAM),
            finality_lag=arguments.finality_lag,
            justification_period=arguments.justification_period,
            finality=FinalityKind(arguments.finality),
        ),
        seal=seal,
        finality_delay=arguments.finality_delay,
        rpc_port=arguments.rpc_port,
        rpc_external=external,
        allow_unsafe=arguments.rpc_methods == "unsafe" or (arguments.rpc_methods == "auto" and not external),
        origins=Origins() if cors is None else Origins.parse(cors),
        limits=ServerLimits(connections=arguments.rpc_max_connections),
    )


def _keys(arguments: argparse.Namespace) -> Keystore:
    """Of the accounts named by flags; --dev implies Alice, --dev-accounts has made her the authority."""
    names = arguments.accounts or (["alice"] if arguments.dev else [])
    return Keystore.dev(*dict.fromkeys([*names, *(["alice"] if arguments.dev_accounts else [])]))


def _database(arguments: argparse.Namespace, spec: ChainSpec) -> Database:
    if is_temporary(arguments):
        return Database.temporary()
    return Database(chain_database(arguments, spec))
