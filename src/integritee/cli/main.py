"""Entry point of `integritee-cli`: parse, run, and turn errors into lines and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

from integritee.errors import IntegriteeError

from . import assets, attesteer, base, collateral, communities, explain, ipfs, recovery, trusted, upgrade
from .arguments import Options, parser
from .errors import SystemFailure, Tolerated, UsageError
from .output import JsonOutput, Output, TextOutput

OK: Final = 0
USAGE: Final = 2
FAILURE: Final = 101
"""What a Rust program exits with after a panic, and scripts know."""

INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process; the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        options = parse(given)
    except IntegriteeError as wrong:
        _output("--json" in given).error(wrong)
        return USAGE if isinstance(wrong, UsageError) else FAILURE
    except SystemExit:  # --help and --version have printed what they should
        return OK
    output = _output(options.json)
    try:
        return _run(options, output)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE


def parse(arguments: list[str]) -> Options:
    """Options of a command line; `run` is the command. Raises UsageError, and what loading apps raises."""
    root, commands = parser()
    base.add_commands(commands)
    collateral.add_commands(commands)
    assets.add_commands(commands)
    attesteer.add_commands(commands)
    communities.add_commands(commands)
    explain.add_command(commands)
    ipfs.add_commands(commands)
    recovery.add_commands(commands)
    upgrade.add_commands(commands)
    trusted.add_commands(commands, root.get_default("app"))
    return root.parse_args(arguments)


def _run(options: Options, output: Output) -> int:
    import asyncio  # takes half the time of a --version

    try:
        asyncio.run(options.run(options, output))
    except Tolerated as failed:
        output.error(failed.error)
        return FAILURE if options.strict or options.json else OK
    except UsageError as wrong:
        output.error(wrong)
        return USAGE
    except IntegriteeError as failed:
        output.error(failed)
        return FAILURE
    except BrokenPipeError:
        raise
    except OSError as failed:
        output.error(SystemFailure(failed.strerror or str(failed), str(failed.filename or "")))
        return FAILURE
    output.finish()
    return OK


def _output(as_json: bool) -> Output:
    return JsonOutput() if as_json else TextOutput()


if __name__ == "__main__":
    sys.exit(main())
