"""Command lines: the parser, the global options and the values they take.

Options and their defaults: worker `cli/src/lib.rs`. Global options stand before the command, those of `trusted`
between `trusted` and its subcommand.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn, TypeAlias

import integritee

from .errors import UsageError, VerbClash
from .output import Output

Options: TypeAlias = argparse.Namespace
Command: TypeAlias = Callable[[Options, Output], Awaitable[None]]
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"

DEFAULT_TIMEOUT: Final = 120.0
"""Seconds a call may take until it is in a block."""

EPILOG: Final = """\
exit codes:
    0    the command succeeded; also, unless --strict or --json is given, a trusted call that ended as Invalid,
         Dropped or Usurped, and a `trusted balance`, `nonce` or `assets balance` that the worker refused (it
         prints 0): scripts written for the original rely on it. The reason is on stderr
    2    the command line is wrong
    101  anything else failed
errors are one line on stderr: `error: <code>: <message> [facts]`; codes are stable
"""


class Parser(argparse.ArgumentParser):
    """Raises UsageError where argparse would exit. `fill` adds what takes long to add, once it is needed."""

    fill: Callable[[], object] | None = None

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        fill, self.fill = self.fill, None
        if fill is not None:
            fill()
        return super().parse_known_args(args, namespace)


class Collect(argparse.Action):
    """Appends to its default, so that whoever holds that list sees the values before parsing is over."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        self.default.append(values)


def parser() -> tuple[Parser, Commands]:
    """The parser of the global options, and where commands are added."""
    root = Parser(
        prog="integritee-cli",
        description="Parentchain accounts and the private ledger of a worker.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    root.add_argument("--version", "-V", action="version", version=f"integritee-cli {integritee.__version__}")
    root.add_argument("-u", "--node-url", default="ws://127.0.0.1", help="node without port (%(default)s)")
    root.add_argument("-p", "--node-port", default="9944", help="node's RPC port (%(default)s)")
    root.add_argument("-U", "--worker-url", default="wss://127.0.0.1", help="enclave without port (%(default)s)")
    root.add_argument("-P", "--trusted-worker-port", default="2000", help="enclave's RPC port (%(default)s)")
    root.add_argument(
        "--envelope",
        choices=("auto", "session", "rsa"),
        default="auto",
        help="how calls are sealed for the enclave: in a session if it offers that, else with RSA; or always in a"
        " session, getters as well; or always with RSA, as the original does (%(default)s)",
    )
    root.add_argument("--json", action="store_true", help="print one JSON object, also for errors; implies --strict")
    root.add_argument("--strict", action="store_true", help="exit with 101 also where the original exits with 0")
    root.add_argument(
        "--app",
        action=Collect,
        default=[],
        metavar="NAME|PATH",
        help="an app that workers may run and this command should know; may be given again (also: $INTEGRITEE_APPS)",
    )
    root.add_argument(
        "--timeout",
        type=seconds,
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help="how long a call may take until it is in a block (%(default)s)",
    )
    root.set_defaults(ledger=None)
    return root, root.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="command")


def group(commands: Commands, name: str, about: str, dest: str) -> Commands:
    """Add a command that only holds others. Raises VerbClash."""
    added = _add(commands, name, about)
    return added.add_subparsers(title="commands", metavar="COMMAND", required=True, dest=dest)


def command(commands: Commands, name: str, run: Command, about: str) -> Parser:
    """Add a command; its positional arguments and options are for the caller to add. Raises VerbClash."""
    added = _add(commands, name, about)
    added.set_defaults(run=run)
    return added


def _add(commands: Commands, name: str, about: str) -> Parser:
    if name in commands.choices:
        raise VerbClash(name)
    return commands.add_parser(name, help=about.replace("%", "%%"), description=about, allow_abbrev=False)


MAX_DIGITS: Final = 80
"""Of a number on a command line; 256 bits have 78."""


def integer(low: int, high: int, about: str) -> Callable[[str], int]:
    """Values of an option: decimal integers from `low` to `high`, which `about` describes: "fit into 8 bits"."""

    def read(text: str) -> int:
        digits = text[1:] if text[:1] in ("+", "-") else text
        if not (digits.isascii() and digits.isdigit()):
            raise argparse.ArgumentTypeError(f"{text!r} is no decimal number")
        if len(digits) > MAX_DIGITS or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} does not {about}")
        return int(text)

    return read


def unsigned(bits: int) -> Callable[[str], int]:
    """Values of an option: decimal integers below 2^bits."""
    return integer(0, (1 << bits) - 1, f"fit into {bits} bits")


amount = unsigned(128)
"""Base units."""


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value
