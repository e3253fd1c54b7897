"""Long messages that are not read as a whole, which would keep the event loop from others for too long.

A long call of a method that takes it so has one text, which is most of the message. It is cut out before the rest is
read as JSON, and stays where it is.
"""

from __future__ import annotations

from typing import Final

EDGE: Final = 256
"""Bytes at the beginning and at the end of a message, between which its text is."""

BEGIN: Final = b'["'
END: Final = b'"]'


def cut_out(message: bytes | bytearray) -> tuple[bytes, memoryview] | None:
    """A message with an empty text in its array, and what was between the quotes; None if there is no such array.

    What was there is a text only if it has neither quotes nor escapes, which is for its reader to find out.
    """
    begin, end = message.find(BEGIN, 0, EDGE), message.rfind(END, max(len(message) - EDGE, 0))
    begin += len(BEGIN)
    if begin < len(BEGIN) or end < begin:
        return None
    return bytes(message[:begin] + message[end:]), memoryview(message)[begin:end]
