"""Encryption of what others keep for us: event values in Kafka, documents and answers in PostgreSQL."""

import os
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32


class CannotOpen(Exception):
    """The key is not on the ring, or the bytes are not what was sealed for this place."""


def new_key() -> str:
    """A fresh 256-bit key, base64."""
    return b64encode(os.urandom(_KEY_BYTES)).decode()


def _bytes_in(encoded: str) -> bytes:
    """None at all where it is not base64."""
    try:
        return b64decode(encoded, validate=True)
    except ValueError:
        return b""


@dataclass(frozen=True)
class Keyring:
    """AES-256-GCM: seals with the first key, opens with any listed one, so keys rotate without rewriting anything.

    `bound_to` ties a sealed value to its place (an event id, a document id): moved elsewhere it does not open.
    """

    active: str
    _ciphers: dict[str, AESGCM] = field(repr=False)

    @classmethod
    def parse(cls, keys: str) -> "Keyring":
        """`id:base64key[,id:base64key …]`, newest first. ValueError names the entry that is wrong."""
        ciphers = {key_id: AESGCM(key) for key_id, key in cls.keys_in(keys).items()}
        return cls(next(iter(ciphers)), ciphers)

    @staticmethod
    def keys_in(keys: str) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for position, entry in enumerate(keys.split(","), start=1):
            key_id, _, encoded = entry.strip().partition(":")
            key = _bytes_in(encoded)
            if not key_id or len(key) != _KEY_BYTES:
                raise ValueError(f"key {position} is not of the form id:base64 of {_KEY_BYTES} bytes")
            if key_id in found:
                raise ValueError(f"key {position} has the id of an earlier one")
            found[key_id] = key
        return found

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[self.active].encrypt(nonce, plain, bound_to)

    def open(self, key_id: str, sealed: bytes, bound_to: bytes) -> bytes:
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise CannotOpen(f"key {key_id!r} is not on the ring")
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("the value was changed, or sealed for another place") from error
