"""What `integritee bench` is told on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from integritee.devnet.config import DEFAULT_SLOT_MS

from .envelope import ENVELOPES, RSA
from .errors import InvalidMix
from .mix import KINDS, Mix
from .schedule import SCHEDULES

MAX_RATE: Final = 100_000.0
MAX_SECONDS: Final = 3600.0
MAX_ACCOUNTS: Final = 10_000
MAX_CONNECTIONS: Final = 10_000
MAX_PROCESSES: Final = 64
MAX_IN_FLIGHT: Final = 1_000_000
MAX_REQUESTS: Final = 5_000_000
"""All of a run are made before it begins, about a kilobyte each."""

DEFAULT_RATE: Final = 100.0


def parser() -> argparse.ArgumentParser:
    kinds = "; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items())
    found = argparse.ArgumentParser(
        prog="integritee bench",
        description="Send calls and getters when a schedule says, whether or not earlier ones are answered, and tell "
        "how long each took from when it was meant to leave.",
        epilog=f"Kinds of requests. {kinds}.",
        allow_abbrev=False,
    )
    add = found.add_argument
    add(
        "--worker",
        action="append",
        metavar="URL",
        help="wss://HOST:PORT of a trusted RPC; repeatable, for workers of one shard. Default: a fresh set-up",
    )
    add("--payer", default="//Alice", metavar="URI", help="who pays in the private ledger (%(default)s)")
    add("--mix", type=_mix, default=Mix({"transfer": 1}), metavar="KIND=WEIGHT,…", help="default: transfer")
    rates = found.add_mutually_exclusive_group()
    rate = _number(0.1, MAX_RATE)
    rates.add_argument("--rate", type=rate, default=DEFAULT_RATE, help="requests per second (%(default)g)")
    rates.add_argument(
        "--ramp", type=rate, metavar="RATE", help="look for the highest rate that is served, from this one on"
    )
    add(
        "--bound-ms",
        type=_number(1, 3_600_000),
        default=1000.0,
        metavar="MS",
        help="what 99 of 100 requests may take for a rate to count as served (%(default)g)",
    )
    add("--schedule", choices=tuple(SCHEDULES), default="poisson", help="(%(default)s)")
    add("--seed", type=int, default=1, help="of a random schedule (%(default)s)")
    add("--seconds", type=_number(1, MAX_SECONDS), default=10.0, help="that are measured, of each rate (%(default)g)")
    add("--warm-up", type=_number(0, MAX_SECONDS), default=2.0, metavar="SECONDS", help="before (%(default)g)")
    add("--accounts", type=_count(MAX_ACCOUNTS), default=64, help="that send (%(default)s)")
    add("--connections", type=_count(MAX_CONNECTIONS), default=16, help="in all (%(default)s)")
    add("--processes", type=_count(MAX_PROCESSES), default=1, help="of the generator (%(default)s)")
    add(
        "--in-flight",
        type=_count(MAX_IN_FLIGHT),
        default=0,
        help="at most so many requests under way, later ones wait; default: any number",
    )
    add("--envelope", choices=ENVELOPES, default=RSA, help="how requests are sealed (%(default)s)")
    add("--slot-ms", type=int, default=DEFAULT_SLOT_MS, metavar="MS", help="of a fresh set-up (%(default)s)")
    add("--json", type=Path, metavar="FILE", help="write all figures there")
    add("--plot", type=Path, metavar="FILE", help="write a picture there, .png, .svg or .pdf")
    return found


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends the program with 2 if options contradict each other."""
    for name in ("accounts", "connections"):
        if getattr(options, name) < options.processes:
            parser.error(f"each process needs {name} of its own: --{name} must not be below --processes")
    if options.in_flight and options.in_flight < options.processes:
        parser.error("--in-flight must not be below --processes")
    if (options.ramp or options.rate) * (options.seconds + options.warm_up) > MAX_REQUESTS:
        parser.error(f"a run has {MAX_REQUESTS:,} requests at most: choose a lower rate, or less time")


def _mix(text: str) -> Mix:
    try:
        return Mix.parse(text)
    except InvalidMix as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _number(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least:g} to {most:g}")
        return value

    return number


def _count(most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {most}")
        return int(text)

    return count
