"""An event as Kafka carries it: CloudEvents attributes as binary-mode headers, the fact as compressed, encrypted JSON.

People who run Kafka see ids, types and times; only services with the key see the fact.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError
from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError, frame_content_size

from chassis.crypto import CannotOpen, Keyring
from schemas.event import Event, Fact
from schemas.topics import FACT_OF

LARGEST_MESSAGE = 4 * 1024 * 1024
"""What topics and clients are set to: a value, its key and its headers."""
_LARGEST_FACT = 16 * 1024 * 1024
"""Bytes after decompression; far above the 200,000 characters of records that an order may hold."""


class Undecodable(Exception):
    """A message that will never be an event. `reason` is a code; details are places in the fact, never its values."""

    def __init__(self, reason: str, *places: str) -> None:
        super().__init__(reason, *places)
        self.reason = reason
        self.places = places


@dataclass(frozen=True, slots=True)
class Codec:
    """Encodes what `source` writes; decodes what any service wrote."""

    source: str
    keyring: Keyring

    def encode(self, event: Event) -> tuple[dict[str, str], bytes]:
        """Headers and value. The value is bound to the event's id: moved to another event it does not open."""
        headers = {
            "ce_specversion": "1.0",
            "ce_id": str(event.id),
            "ce_source": f"/careplan/{event.source}",
            "ce_type": event.type,
            "ce_time": event.time.isoformat(),
            "ce_subject": str(event.subject),
            "content-type": "application/json",
            "content-encoding": "zstd",
            "encryption-key": self.keyring.active,
        }
        if event.trace:
            headers["traceparent"] = event.trace
        if event.cause:
            headers["ce_causationid"] = str(event.cause)
        plain = _COMPRESSOR.compress(event.data.model_dump_json().encode())
        return headers, self.keyring.seal(plain, event.id.bytes)

    def decode(
        self, headers: Mapping[str, str], value: bytes | None, wanted: Container[type[Fact]] = FACT_OF.values()
    ) -> Event | None:
        """The event, or None for a type that is not `wanted` or not known. Raises Undecodable for everything else."""
        try:
            fact_class = FACT_OF.get(headers["ce_type"])
            if fact_class is None or fact_class not in wanted:
                return None  # before anything else is asked of it: what its id looks like is its writer's affair
            event_id = UUID(headers["ce_id"])
            plain = self.keyring.open(headers["encryption-key"], value or b"", event_id.bytes)
            cause = headers.get("ce_causationid")
            return Event(
                id=event_id,
                source=headers["ce_source"].rpartition("/")[2],
                time=_time_in(headers["ce_time"]),
                data=fact_class.model_validate_json(_inflate(plain)),
                trace=headers.get("traceparent"),
                cause=UUID(cause) if cause else None,
            )
        except KeyError as error:
            raise Undecodable("HEADER_MISSING", str(error.args[0])) from None
        except CannotOpen:
            raise Undecodable("CANNOT_DECRYPT") from None
        except ZstdError:
            raise Undecodable("CANNOT_DECOMPRESS") from None
        except ValidationError as error:
            faults = error.errors(include_input=False, include_context=False, include_url=False)
            raise Undecodable(
                "NOT_THE_SCHEMA", *(".".join(map(str, f["loc"])) + f":{f['type']}" for f in faults)
            ) from None
        except ValueError:
            raise Undecodable("HEADER_MALFORMED") from None


def _time_in(header: str) -> datetime:
    time = datetime.fromisoformat(header)
    if time.tzinfo is None:
        raise ValueError("a time without a zone is no moment")
    return time


_COMPRESSOR, _DECOMPRESSOR = ZstdCompressor(level=1), ZstdDecompressor()


def _inflate(plain: bytes) -> bytes:
    # What a frame says of its size is what would be allocated for it.
    if not 0 <= frame_content_size(plain) <= _LARGEST_FACT:
        raise Undecodable("TOO_LARGE")
    return _DECOMPRESSOR.decompress(plain)
