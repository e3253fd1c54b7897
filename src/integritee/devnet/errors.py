"""Errors of local set-ups.

DevnetError
├── InvalidShield        a `--shield` argument that names no account or no amount
├── NothingToReload      `--reload` without a folder to watch
├── OneWorkerOnly        `--reload` with several workers
├── SetUpUnreadable      a `--config` file that is none
├── LaunchUnreadable     a configuration of `local-setup` that is none
├── UnusableFlags        flags in it that our program does not know
├── NoSuchPort           a port beyond 65535, for one of several workers
├── PortTaken            a port that a process should listen on is in use
├── DataDirInUse         another set-up runs in the data directory
├── ProcessEnded         a process of the set-up ended on its own
├── ProcessSilent        a process did not say in time what it should have said
├── CodeRefused          changed code that the enclave would not run
├── NotEntitled          the parentchain does not take the new code for the shard's
├── AppNameUnusable      a name for an app that stands for something else already
├── DirectoryExists      the directory for a new app is there already
├── CommandFailed        a command of a play ended with an error
├── UnexpectedAnswer     a command of a play did not say what it should have
├── NotSettled           funds did not arrive in time
└── UnexpectedBalance    a balance is not what the steps so far add up to
"""

from __future__ import annotations

from pathlib import Path

from integritee.errors import IntegriteeError


class DevnetError(IntegriteeError):
    code = "devnet"


class InvalidShield(DevnetError):
    code = "devnet.invalid_shield"

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"{found!r} is not ACCOUNT=AMOUNT, such as //Alice=100 (TEER, up to 12 decimals)")


class NothingToReload(DevnetError):
    """`--reload` watches project folders, and none is named; name one with `--app ./folder`."""

    code = "devnet.nothing_to_reload"

    def __init__(self) -> None:
        super().__init__("--reload watches project folders: name one with --app ./folder")


class OneWorkerOnly(DevnetError):
    """`--reload` exchanges one worker; it cannot be combined with `--workers` or `--config` for several."""

    code = "devnet.one_worker_only"

    def __init__(self, workers: int) -> None:
        self.workers = workers
        super().__init__(f"--reload exchanges the worker of a set-up that has one, not {workers}")


class SetUpUnreadable(DevnetError):
    """A file given with `--config` that describes no set-up; docs/local-setups.md lists what it may say."""

    code = "devnet.set_up_unreadable"

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(f"{path} describes no set-up: {reason}")


class LaunchUnreadable(DevnetError):
    """A file given to `local-setup` without lists of nodes and workers as the original's `launch.py` reads them."""

    code = "devnet.launch_unreadable"

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(f"{path} is no configuration of nodes and workers: {reason}")


class UnusableFlags(DevnetError):
    """Flags in a configuration of `local-setup` that our program does not take; `reason` is what it says of them."""

    code = "devnet.unusable_flags"

    def __init__(self, process: str, reason: str) -> None:
        self.process, self.reason = process, reason
        super().__init__(f"the flags of {process} cannot be used: {reason}")


class NoSuchPort(DevnetError):
    """Worker `worker` would have a port beyond 65535; choose a lower one for the first with `option`."""

    code = "devnet.no_such_port"

    def __init__(self, option: str, port: int, worker: int) -> None:
        self.option, self.port, self.worker = option, port, worker
        super().__init__(f"worker {worker} would have port {port}; choose a lower one for the first with {option}")


class PortTaken(DevnetError):
    code = "devnet.port_taken"

    def __init__(self, option: str, port: int) -> None:
        self.option, self.port = option, port
        super().__init__(f"port {port} is in use; choose another with {option}, or any free ones with --auto-ports")


class DataDirInUse(DevnetError):
    code = "devnet.data_dir_in_use"

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        super().__init__(f"another set-up is running in {path}")


class ProcessEnded(DevnetError):
    """`exit_code` is negative for the number of a signal; `log_tail` holds the last lines of the log."""

    code = "devnet.process_ended"

    def __init__(self, process: str, exit_code: int, log_tail: str) -> None:
        self.process, self.exit_code, self.log_tail = process, exit_code, log_tail
        super().__init__(f"the {process} ended with exit code {exit_code}; its last words:\n{log_tail}")


class ProcessSilent(DevnetError):
    code = "devnet.process_silent"

    def __init__(self, process: str, expected: str, seconds: float, log_tail: str) -> None:
        self.process, self.expected, self.seconds, self.log_tail = process, expected, str(seconds), log_tail
        super().__init__(f"the {process} did not say {expected!r} within {seconds} s; its last words:\n{log_tail}")


class CodeRefused(DevnetError):
    """Changed code that the enclave would not run; the old code goes on. `reason` begins with a code."""

    code = "devnet.code_refused"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the changed code cannot be taken over: {reason}")


class NotEntitled(DevnetError):
    """The parentchain does not take the new code for the shard's, although its root key said so."""

    code = "devnet.not_entitled"

    def __init__(self, shard: bytes, fingerprint: bytes) -> None:
        self.shard, self.fingerprint = shard, fingerprint
        super().__init__("the parentchain does not let the new code serve the shard")


class AppNameUnusable(DevnetError):
    """A name for a new app that stands for something else already; choose another."""

    code = "devnet.app_name_unusable"

    def __init__(self, name: str, taken_by: str) -> None:
        self.name, self.taken_by = name, taken_by
        super().__init__(f"an app cannot be called {name!r}: that is {taken_by}")


class DirectoryExists(DevnetError):
    """The directory for a new app is there already; nothing in it was touched."""

    code = "devnet.directory_exists"

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        super().__init__(f"{path} is there already")


class CommandFailed(DevnetError):
    """A command of a play ended with an error; `said` is what it wrote about that."""

    code = "devnet.command_failed"

    def __init__(self, command: str, exit_code: int, said: str) -> None:
        self.command, self.exit_code, self.said = command, exit_code, said
        super().__init__(f"{command!r} ended with exit code {exit_code}: {said}")


class UnexpectedAnswer(DevnetError):
    """A command of a play did not say what it should have."""

    code = "devnet.unexpected_answer"

    def __init__(self, expected: str, said: str) -> None:
        self.expected, self.said = expected, said
        super().__init__(f"{expected!r} was expected, but this was said: {said}")


class NotSettled(DevnetError):
    code = "devnet.not_settled"

    def __init__(self, what: str, seconds: float) -> None:
        self.what, self.seconds = what, str(seconds)
        super().__init__(f"{what} did not change within {seconds} s")


class UnexpectedBalance(DevnetError):
    """A balance is not what the steps so far add up to. Base units."""

    code = "devnet.unexpected_balance"

    def __init__(self, account: str, ledger: str, expected: int, found: int) -> None:
        self.account, self.ledger, self.expected, self.found = account, ledger, str(expected), str(found)
        super().__init__(f"{account} holds {found} on the {ledger}, expected {expected} ({found - expected:+d})")
