"""What `integritee bots` is told on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import base58

from integritee.devnet.ports import HOST, MAX_WORKERS, STANDARD_PORTS, STANDARD_WORKER_PORTS

from .model import BOOTSTRAPPERS, MAX_POPULATION

WORKER_URL: Final = f"wss://{HOST}:{STANDARD_WORKER_PORTS.worker}"
NODE_URL: Final = f"ws://{HOST}:{STANDARD_PORTS.node}"

CEREMONIES: Final = 16
MAX_CEREMONIES: Final = 1_000_000
SHARD_BYTES: Final = 32


@dataclass(frozen=True)
class Options:
    """`workers` is empty where a set-up of one's own is to be started, with so many `validateers`.

    `ceremonies` 0 are without end; `shard` None is that of the first worker.
    """

    command: str
    seed: int
    population: int
    directory: Path
    shard: bytes | None
    workers: tuple[str, ...]
    node: str
    ceremonies: int
    validateers: int
    as_json: bool
    plot: Path | None

    @property
    def is_on_its_own(self) -> bool:
        """Whether nodes and workers are started for it."""
        return not self.workers


def parse(arguments: list[str], program: str) -> Options:
    """Ends the process with exit code 2 on a wrong command line."""
    parser = argparse.ArgumentParser(prog=program, description="The Encointer bot community.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    init = commands.add_parser("init", help="found a community; its name goes to cid.txt", allow_abbrev=False)
    run = commands.add_parser("run", help="do what is to do in the present phase", allow_abbrev=False)
    benchmark = commands.add_parser(
        "benchmark",
        help="ceremony after ceremony, each compared with the model of growth",
        description="Without --worker-url or --node-url a fresh set-up is started, and a community founded on it.",
        allow_abbrev=False,
    )
    for command in (init, run, benchmark):
        _add_common(command)
    add = benchmark.add_argument
    add("--ceremonies", type=_number(0, MAX_CEREMONIES), default=CEREMONIES, metavar="N", help="0: without end (16)")
    add("--validateers", type=_number(1, MAX_WORKERS), metavar="N", help="of the set-up that is started (1)")
    add("--plot", type=Path, metavar="FILE", help="also draw a picture: .png, .svg or .pdf; needs matplotlib")
    found = parser.parse_args(arguments)
    is_remote = bool(found.worker_url or found.node_url) or found.command != "benchmark"
    if is_remote and getattr(found, "validateers", None) is not None:
        parser.error("--validateers is for a set-up of its own, without --worker-url and --node-url")
    return Options(
        command=found.command,
        seed=found.seed,
        population=found.population,
        directory=found.dir,
        shard=found.shard,
        workers=tuple(found.worker_url or ([WORKER_URL] if is_remote else [])),
        node=found.node_url or NODE_URL,
        ceremonies=getattr(found, "ceremonies", 0),
        validateers=getattr(found, "validateers", None) or 1,
        as_json=found.json,
        plot=getattr(found, "plot", None),
    )


def _add_common(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--seed", type=_number(0, 2**63), default=1, metavar="N", help="decides keys and locations (1)")
    add(
        "--population",
        type=_number(BOOTSTRAPPERS, MAX_POPULATION),
        default=MAX_POPULATION,
        metavar="N",
        help=f"at which growth ends ({MAX_POPULATION})",
    )
    add("--dir", type=_directory, default=Path(), metavar="DIR", help="of cid.txt, statistics and keys (.)")
    add("--shard", type=_shard, metavar="BASE58", help="that of the first worker")
    add("--worker-url", action="append", metavar="URL", help=f"repeatable ({WORKER_URL})")
    add("--node-url", metavar="URL", help=f"({NODE_URL})")
    add("--json", action="store_true", help="one line of JSON instead of table and plot")


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} does not lie between {least} and {most}")
        return int(text)

    return number


def _directory(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no directory")
    return Path(text)


def _shard(text: str) -> bytes:
    try:
        shard = base58.b58decode(text)
    except ValueError:
        shard = b""
    if len(shard) != SHARD_BYTES:
        raise argparse.ArgumentTypeError(f"{text!r} is not base58 of {SHARD_BYTES} bytes")
    return shard
