#!/usr/bin/env python
"""``healthy http://HOST:PORT/PATH`` or ``healthy tcp://HOST:PORT``: exit code 0 if there is a good answer.

For health checks of containers, in which there is neither curl nor nc.
"""

import socket
import sys
import urllib.request
from urllib.parse import urlsplit

TIMEOUT = 4.0
"""Seconds."""


def is_healthy(url: str) -> bool:
    """Whether somebody listens (tcp), or answers with a status below 300 (http)."""
    try:
        found = urlsplit(url)
        if found.scheme == "tcp":
            with socket.create_connection((found.hostname, found.port), TIMEOUT):
                return True
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310  # the compose file says where
            return answer.status < 300
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(sys.argv[1]) else 1)
