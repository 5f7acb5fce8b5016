"""What others keep for us opens only with our keys, and only where it was put."""

import pytest

from chassis.crypto import CannotOpen, Keyring, new_key

_OLD, _NEW = f"2025:{new_key()}", f"2026:{new_key()}"


def test_what_was_sealed_opens() -> None:
    ring = Keyring.parse(_NEW)
    assert ring.open(ring.active, ring.seal(b"a fact", b"its id"), b"its id") == b"a fact"


def test_the_same_plain_text_is_never_sealed_the_same_way_twice() -> None:
    ring = Keyring.parse(_NEW)
    assert ring.seal(b"a fact", b"its id") != ring.seal(b"a fact", b"its id")


def test_after_a_rotation_old_values_still_open_and_new_ones_use_the_new_key() -> None:
    before, after = Keyring.parse(_OLD), Keyring.parse(f"{_NEW}, {_OLD}")
    assert after.active == "2026"
    assert after.open("2025", before.seal(b"a fact", b"its id"), b"its id") == b"a fact"
    with pytest.raises(CannotOpen):
        before.open(after.active, after.seal(b"a fact", b"its id"), b"its id")


def test_a_value_moved_elsewhere_does_not_open() -> None:
    ring = Keyring.parse(_NEW)
    with pytest.raises(CannotOpen):
        ring.open(ring.active, ring.seal(b"a fact", b"its id"), b"another id")


@pytest.mark.parametrize("sealed", [b"", b"short", b"x" * 12, b"x" * 28, b"x" * 500])
def test_bytes_that_were_never_sealed_do_not_open(sealed: bytes) -> None:
    with pytest.raises(CannotOpen):
        Keyring.parse(_NEW).open("2026", sealed, b"its id")


def test_a_changed_byte_anywhere_is_noticed() -> None:
    ring = Keyring.parse(_NEW)
    sealed = ring.seal(b"a fact", b"its id")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(CannotOpen):
            ring.open(ring.active, bytes(changed), b"its id")


@pytest.mark.parametrize(
    ("keys", "entry"),
    [
        ("", 1),
        (_NEW.partition(":")[2], 1),
        (":" + new_key(), 1),
        (f"{_NEW},old:c2hvcnQ=", 2),
        (f"{_NEW},old:not base64", 2),
        (f"{_NEW},old:schlüssel", 2),
        (f"{_NEW},", 2),
    ],
    ids=["none", "no id", "empty id", "too short", "not base64", "not ascii", "trailing comma"],
)
def test_a_bad_key_is_named_by_its_place_and_never_shown(keys: str, entry: int) -> None:
    with pytest.raises(ValueError, match=f"key {entry} ") as caught:
        Keyring.parse(keys)
    assert all(len(word) < 20 for word in str(caught.value).split())
    assert caught.value.__cause__ is None


def test_two_keys_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="key 2 "):
        Keyring.parse(f"2026:{new_key()},2026:{new_key()}")


def test_keys_are_not_in_the_rings_repr() -> None:
    assert _NEW.partition(":")[2] not in repr(Keyring.parse(_NEW))
