"""Intel's collateral service with recorded answers, on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

from ..attestation.forge import VECTORS

OASIS = VECTORS / "oasis"
FMSPC = "00606A000000"
TCB_INFO = OASIS / "tcb_info_v3_fmspc_00606A000000.json"
QE_IDENTITY = OASIS / "qe_identity_v2.json"
CERTIFICATES = OASIS / "tcb_info_v3_fmspc_00606A000000_certs.pem"
PLATFORMS = b'[{"fmspc":"00606A000000","platform":"E3"},{"fmspc":"30606A000000","platform":"E5"}]'

CHAIN = quote(CERTIFICATES.read_text())
ANSWERS = {
    "/fmspcs": (PLATFORMS, None),
    f"/tcb?fmspc={FMSPC}": (TCB_INFO.read_bytes(), "TCB-Info-Issuer-Chain"),
    "/tcb?fmspc=30606A000000": (TCB_INFO.read_bytes().replace(b"00606A", b"30606A"), "TCB-Info-Issuer-Chain"),
    "/tcb?fmspc=000000000001": (b'{"tcbInfo":{},"signature":"00"}', "TCB-Info-Issuer-Chain"),
    "/tcb?fmspc=000000000002": (TCB_INFO.read_bytes(), None),
    "/tcb?fmspc=000000000003": (b" " * (1024 * 1024 + 1), "TCB-Info-Issuer-Chain"),
    "/qe/identity": (QE_IDENTITY.read_bytes(), "SGX-Enclave-Identity-Issuer-Chain"),
    "/none/fmspcs": (b"[]", None),
    "/odd/fmspcs": (b"{}", None),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path not in ANSWERS:
            self.send_error(404)
            return
        body, header = ANSWERS[self.path]
        self.send_response(200)
        if header is not None:
            self.send_header(header, CHAIN)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests have no use for a log."""


@contextmanager
def intel_service() -> Iterator[str]:
    """Serve; yields the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
