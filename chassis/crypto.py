"""Encryption of what others keep for us: event values in Kafka, documents and answers in PostgreSQL."""

import os
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class CannotOpen(Exception):
    """The key is not on the ring, or the bytes are not what was sealed for this place."""


def new_key() -> str:
    """A fresh 256-bit key, base64."""
    return b64encode(os.urandom(32)).decode()


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
        ciphers: dict[str, AESGCM] = {}
        for position, entry in enumerate(keys.split(","), start=1):
            key_id, separator, encoded = entry.strip().partition(":")
            key = b64decode(encoded, validate=True) if separator else b""
            if not key_id or len(key) != 32:
                raise ValueError(f"key {position} is not of the form id:base64 of 32 bytes")
            ciphers[key_id] = AESGCM(key)
        return cls(next(iter(ciphers)), ciphers)

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
