"""Guess-the-number: a weekly game, and the app to read before writing one's own.

Rules and state in `pallet`, calls and getters in `app`, values in `types`, refusals in `errors`.
"""

from .app import GuessTheNumber

__all__ = ["GuessTheNumber"]
