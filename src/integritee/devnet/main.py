"""`integritee`: one command for everything. Local set-ups run here; the other programs are passed through.

Exit codes of the set-ups: 0 done or ended by a signal, 1 failure, 2 wrong command line.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from integritee import __version__
from integritee.apps.errors import InvalidAppName
from integritee.errors import IntegriteeError

from .config import (
    NetworkConfig,
    Shielding,
    add_app_options,
    add_network_options,
    add_play_options,
    add_target_options,
    add_worker_options,
    network_config,
    shieldings,
)
from .errors import (
    AppNameUnusable,
    InvalidShield,
    LaunchUnreadable,
    NoSuchPort,
    NothingToReload,
    OneWorkerOnly,
    SetUpUnreadable,
    UnusableFlags,
)

PROGRAMS: Final = {
    "node": ("integritee.node.main", "the embedded parentchain (integritee-node)"),
    "worker": ("integritee.worker.main", "the worker (integritee-worker)"),
    "cli": ("integritee.cli.main", "accounts, transfers, trusted calls and getters (integritee-cli)"),
    "simulate": ("integritee.simulation.main", "a network of validateers under a virtual clock, with faults"),
    "bots": ("integritee.bots.main", "a community of agents with ceremonies and incomes, held against a model"),
    "bench": ("integritee.load.main", "load on a worker: rates, latencies, the highest rate that is served"),
    "reference": ("integritee.reference.main", "generate or check what derives from the declarations"),
}
FAILURE: Final = 1
WRONG_COMMAND_LINE: Final = (
    *(InvalidShield, NothingToReload, OneWorkerOnly, NoSuchPort, SetUpUnreadable),
    *(LaunchUnreadable, UnusableFlags, InvalidAppName, AppNameUnusable),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process; the exit code."""
    given = sys.argv[1:] if argv is None else list(argv)
    if given and given[0] in PROGRAMS:
        return _pass_through(given[0], given[1:])
    parser, devnet = _parsers()
    found = parser.parse_args(given)
    try:
        if found.command == "local-setup":
            return _local_setup(found.config)
        if found.command == "play":
            return _play(found)
        if found.command == "new-app":
            return _new_app(found.name, found.into)
        if found.command == "demo":
            return _demo(network_config(found, auto_ports=True))
        if found.config is not None:
            from .set_up_file import read_set_up

            devnet.set_defaults(**read_set_up(found.config))
            found = parser.parse_args(given)
        wishes = shieldings(found.shield)
        return _devnet(network_config(found, found.auto_ports), wishes, found.json)
    except WRONG_COMMAND_LINE as wrong:
        parser.error(f"{wrong.code}: {wrong}")
    except (IntegriteeError, OSError) as failed:
        code = f"{failed.code}: " if isinstance(failed, IntegriteeError) else ""
        print(f"error: {code}{failed}", file=sys.stderr)
        return FAILURE


def _pass_through(name: str, arguments: list[str]) -> int:
    """Run another program of the package as if called by its own name."""
    sys.argv = [f"integritee {name}", *arguments]
    code: int | None = importlib.import_module(PROGRAMS[name][0]).main()
    return code or 0


def _devnet(config: NetworkConfig, wishes: Sequence[Shielding], as_json: bool) -> int:
    from . import foreground
    from .devnet import run_devnet

    foreground.run(run_devnet(config, wishes, as_json))
    return 0


def _demo(config: NetworkConfig) -> int:
    from . import foreground
    from .demo import run_demo

    return 0 if foreground.run(run_demo(config)) else FAILURE


def _local_setup(config: Path) -> int:
    from . import foreground
    from .launch_file import read_launch
    from .local_setup import run_local_setup

    foreground.run(run_local_setup(read_launch(config), Path.cwd()))
    return 0


def _play(found: argparse.Namespace) -> int:
    from .plays import play
    from .terminal import Terminal

    node = (found.node_url, found.node_port)
    second = [(found.worker_2_url or found.worker_url, found.worker_2_port)] if found.worker_2_port else []
    workers = [Terminal(*node, *worker) for worker in ((found.worker_url, found.worker_port), *second)]
    play(found.name, workers, (found.clients, found.transfers))
    return 0


def _new_app(name: str, into: Path) -> int:
    from .new_app import new_app

    print(f"wrote {new_app(name, into)}; its README says how to go on")
    return 0


def _parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Of all commands, and of `devnet`."""
    parser = argparse.ArgumentParser(
        prog="integritee", description="A confidential sidechain worker, and all it takes to try it out."
    )
    parser.add_argument("--version", "-V", action="version", version=f"integritee {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    devnet = commands.add_parser(
        "devnet", help="parentchain, workers and their enclaves until Ctrl-C", allow_abbrev=False
    )
    devnet.add_argument("--config", type=Path, metavar="FILE", help="a set-up written down, in TOML or JSON")
    add_network_options(devnet)
    add_worker_options(devnet)
    add_app_options(devnet)
    add_target_options(devnet)
    devnet.add_argument("--auto-ports", action="store_true", help="free ports instead of those in use")
    devnet.add_argument(
        "--shield",
        action="append",
        metavar="ACCOUNT=TEER",
        help="have a development account shield funds at the beginning; repeatable; default //Alice=100",
    )
    devnet.add_argument("--json", action="store_true", help="when ready, one line of JSON instead of the screen")
    demo = commands.add_parser("demo", help="shield, transfer privately, unshield; checked", allow_abbrev=False)
    add_network_options(demo)
    local = commands.add_parser("local-setup", help="nodes and workers as launch.py does", allow_abbrev=False)
    local.add_argument("config", type=Path, metavar="CONFIG.json", help="lists of nodes and workers with their flags")
    play = commands.add_parser("play", help="the original's demo scripts on running workers", allow_abbrev=False)
    add_play_options(play)
    new_app = commands.add_parser("new-app", help="begin an app of your own", allow_abbrev=False)
    new_app.add_argument("name", metavar="NAME", help="snake_case; also the name of its package")
    new_app.add_argument("--into", type=Path, default=Path(), metavar="DIR", help="where its folder goes; default: .")
    for name, (_, text) in PROGRAMS.items():
        commands.add_parser(name, help=text, add_help=False)
    return parser, devnet


if __name__ == "__main__":
    sys.exit(main())
