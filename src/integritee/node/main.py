"""``integritee-node``: parse the command line, then run the node or a subcommand."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from integritee.errors import IntegriteeError

from . import logs
from .cli import parser
from .sealing import parse_seal


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 after a signal or a subcommand, 1 after a failure, 2 for a wrong command line."""
    cli = parser()
    arguments = cli.parse_args(argv)
    try:
        logs.configure(",".join(arguments.log))
        seal = parse_seal(arguments.seal)
    except ValueError as error:
        cli.error(str(error))
    try:
        if arguments.command:
            from .commands import run_command

            return run_command(arguments)
        from .run import run_node

        return run_node(arguments, seal)
    except (IntegriteeError, OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
