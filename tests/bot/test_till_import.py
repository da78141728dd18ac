"""`jifen import` and `jifen export balances` as commands of their own, on a real database, killed and run again."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import get_args

import click
import pytest
from sqlalchemy import text

from bot.till_file import Export, ExportUnreadable
from bot.till_import import OUTCOMES, read_mapping
from ledger.earning.till_import import Outcome
from ledger.members import claims
from ledger.members.vault import Vault
from ledger.merchants.mapping import Mapping
from ledger.points.audit import audit
from tests.conftest import Database
from tests.recount import points_by_customer

SLICE = Path(__file__).parents[1] / "data" / "till_export_slice.csv"
SECRET = "the secret key of these tests, long enough"
KILLS = 6


def environment(database: Database, folder: Path) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database.url,
        "SECRET_KEY": SECRET,
        "DATA_DIR": str(folder),
        "LOG_LEVEL": "WARNING",
        "COLUMNS": "120",
    }


async def jifen(database: Database, folder: Path, *words: str | Path) -> tuple[int, str]:
    """Exit code and what was said, of one run to its end."""
    command = [sys.executable, "-m", "bot.cli", *map(str, words)]
    run = await asyncio.create_subprocess_exec(
        *command, env=environment(database, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await run.communicate()
    return run.returncode or 0, said.decode()


async def balances(database: Database, folder: Path) -> dict[str, int]:
    """What `export balances` says each account has, deficits taken off."""
    target = folder / "balances.csv"
    code, said = await jifen(database, folder, "export", "balances", "--csv", target)
    assert code == 0, said
    with target.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert all(line["merchant"] == "gifts" and line["pending"] == line["held"] == "0" for line in lines)
    return {line["external_id"]: int(line["available"]) - int(line["deficit"]) for line in lines}


async def fingerprint(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    tables = ["entry", "posting", "lot", "purchase", "refund", "member", "external_account", "account", "merchant"]
    async with database.engine.connect() as tx:
        return {t: await tx.scalar(text(f"SELECT count(*) FROM {t}")) or 0 for t in tables}


async def test_an_export_is_tried_booked_and_booked_again_without_change(database: Database, tmp_path: Path) -> None:
    words = ("import", SLICE, "--merchant", "gifts", "--name-zh", "礼品店", "--name-en", "Gift Shop")
    code, said = await jifen(database, tmp_path, *words, "--dry-run")
    assert code == 0, said
    assert "nothing was booked" in said
    assert set((await fingerprint(database)).values()) == {0}

    report = tmp_path / "report.csv"
    code, said = await jifen(database, tmp_path, *words, "--report", report)
    assert code == 0, said
    assert await balances(database, tmp_path) == points_by_customer(SLICE)
    before = await fingerprint(database)
    async with database.engine.connect() as tx:
        assert (await audit(tx)).violations == ()
        assert await tx.scalar(text("SELECT count(*) FROM member WHERE status <> 'unclaimed'")) == 0

    with SLICE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with report.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [(int(line["row"]), line["document"]) for line in lines] == [
        (n, row["Invoice"]) for n, row in enumerate(rows, 1)
    ]
    outcomes = Counter(line["outcome"] for line in lines)
    assert outcomes["earned"] > 500
    assert {"refunded", "refunded_in_part", "not_matched", "no_customer", "adjustment"} <= set(outcomes)
    assert {line["status"] for line in lines if line["outcome"] == "earned"} == {"booked"}
    assert {line["status"] for line in lines if line["outcome"] == "no_customer"} == {""}

    code, said = await jifen(database, tmp_path, *words, "--report", report)
    assert code == 0, said
    assert await fingerprint(database) == before
    with report.open(newline="", encoding="utf-8") as file:
        assert {line["status"] for line in csv.DictReader(file)} == {"already", ""}


@pytest.mark.slow
async def test_an_import_killed_at_any_instant_ends_the_same_when_run_again(database: Database, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot.cli", "import", SLICE, "--merchant", "gifts", "--chunk", "3"]
    chance = random.Random(20101)
    grown: set[int] = set()
    for _ in range(KILLS):
        run = await asyncio.create_subprocess_exec(
            *command, env=environment(database, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        start = (await fingerprint(database))["purchase"]
        for _ in range(600):  # it has begun to book, or is done
            if run.returncode is not None or (await fingerprint(database))["purchase"] > start:
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(chance.uniform(0, 0.15))
        if run.returncode is None:
            run.kill()
        await run.wait()
        grown.add((await fingerprint(database))["purchase"])
        async with database.engine.connect() as tx:
            assert (await audit(tx)).violations == ()
    assert len(grown) > 1, "no kill came while it was booking"
    code, said = await jifen(database, tmp_path, "import", SLICE, "--merchant", "gifts")
    assert code == 0, said
    assert await balances(database, tmp_path) == points_by_customer(SLICE)
    async with database.engine.connect() as tx:
        assert (await audit(tx)).violations == ()
        assert await tx.scalar(text("SELECT count(*) - count(DISTINCT document) FROM purchase")) == 0


async def test_two_imports_of_one_file_at_once_book_it_once(database: Database, tmp_path: Path) -> None:
    words = ("import", SLICE, "--merchant", "gifts", "--chunk", "20")
    runs = await asyncio.gather(*(jifen(database, tmp_path, *words) for _ in range(2)))
    assert [code for code, _ in runs] == [0, 0], runs
    assert await balances(database, tmp_path) == points_by_customer(SLICE)
    async with database.engine.connect() as tx:
        assert (await audit(tx)).violations == ()


async def test_a_mapping_names_other_columns_and_is_remembered(database: Database, tmp_path: Path) -> None:
    export = tmp_path / "other.csv.gz"
    with gzip.open(export, "wt", newline="", encoding="utf-8") as file:
        file.write("nr;code;qty;when;each;who\n7;A;2;01.02.2010 10:00;3.50;ann\nR8;A;-1;02.02.2010 10:00;3.50;ann\n")
    mapping = tmp_path / "mapping.json"
    named = {"document": "nr", "item": "code", "quantity": "qty", "time": "when", "price": "each", "customer": "who"}
    how = {"time_format": "%d.%m.%Y %H:%M", "refund_prefix": "R", "delimiter": ";"}
    mapping.write_text(json.dumps(named | how))
    words = ("import", export, "--merchant", "gifts")
    code, said = await jifen(database, tmp_path, *words)
    assert code == 1
    assert "Invoice" in said
    assert "--mapping" in said
    code, said = await jifen(database, tmp_path, *words, "--mapping", mapping)
    assert code == 0, said
    assert await balances(database, tmp_path) == {"ann": 3}
    code, said = await jifen(database, tmp_path, *words)  # remembered
    assert code == 0, said


def test_a_mapping_with_a_misspelt_name_says_which(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text('{"dokument": "nr"}')
    with pytest.raises(click.ClickException, match="dokument"):
        read_mapping(mapping)


async def test_a_document_with_other_facts_is_reported_and_left_alone(database: Database, tmp_path: Path) -> None:
    head, line = "Invoice,StockCode,Quantity,InvoiceDate,Price,Customer ID\n", "1,A,{},2010-01-01 10:00:00,5,ann\n"
    export, report = tmp_path / "e.csv", tmp_path / "r.csv"
    for quantity, code_wanted in ((1, 0), (2, 1)):
        export.write_text(head + line.format(quantity))
        code, said = await jifen(database, tmp_path, "import", export, "--merchant", "gifts", "--report", report)
        assert code == code_wanted, said
    assert "differs" in report.read_text()
    assert await balances(database, tmp_path) == {"ann": 5}


async def test_claim_codes_open_the_accounts_they_were_given_for(database: Database, tmp_path: Path) -> None:
    codes = tmp_path / "codes.csv"
    words = ("import", SLICE, "--merchant", "gifts", "--claim-codes", codes)
    lists = []
    for _ in range(2):
        code, said = await jifen(database, tmp_path, *words)
        assert code == 0, said
        lists.append(codes.read_text())
    assert lists[0] == lists[1]
    assert codes.stat().st_mode & 0o077 == 0
    given = {line["external_id"]: line["claim_code"] for line in csv.DictReader(lists[0].splitlines())}
    wanted = points_by_customer(SLICE)
    assert set(given) == set(wanted)
    richest = max(wanted, key=wanted.__getitem__)
    from tests.ledger.earning.shop import moment, new_member

    vault = Vault(SECRET, os.urandom)
    async with database.engine.begin() as tx:
        me = await new_member(tx)
        claimed = await claims.claim(tx, vault, member_id=me, code=given[richest].lower(), at=moment())
    assert isinstance(claimed, claims.Claimed)
    assert [r.points for r in claimed.receipts] == [wanted[richest]]
    code, said = await jifen(
        database, tmp_path, *words
    )  # the claimed account is known as it is, and gets no code again
    assert code == 0, said
    assert richest not in codes.read_text()
    async with database.engine.connect() as tx:
        assert (await audit(tx)).violations == ()


def test_every_outcome_and_every_setting_of_a_mapping_is_explained() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "till-import.md").read_text(encoding="utf-8")
    assert set(OUTCOMES) == set(get_args(Outcome))
    assert all(f"`{name}`" in manual for name in (*OUTCOMES, *Mapping.model_fields))


def test_a_file_that_is_no_export_says_so(tmp_path: Path) -> None:
    cases = {"a.csv.gz": b"not gzip", "b.csv": b"\xff\xfe\x00", "c.csv": b"", "d.csv": b"Invoice,Price\n1,2\n"}
    for name, content in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ExportUnreadable, match=r" / "):
            list(Export(path, Mapping()).rows())


async def test_export_balances_of_an_unknown_merchant_says_so(database: Database, tmp_path: Path) -> None:
    code, said = await jifen(database, tmp_path, "export", "balances", "--csv", "-", "--merchant", "nobody")
    assert code == 1
    assert "there is no merchant nobody" in said
