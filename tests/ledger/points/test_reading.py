"""Statements straight through the driver stay within SQLAlchemy's transaction."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.earning.tables import purchase
from ledger.points import tables
from ledger.points.engine import retryable
from ledger.points.reading import array, run
from tests.conftest import Database

_WRITE = "INSERT INTO turn_key (key) VALUES ($1)"
_COUNT = "SELECT count(*) FROM turn_key"


async def test_the_first_statement_begins_the_transaction_and_its_end_ends_it(database: Database) -> None:
    async with database.engine.connect() as tx:
        await run(tx, _WRITE, "one")
        await run(tx, _WRITE, "two")
        assert (await run(tx, _COUNT))[0][0] == 2
        await tx.rollback()
        await tx.execute(text("INSERT INTO turn_key (key) VALUES ('three')"))
        await run(tx, _WRITE, "four")
        await tx.commit()
    async with database.engine.connect() as tx:
        assert (await run(tx, "SELECT key FROM turn_key ORDER BY key"))[0][0] == "four"
        assert (await run(tx, _COUNT))[0][0] == 2


@pytest.mark.parametrize("begun", [False, True])
async def test_an_error_is_sqlalchemys_whoever_ran_the_statement(database: Database, begun: bool) -> None:
    async with database.engine.begin() as tx:
        await run(tx, _WRITE, "one")
    with pytest.raises(DBAPIError) as caught:
        async with database.engine.begin() as tx:
            if begun:
                await run(tx, _COUNT)
            await run(tx, _WRITE, "one")
    assert retryable(caught.value)


async def test_whole_rows_are_written_in_the_order_of_the_tables_columns(database: Database) -> None:
    """A row goes to the database as a tuple, so the tables of every database must have their columns in one order."""
    whole = [tables.entry, tables.lot, tables.posting, tables.position, tables.hold, purchase]
    async with database.engine.connect() as tx:
        for table in whole:
            found = await run(
                tx,
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"
                " ORDER BY attnum",
                f'"{table.name}"',
            )
            assert [name for (name,) in found] == [column.name for column in table.columns]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", [0, -(2**63), 2**63 - 1, None]),
        ("smallint", [1, 2]),
        ("date", [dt.date(2026, 11, 22), None, dt.date(9999, 12, 31)]),
        ("boolean", [True, False]),
        ("text", ["member", "clawed_back", None]),
        ("bigint", []),
    ],
)
async def test_an_array_as_text_is_read_as_what_was_written(
    database: Database, kind: str, values: list[object]
) -> None:
    async with database.engine.connect() as tx:
        ((read,),) = await run(tx, f"SELECT $1::text::{kind}[]", array(values))
    assert read == values
