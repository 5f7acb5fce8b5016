"""The audit: append-only for the service's own role, sealed by a chain that shows what was changed, nothing lost at a stop."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from chassis.audit.entry import NOT_AUDITED, Entry, noting, saw
from chassis.audit.recorder import Recorder
from chassis.audit.seals import Sealer, verify
from chassis.audit.table import AuditFilter, page
from chassis.database import Database
from chassis.ids import new_id
from tests.support.chassis import codec_of, database_of

pytestmark = pytest.mark.anyio


class Route:
    def __init__(self, name: str, extra: dict[str, Any] | None = None) -> None:
        self.name, self.openapi_extra = name, extra


def entry_of(subject: str = "kim", action: str = "get_order", **scope: Any) -> Entry:
    entry = Entry({"route": Route(action), "client": ("192.0.2.7", 4711), "path_params": {}, **scope})
    entry.who(subject, "assistant", new_id())
    return entry


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody with more rights than the service has. Begins with an empty audit: only the owner can make one."""
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "reporting"})
    await connection.execute(f"{_UNGUARDED}; TRUNCATE audit RESTART IDENTITY; TRUNCATE audit_seals; {_GUARDED}")
    yield connection
    await connection.execute(_GUARDED)
    await connection.close()


_UNGUARDED = "ALTER TABLE audit DISABLE TRIGGER ALL; ALTER TABLE audit_seals DISABLE TRIGGER ALL"
_GUARDED = "ALTER TABLE audit ENABLE TRIGGER ALL; ALTER TABLE audit_seals ENABLE TRIGGER ALL"


@pytest.fixture
async def reporting(database_url: str, owner: asyncpg.Connection) -> AsyncIterator[Database]:
    """As the service opens it, with its own role."""
    database = database_of(database_url, "reporting")
    yield database
    await database.close()


async def write(database: Database, count: int = 1, subject: str = "kim") -> None:
    async with database.transaction() as tx:
        for _ in range(count):
            tx.audit(entry_of(subject), 200, new_id())


async def rows(database: Database, **wanted: Any) -> list[Any]:
    async with database.reading() as db:
        return await page(db.connection, AuditFilter(**wanted), None, 10_000)


# ── what is noted ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_row_says_who_did_what_when_from_where_and_how_it_ended(reporting: Database) -> None:
    order_id, careplan_id = new_id(), new_id()
    entry = entry_of(action="download_careplan", path_params={"careplan_id": str(careplan_id), "format": "pdf"})
    with noting(entry):
        saw(order_id)
    recorder = Recorder(reporting)
    recorder.note(entry, 200)
    await recorder.close()
    [row] = await rows(reporting)
    assert (row["subject"], row["acting_as"], row["token_id"]) == ("kim", "assistant", entry.token_id)
    assert (row["action"], row["address"], row["outcome"]) == ("download_careplan", "192.0.2.7", 200)
    assert row["entities"] == [str(careplan_id), str(order_id)]
    assert abs((datetime.now(UTC) - row["at"]).total_seconds()) < 60


async def test_a_change_is_noted_in_its_own_commit_and_once(reporting: Database) -> None:
    recorder, entry = Recorder(reporting), entry_of()
    async with reporting.transaction() as tx:
        tx.audit(entry, 202, new_id())
    recorder.note(entry, 202)
    await recorder.close()
    assert len(await rows(reporting)) == 1


async def test_a_change_that_did_not_happen_is_noted_as_what_came_of_it(reporting: Database) -> None:
    recorder, entry = Recorder(reporting), entry_of()
    with pytest.raises(ZeroDivisionError):
        async with reporting.transaction() as tx:
            tx.audit(entry, 202, new_id())
            raise ZeroDivisionError
    recorder.note(entry, 500)
    await recorder.close()
    assert [row["outcome"] for row in await rows(reporting)] == [500]


async def test_without_a_caller_or_where_no_patient_is_shown_nothing_is_noted(reporting: Database) -> None:
    recorder = Recorder(reporting)
    recorder.note(Entry({"route": Route("get_order")}), 401)
    recorder.note(entry_of(route=Route("search_icd10", NOT_AUDITED)), 200)
    await recorder.close()
    assert await rows(reporting) == []


async def test_of_a_path_only_what_is_an_id_is_kept(reporting: Database) -> None:
    recorder, order_id = Recorder(reporting), str(new_id())
    recorder.note(entry_of(path_params={"order_id": order_id, "source": "Ana Bell 1979-06-08"}), 404)
    await recorder.close()
    [row] = await rows(reporting)
    assert row["entities"] == [order_id]


async def test_what_waits_is_written_at_a_stop_and_kept_while_the_database_is_away(reporting: Database) -> None:
    away = Recorder(Database("postgresql://nobody@127.0.0.1:1/none", codec_of("reporting")))
    for _ in range(2_500):
        away.note(entry_of(), 200)
    with pytest.raises(OSError):
        await away.flush()
    back = Recorder(reporting)
    back._waiting = away._waiting
    await back.close()
    assert len(await rows(reporting)) == 2_500


async def test_who_cannot_be_noted_is_shown_nothing(reporting: Database) -> None:
    recorder = Recorder(reporting)
    for _ in range(20_000):
        recorder.note(entry_of(), 200)
    assert recorder.is_full
    await recorder.close()
    assert not recorder.is_full


async def test_rows_are_found_by_who_what_and_which(reporting: Database) -> None:
    await write(reporting, 3)
    await write(reporting, 2, subject="lee")
    of_lee = await rows(reporting, subject="lee")
    assert len(of_lee) == 2
    assert [row["id"] for row in await rows(reporting, entity=of_lee[0]["entities"][0])] == [of_lee[0]["id"]]
    assert await rows(reporting, action="submit_order") == []
    assert await rows(reporting, since=datetime(2999, 1, 1, tzinfo=UTC)) == []


