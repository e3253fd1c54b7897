"""Credits: points and vouchers that an account hands out and their holders spend.

Rules and state in `pallet` and `batches`, calls and getters in `app`, values in `types`, refusals in `errors`.
"""

from .app import Credits

__all__ = ["Credits"]
