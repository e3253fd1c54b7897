"""Why an app cannot be part of a ledger.

    AppError
    ├── UnknownApp            nothing of this name comes with the project or is installed
    ├── InvalidAppName        a name of an app, or of a pallet it brings, that is not snake_case
    ├── NameTaken             several places offer an app of this name
    ├── NameMismatch          the app calls itself otherwise than the place that offers it
    ├── ForbiddenPackage      its package would stand in the place of other code
    ├── FolderNotAllowed      a project folder, which only development ledgers may run
    ├── NotAProject           a folder that offers no app
    ├── AppNotImportable      its code cannot be imported
    ├── NotAnApp              what is offered is no app
    ├── IndexReserved         its discriminant is not one of those for apps
    ├── PalletIndexReserved   a pallet's index is not one of those for apps
    ├── AppBroken             its declarations make no ledger
    └── CustodiansRefused     the ledger's custodians cannot be meant

Two apps that claim the same index or name raise `integritee.stf.ledger.IndexClash`. Codes are stable.
"""

from __future__ import annotations

from collections.abc import Iterable

from integritee.errors import IntegriteeError


class AppError(IntegriteeError):
    code = "app"


class UnknownApp(AppError):
    """Nothing of this name comes with the project or is installed."""

    code = "app.unknown"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, ", ".join(sorted(known))
        at_hand = f"at hand: {self.known}" if self.known else "there are none"
        super().__init__(f"no app {name!r} comes with integritee or is installed; {at_hand}")


class InvalidAppName(AppError):
    """A name of an app, or of a pallet it brings, that is not snake_case."""

    code = "app.invalid_name"

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"{found!r} is not snake_case: lower-case letters and digits, words joined by one underscore"
        )


class NameTaken(AppError):
    """Several places offer an app of this name."""

    code = "app.name_taken"

    def __init__(self, name: str, places: Iterable[str]) -> None:
        self.name, self.places = name, ", ".join(sorted(places))
        super().__init__(f"several apps are called {name!r}: {self.places}")


class NameMismatch(AppError):
    """The app calls itself otherwise than the entry point that offers it."""

    code = "app.name_mismatch"

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the app calls itself {found!r}, its entry point {expected!r}")


class ForbiddenPackage(AppError):
    """The app's package bears the name of other code and would stand in its place."""

    code = "app.forbidden_package"

    def __init__(self, app: str, package: str) -> None:
        self.app, self.package = app, package
        super().__init__(f"app {app!r} may not live in package {package!r}: that is the name of other code")


class FolderNotAllowed(AppError):
    """A project folder where only names of installed apps count: outside of development ledgers."""

    code = "app.folder_not_allowed"

    def __init__(self, folder: str) -> None:
        self.folder = folder
        super().__init__(f"{folder}: only development ledgers run apps out of a folder; install it and name it")


class NotAProject(AppError):
    """A folder that offers no app, or not exactly one."""

    code = "app.not_a_project"

    def __init__(self, folder: str, reason: str) -> None:
        self.folder, self.reason = folder, reason
        super().__init__(f"{folder} offers no app: {reason}")


class AppNotImportable(AppError):
    """The app's code cannot be imported; `reason` says where it breaks."""

    code = "app.not_importable"

    def __init__(self, app: str, target: str, reason: str) -> None:
        self.app, self.target, self.reason = app, target, reason
        super().__init__(f"app {app!r} cannot be imported from {target}: {reason}")


class NotAnApp(AppError):
    """What is offered as an app is none."""

    code = "app.not_an_app"

    def __init__(self, name: str, target: str, reason: str) -> None:
        self.name, self.target, self.reason = name, target, reason
        super().__init__(f"{target} is no app: {reason}")


class IndexReserved(AppError):
    """The app's discriminant is not one of those for apps, or it has none."""

    code = "app.index_reserved"

    def __init__(self, app: str, found: int | None, first: int, last: int) -> None:
        self.app, self.found, self.first, self.last = app, found, first, last
        super().__init__(f"app {app!r} has index {found}; apps have one of {first} to {last}")


class PalletIndexReserved(AppError):
    """A pallet that the app brings has an index that is not one of those for apps."""

    code = "app.pallet_index_reserved"

    def __init__(self, app: str, pallet: str, found: int, first: int, last: int) -> None:
        self.app, self.pallet, self.found, self.first, self.last = app, pallet, found, first, last
        super().__init__(f"pallet {pallet!r} of app {app!r} has index {found}; apps have {first} to {last}")


class AppBroken(AppError):
    """The app's declarations contradict themselves or the ledger's."""

    code = "app.broken"

    def __init__(self, app: str, reason: str) -> None:
        self.app, self.reason = app, reason
        super().__init__(f"the declarations of app {app!r} make no ledger: {reason}")


class CustodiansRefused(AppError):
    """Keys or threshold of those who recover a shard cannot be meant; they are measured with the ledger."""

    code = "app.custodians_refused"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"custodians: {reason}")
