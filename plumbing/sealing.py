"""Field encryption: a secret is sealed with the operator's key as soon as it is read, so that no topic holds it plain.

AES-SIV (RFC 5297), and not AES-GCM: the same value of the same row seals to the same text. With a random nonce each
reading would look like a change, and be published. What equals what is told only within one field of one row, for the
place goes into the seal: a sealed text that is copied elsewhere does not open there.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from plumbing.errors import Action, SyncError

_PREFIX = "sealed:1:"
_KEY_BYTES = 64
_ENTRY = re.compile(r"([a-z0-9][a-z0-9_-]{0,15})=([A-Za-z0-9+/]+={0,2})")
_SEALED = re.compile(rf"{_PREFIX}([a-z0-9][a-z0-9_-]{{0,15}}):([A-Za-z0-9_-]+={{0,2}})")


class NotOpened(SyncError):
    """A sealed value does not open: its key is not among ours, or it was sealed for another place."""

    code = "sealing.not_opened"
    action = Action.DEAD_LETTER
    remedy = "Put the key that the value names back behind the current one in `secrets.keys`, then replay."


def is_sealed(text: str) -> bool:
    """Whether a text is a sealed value."""
    return _SEALED.fullmatch(text) is not None


@dataclass(frozen=True, repr=False)
class Sealer:
    """The operator's keys. The first seals, the others only open: so keys rotate."""

    keys: Mapping[str, AESSIV]
    """`{id: key}`, the current one first."""

    @classmethod
    def of(cls, text: str) -> "Sealer":
        """From `ID=KEY`, several with commas between: an id of our own, and 64 random bytes in base64.

        Raises:
            ValueError: an entry is none, or an id is there twice. The text is not repeated.
        """
        keys: dict[str, AESSIV] = {}
        for place, entry in enumerate(text.split(","), 1):
            found = _ENTRY.fullmatch(entry.strip())
            if found is None:
                raise ValueError(f"entry {place} is not ID=KEY, with the key in base64")
            try:
                key = base64.b64decode(found[2], validate=True)
            except binascii.Error:
                key = b""
            if len(key) != _KEY_BYTES:
                raise ValueError(f"the key {found[1]} is not of {_KEY_BYTES} bytes in base64")
            if found[1] in keys:
                raise ValueError(f"the key {found[1]} is there twice")
            keys[found[1]] = AESSIV(key)
        return cls(keys)

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def seal(self, value: str, place: str) -> str:
        """A secret as it may lie on a topic. `place`: where it belongs, such as `RadiusAccount.password:17`."""
        key = self.current
        # An empty text is a value too, and AES-SIV refuses it: the mark in front makes it none.
        sealed = self.keys[key].encrypt(b"=" + value.encode(), [place.encode()])
        return f"{_PREFIX}{key}:{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str, place: str) -> str:
        """The secret.

        Raises:
            NotOpened: names the key's id, never the value.
        """
        found = _SEALED.fullmatch(sealed)
        if found is None:
            raise NotOpened("a value that should be sealed is not")
        if (key := self.keys.get(found[1])) is None:
            raise NotOpened(f"a value was sealed with the key {found[1]}, which is not among secrets.keys")
        try:
            return key.decrypt(base64.urlsafe_b64decode(found[2]), [place.encode()])[1:].decode()
        except (InvalidTag, binascii.Error) as exc:
            raise NotOpened(f"a value does not open with the key {found[1]}: it was changed, or moved") from exc
