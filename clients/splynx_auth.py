"""Who we are to Splynx: Basic, a signature per request, or an access token that is renewed."""

import base64
import hashlib
import hmac
import time
from urllib.parse import urlencode

USER_AGENT = "crossfade"
"""Fixed: a token is bound to the User-Agent that asked for it."""


NONCES_PER_SECOND = 100
"""A nonce is a count of hundredths. A key that signs faster runs ahead of the clock, and whoever uses it next (the
same process started again) is refused until the clock has caught up."""


def signature(nonce: int | str, key: str, secret: str) -> str:
    """HMAC-SHA256 over nonce and key, upper-case hexadecimal. Source: Splynx REST, authentication."""
    return hmac.new(secret.encode(), f"{nonce}{key}".encode(), hashlib.sha256).hexdigest().upper()


class Nonces:
    """Rising nonces of one key: hundredths of a second, then one more per request, as the vendor's client."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """Above every nonce given before."""
        self._last = max(self._last + 1, round(time.time() * NONCES_PER_SECOND))
        return self._last


def basic_header(key: str, secret: str) -> str:
    """The Authorization header of a key with unsecure access."""
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def signature_header(nonce: int, key: str, secret: str) -> str:
    """The Authorization header of one signed request."""
    query = urlencode({"key": key, "nonce": nonce, "signature": signature(nonce, key, secret)})
    return f"Splynx-EA ({query})"


def token_header(token: str) -> str:
    """The Authorization header of a session."""
    return f"Splynx-EA (access_token={token})"
