"""Secrets that are none: empty ones, and those that stand in somebody's manual. A service does not start with them."""

import json
from typing import Annotated
from urllib.parse import unquote, urlsplit

from cryptography.x509 import load_pem_x509_certificates
from pydantic import AfterValidator

from chassis.crypto import Keyring
from chassis.security import TokenSigner, TokenVerifier

_IN_MANUALS = frozenset(
    [
        "admin",
        "careplan",
        "changeme",
        "default",
        "demo",
        "example",
        "guest",
        "letmein",
        "minioadmin",
        "passw0rd",
        "password",
        "postgres",
        "qwerty",
        "root",
        "secret",
        "test",
        "todo",
        "welcome",
        "xxx",
    ]
)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_FEWEST_BYTES = 12
"""Different ones in a key: 32 random bytes have so few once in 10^19; a typed or counted key nearly always."""


def _chosen(secret: str) -> str:
    if _is_known(secret):
        raise ValueError("empty, or a password that everybody knows")
    return secret


Secret = Annotated[str, AfterValidator(_chosen)]
"""A password or key that somebody must have chosen or generated."""


def _is_known(secret: str) -> bool:
    """`CHANGE-ME` and `changeme1` are `changeme`."""
    letters = "".join(character for character in secret.lower() if character.isalpha() or character == "0")
    return letters.rstrip("0") in _IN_MANUALS or not secret.strip() or secret.strip().isdigit()


def database_with_password(url: str) -> str:
    """A URL without any password is left to PGPASSFILE, certificates or the server's trust in this machine."""
    try:
        parts = urlsplit(url)
        host, password = parts.hostname, parts.password
    except ValueError:
        raise ValueError("not a URL") from None
    if password is not None and host not in _LOOPBACK and _is_known(unquote(password)):
        raise ValueError("its password is empty, or one that everybody knows")
    return url


def certificates(pem: str | None) -> str | None:
    try:
        if pem is not None and not load_pem_x509_certificates(pem.encode()):
            raise ValueError
    except ValueError:
        raise ValueError("not a certificate in PEM") from None
    return pem


def random_keys(keys: str) -> str:
    """As `Keyring.parse` reads them, and made by a generator of random numbers."""
    for position, key in enumerate(Keyring.keys_in(keys).values(), start=1):
        if len(set(key)) < _FEWEST_BYTES:
            raise ValueError(f"key {position} is not random")
    return keys


def public_key_set(keys: str) -> str:
    try:
        TokenVerifier(keys)
        listed = json.loads(keys)["keys"]
    except Exception:  # noqa: BLE001 (whatever the library stumbles over, the cause is the same)
        raise ValueError("not a JSON Web Key Set") from None
    if not listed:
        raise ValueError("a set without keys: no caller could be known")
    if any("d" in key for key in listed):
        raise ValueError("a private key among the public ones")
    return keys


def private_key(jwk: str) -> str:
    try:
        signer = TokenSigner.from_json(jwk)
        signer.sign("nobody", 0)
    except Exception:  # noqa: BLE001 (as above)
        raise ValueError("not a private Ed25519 JSON Web Key") from None
    return jwk
