"""Who is calling: Basic, a signature per request, or an access token; and what the key may do."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from aiohttp import web

from sandbox.splynx.memory import Key, Memory
from sandbox.splynx.problems import forbidden, unauthorized

ACCESS_SECONDS = 30 * 60
REFRESH_SECONDS = 400 * 24 * 3600
"""The refresh token of the description's example lives longer than a year."""

_SCHEME = "Splynx-EA"


def signature(nonce: str, key: str, secret: str) -> str:
    """HMAC-SHA256 over nonce and key, in upper-case hexadecimal digits."""
    return hmac.new(secret.encode(), (nonce + key).encode(), hashlib.sha256).hexdigest().upper()


def known_as(key: Key) -> dict[str, str]:
    """The headers of an answer that tell its client as whom it is known. A key has no role of its own."""
    return {
        "SpL-Administrator-Id": str(key.id),
        "SpL-Administrator-Role": "api",
        "SpL-Administrator-Partner": str(key.partner_id),
    }


@dataclass
class Token:
    """An access token and its refresh token; both are bound to the client that asked for them."""

    key: str
    user_agent: str
    ip: str
    access: str
    access_until: float
    refresh: str
    refresh_until: float


@dataclass
class Access:
    """The door. Tokens live in memory, for their tables are not public: a restart ends them."""

    memory: Memory
    tokens: dict[str, Token] = field(default_factory=dict)

    def caller(self, request: web.Request) -> Key:
        """The key that makes this request.

        Raises:
            Problem: 401 with the product's internal code.
        """
        header = request.headers.get("Authorization", "")
        if not header:
            raise unauthorized("MISSED_AUTHORIZATION_HEADER", "Missed authorization header!")
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "basic":
            key = self._basic(rest)
        elif scheme == _SCHEME:
            given = _members(rest)
            key = self._token(request, given["access_token"]) if "access_token" in given else self.signed(given)
        else:
            raise unauthorized()
        ip = request.remote or ""
        if key.white_list and ip not in key.white_list:
            raise unauthorized()
        key.uses += 1
        key.last_ip = ip
        return key

    def allow(self, key: Key, controller: str, action: str) -> None:
        """Raises: Problem: 403, the key has no such right."""
        if (key.id, controller, action) not in self.memory.rights:
            raise forbidden()

    def signed(self, given: dict[str, str]) -> Key:
        """The key that signed, its nonce above the last one if the key checks that."""
        nonce, name = given.get("nonce", ""), given.get("key", "")
        key = self.memory.keys.get(name)
        if key is None or not nonce.isdigit():
            raise unauthorized()
        if not hmac.compare_digest(signature(nonce, name, key.secret), given.get("signature", "")):
            raise unauthorized()
        if given.get("sash"):
            # The hash of an administrator's session: there are none here, so each is wrong.
            raise unauthorized("INVALID_SASH", "Invalid sash!")
        if key.check_nonce and int(nonce) <= key.last_nonce:
            raise unauthorized(message="Nonce is too small!")
        key.last_nonce = max(key.last_nonce, int(nonce))
        return key

    def issue(self, request: web.Request, given: dict[str, str]) -> Token:
        """A new pair of tokens for a key that signed.

        Raises:
            Problem: 401, wrong credentials, or a kind of log-in that there is not.
        """
        kind = given.get("auth_type")
        if kind in ("admin", "customer", "session"):
            # Accounts of people are not part of the stand-in: nobody it serves logs in as one.
            raise unauthorized("INVALID_USER", "Invalid user!")
        if kind != "api_key":
            # An empty body was answered with 401 on the recorded installation.
            raise unauthorized("INVALID_AUTH_TYPE", "Invalid auth type!")
        key = self.signed(given)
        key.uses += 1
        return self._new(key.key, request)

    def renew(self, request: web.Request, refresh: str) -> Token:
        """New tokens for a refresh token, which ends with its use."""
        token = next((known for known in self.tokens.values() if known.refresh == refresh), None)
        if token is None:
            raise unauthorized("TOKEN_BANNED", "Token is banned!")
        _bound(token, request)
        del self.tokens[token.access]
        if token.refresh_until < time.time():
            raise unauthorized("EXPIRED_REFRESH_TOKEN", "Refresh token is expired!")
        return self._new(token.key, request)

    def revoke(self, refresh: str) -> None:
        """End a pair of tokens, if there is such a one."""
        self.tokens = {access: token for access, token in self.tokens.items() if token.refresh != refresh}

    def _basic(self, text: str) -> Key:
        try:
            name, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise unauthorized() from None
        key = self.memory.keys.get(name)
        if key is None or not key.unsecure_auth or not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise unauthorized()
        return key

    def _token(self, request: web.Request, access: str) -> Key:
        if not access:
            raise unauthorized("EMPTY_ACCESS_TOKEN", "Access token is empty!")
        token = self.tokens.get(access)
        if token is None:
            raise unauthorized("TOKEN_BANNED", "Token is banned!")
        _bound(token, request)
        if token.access_until < time.time():
            raise unauthorized("EXPIRED_ACCESS_TOKEN", "Access token is expired!")
        key = self.memory.keys.get(token.key)
        if key is None:
            raise unauthorized("TOKEN_BANNED", "Token is banned!")
        return key

    def _new(self, key: str, request: web.Request) -> Token:
        now = time.time()
        token = Token(
            key=key,
            user_agent=request.headers.get("User-Agent", ""),
            ip=request.remote or "",
            access=secrets.token_hex(16),
            access_until=now + ACCESS_SECONDS,
            refresh=secrets.token_hex(16),
            refresh_until=now + REFRESH_SECONDS,
        )
        self.tokens[token.access] = token
        return token


def _bound(token: Token, request: web.Request) -> None:
    if token.user_agent != request.headers.get("User-Agent", ""):
        raise unauthorized("USER_AGENT_CHANGED", "User agent changed!")
    if token.ip != (request.remote or ""):
        raise unauthorized("IP_CHANGED", "IP changed!")


def _members(text: str) -> dict[str, str]:
    """`(key=..&nonce=..)` as a dictionary."""
    inner = text.strip()
    if not (inner.startswith("(") and inner.endswith(")")):
        raise unauthorized()
    return {name: values[-1] for name, values in parse_qs(inner[1:-1], keep_blank_values=True).items()}
