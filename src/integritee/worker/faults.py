"""What the errors of a connection say about the endpoint at its other end."""

from __future__ import annotations

from integritee.boundary.endpoint import RemoteFailure
from integritee.client.errors import ConnectionFailed, RequestTimeout
from integritee.errors import IntegriteeError

from .endpoints import Fault, fault_of
from .errors import EnclaveSilent, NodeBehind, NodeSilent, WrongChain


def fault_behind(failed: IntegriteeError) -> Fault:
    """What an error of a session says about the endpoint."""
    match failed:
        case RemoteFailure():
            return fault_of(failed.code)
        case ConnectionFailed():
            return Fault.UNREACHABLE
        case RequestTimeout():
            return Fault.SLOW
        case WrongChain():
            return Fault.WRONG_CHAIN
        case NodeBehind():
            return Fault.BEHIND
        case NodeSilent():
            return Fault.SILENT
        case EnclaveSilent():
            return Fault.REFUSED
        case _:  # null for a block, no state, no justification, metadata that is none
            return Fault.INCOMPLETE