# ── append-only ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", ["audit", "audit_seals"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} DISABLE TRIGGER ALL", "DROP TABLE {}"]
)  # fmt: skip
async def test_the_services_own_role_changes_nothing(table: str, statement: str, reporting: Database) -> None:
    change = "subject = 'x'" if table == "audit" else "digest = ''"
    await write(reporting)
    await Sealer("reporting", reporting).seal_all()
    async with reporting.reading() as db:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(statement.format(table, change))


@pytest.mark.parametrize("statement", ["UPDATE audit SET subject = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_not_even_the_owner_changes_a_row_in_passing(
    statement: str, reporting: Database, owner: asyncpg.Connection
) -> None:
    await write(reporting)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute(statement)


# ── sealed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def sealed(database: Database, owner: asyncpg.Connection, batches: int = 3, size: int = 10) -> None:
    for _ in range(batches):
        await write(database, size)
        assert await Sealer("reporting", database).seal_all() == size
    await owner.execute(_UNGUARDED)


async def test_an_untouched_chain_holds(reporting: Database, owner: asyncpg.Connection) -> None:
    await sealed(reporting, owner)
    await write(reporting, 4)
    found = await verify(owner)
    assert (found.seals, found.rows, found.unsealed, found.broken) == (3, 30, 4, ())


async def test_an_empty_audit_holds(owner: asyncpg.Connection) -> None:
    assert (await verify(owner)).broken == ()


_COPY = "SELECT {}, acting_as, token_id, action, entities, address, outcome FROM audit WHERE id = 15"
_INSERT = "INSERT INTO audit OVERRIDING SYSTEM VALUE"
ATTACKS = {
    "UPDATE audit SET subject = 'somebody else' WHERE id = 15": "seal 2 (rows 11 to 20",
    "UPDATE audit SET entities = '{}' WHERE id = 15": "changed",
    "UPDATE audit SET outcome = 404 WHERE id = 15": "changed",
    "UPDATE audit SET at = at + interval '1 us' WHERE id = 15": "changed",
    "UPDATE audit SET address = '' WHERE id = 15": "changed",
    "UPDATE audit SET token_id = NULL WHERE id = 15": "changed",
    "DELETE FROM audit WHERE id = 15": "1 removed",
    "DELETE FROM audit WHERE id = 1": "seal 1",
    "DELETE FROM audit WHERE id = 20": "seal 2",
    f"DELETE FROM audit WHERE id = 14; {_INSERT} {_COPY.format('14, at, subject')}": "changed",
    f"{_INSERT} {_COPY.format('-5, at, subject')}": "1 inserted",
    "UPDATE audit_seals SET digest = sha256('x') WHERE number = 2": "seal 2",
    "UPDATE audit_seals SET sealed_at = sealed_at - interval '1 day' WHERE number = 2": "seal 2",
    "DELETE FROM audit_seals WHERE number = 2": "seal 2 is missing",
    "DELETE FROM audit_seals WHERE number = 1": "seal 1 is missing",
}


async def test_whatever_was_done_to_a_sealed_row_is_found(reporting: Database, owner: asyncpg.Connection) -> None:
    await sealed(reporting, owner)
    for attack, says in ATTACKS.items():
        undone = owner.transaction()
        await undone.start()
        await owner.execute(attack)
        found = await verify(owner)
        await undone.rollback()
        assert found.broken, attack
        assert says in found.broken[0], attack
    assert (await verify(owner)).broken == ()


async def test_a_chain_made_anew_or_cut_off_is_found_by_a_digest_kept_elsewhere(
    reporting: Database, owner: asyncpg.Connection
) -> None:
    await sealed(reporting, owner)
    kept = {3: (await verify(owner)).last_digest}
    assert (await verify(owner, kept)).broken == ()
    await owner.execute("DELETE FROM audit WHERE id > 20; DELETE FROM audit_seals WHERE number = 3")
    assert (await verify(owner)).broken == ()
    assert (await verify(owner, kept)).broken == ("seal 3 is not the one that was kept",)


async def test_a_row_that_commits_late_is_in_its_seal_all_the_same(
    reporting: Database, owner: asyncpg.Connection
) -> None:
    """Its id is lower than those of rows that were there before it: sealing waits for who is just writing."""
    writing, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with reporting.transaction() as tx:
            tx.audit(entry_of("slow"), 200)
            await tx.write_events()
            tx._audited.clear()
            writing.set()
            await go_on.wait()

    late = asyncio.create_task(slow())
    await writing.wait()
    await write(reporting, 5)
    sealing = asyncio.create_task(Sealer("reporting", reporting).seal_all())
    await asyncio.sleep(0.3)
    assert not sealing.done()
    await write(reporting, 5)  # nobody waits for the sealer
    go_on.set()
    await late
    assert await sealing >= 6
    await Sealer("reporting", reporting).seal_all()
    found = await verify(owner)
    assert (found.rows, found.unsealed, found.broken) == (11, 0, ())


async def test_two_replicas_that_seal_at_once_make_one_chain(reporting: Database, owner: asyncpg.Connection) -> None:
    await write(reporting, 50)
    both = await asyncio.gather(*(Sealer("reporting", reporting).seal_all() for _ in range(4)))
    assert sum(both) == 50
    assert (await verify(owner)).broken == ()


async def test_a_change_is_noted_in_a_transaction_or_not_at_all(reporting: Database) -> None:
    with pytest.raises(RuntimeError, match="no transaction"):
        async with reporting.reading() as db:
            db.audit(entry_of(), 200)
