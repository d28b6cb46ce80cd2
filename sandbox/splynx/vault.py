"""Passwords at rest: sealed with the installation's key, shown in clear by the API.

The product's cipher is not public; this one only keeps the behaviour: what SQL writes in clear, the API cannot show.
"""

import base64
import hashlib
import hmac
import secrets

_PREFIX = "v1:"


class Vault:
    """Seals and opens with one key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def seal(self, text: str) -> str:
        """Up to 255 characters fit the product's varchar(512)."""
        nonce = secrets.token_bytes(8)
        return _PREFIX + base64.b64encode(nonce + self._mixed(nonce, text.encode())).decode()

    def open(self, sealed: str) -> str:
        """The text, or an empty one when it was not sealed here."""
        if not sealed.startswith(_PREFIX):
            return ""
        try:
            raw = base64.b64decode(sealed[len(_PREFIX) :], validate=True)
            return self._mixed(raw[:8], raw[8:]).decode()
        except ValueError:
            return ""

    def _mixed(self, nonce: bytes, data: bytes) -> bytes:
        stream = b""
        for block in range(len(data) // 32 + 1):
            stream += hmac.new(self._key, nonce + block.to_bytes(4, "big"), hashlib.sha256).digest()
        return bytes(left ^ right for left, right in zip(data, stream, strict=False))
