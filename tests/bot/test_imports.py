"""Files of every kind at work: tried, confirmed, done; once, whatever is repeated; and the ledger holds after each."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import random
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook

from bot.imports import Imports
from bot.sent_files import Gone
from chat.csv_file import csv_file
from chat.imports import report
from chat.words import Speaker
from chat.xlsx_file import xlsx_file
from jobs import imports as duty
from ledger.earning import declined
from ledger.imports import files, members, progress
from ledger.imports.files import ImportNotReady, ImportOver, TooManyImports
from ledger.imports.kinds import Kind
from ledger.imports.reading import ImportTooLarge
from ledger.members import claims, walk_ins
from ledger.merchants import accounts, guarantee
from tests.bot.importing import Desk, csv_of, day, file_of, nothing, open_desk, xlsx_of
from tests.conftest import Database
from tests.jobs.duties import Office
from tests.ledger.earning.shop import NOON, ZONE, moment, new_member

ROOT = Path(__file__).parents[2]
KILLS = 3
WHEN = "2026-11-10 18:30"


def bought(document: str, customer: str, amount: str, *more: str) -> list[str]:
    """A row of a purchase."""
    return [document, customer, WHEN, amount, *more]


async def test_a_trial_says_what_each_row_would_do_and_changes_nothing(database: Database) -> None:
    desk = await open_desk(database)
    before = await desk.fingerprint()
    content = file_of(
        "purchases",
        bought("d1", "A", "120.00"),
        bought("d2", "B", "no"),
        bought("d3", "A", "0"),
        bought("d4", "C", "5.99"),
    )
    file = await desk.tried("purchases", content)
    assert (file.state, file.row_count, file.good, file.known, file.bad, file.points) == ("tried", 4, 2, 0, 2, 125)
    assert await desk.outcomes(file) == ["would", "cell_unreadable", "amount_must_be_positive", "would"]
    assert await desk.fingerprint() == before
    done = await desk.confirm(file)
    assert (done.state, done.good, done.known, done.bad, done.points) == ("done", 2, 0, 2, 125)
    assert await desk.outcomes(done) == ["done", "cell_unreadable", "amount_must_be_positive", "done"]
    after = await desk.fingerprint()
    assert after["purchases"] == [("d1", "A", 12_000, 120), ("d4", "C", 599, 5)]
    assert await desk.holds()


async def test_lines_of_one_document_are_one_purchase_wherever_they_stand(database: Database) -> None:
    desk = await open_desk(database)
    lines = [
        bought("d1", "A", "10.00", "green", "a-1", "2"), bought("d2", "B", "7.00"), bought("d1", "A", "5.50", "", "b-2"),
        bought("d3", "A", "1.00"), bought("d3", "B", "1.00"),
        bought("d4", "A", "1.00"), bought("d4", "A", "-1.00"),
    ]  # fmt: skip
    file = await desk.done("purchases", file_of("purchases", *lines))
    assert await desk.outcomes(file) == [
        "done", "done", "done", "lines_differ", "lines_differ", "line_unread", "no_refunds_here",
    ]  # fmt: skip
    [(bill, points)] = await desk.sql("SELECT bill, points FROM purchase WHERE document = 'd1'")
    assert bill["parts"] == [[1000, "green", None, 2, "a-1"], [550, None, None, 1, "b-2"]]
    assert points == 20  # the green line gives one and a half
    assert await desk.holds()


async def test_the_same_file_sent_twice_counts_once(database: Database) -> None:
    desk = await open_desk(database)
    sent = {
        "purchases": file_of("purchases", bought("d1", "A", "10.00"), bought("d2", "B", "20.00")),
        "members": file_of("members", ["A"], ["C"]),
        "balances": file_of("balances", ["A", "100", ""], ["D", "50", day(30).isoformat()]),
        "codes": file_of("codes", ["coffee", "K-1", ""], ["coffee", "K-2", day(30).isoformat()]),
    }
    for kind, content in sent.items():
        first = await desk.done(kind, content)  # type: ignore[arg-type]
        assert (first.good, first.known, first.bad) == (2, 0, 0), kind
    before = await desk.fingerprint()
    for kind, content in sent.items():
        again = await desk.done(kind, content)  # type: ignore[arg-type]
        assert (again.good, again.known, again.bad, again.points) == (0, 2, 0, 0), kind
        async with database.engine.connect() as tx:
            same = await files.same_before(tx, again)
        assert same is not None and same.digest == again.digest
    assert await desk.fingerprint() == before
    assert await desk.holds()


async def test_a_document_that_was_booked_with_other_facts_is_refused(database: Database) -> None:
    desk = await open_desk(database)
    await desk.done("purchases", file_of("purchases", bought("d1", "A", "10.00")))
    again = await desk.done("purchases", file_of("purchases", bought("d1", "A", "11.00"), bought("d2", "A", "11.00")))
    assert await desk.outcomes(again) == ["document_taken", "done"]


async def test_purchases_of_an_account_that_was_claimed_are_known_again_and_new_ones_are_its_owners(
    database: Database,
) -> None:
    desk = await open_desk(database)
    await desk.done("members", file_of("members", ["A"]))
    [(whose,)] = await desk.sql("SELECT member_id FROM external_account")
    await desk.done("purchases", file_of("purchases", [*bought("d1", "A", "10.00")]))
    async with database.engine.begin() as tx:
        owner = await new_member(tx)
    await desk.sql(
        "INSERT INTO succession (member_id, holder_id) SELECT member_id, :owner FROM external_account", owner=owner
    )
    file = await desk.done("purchases", file_of("purchases", bought("d1", "A", "10.00"), bought("d2", "A", "20.00")))
    assert await desk.outcomes(file) == ["already", "done"]
    assert await desk.sql("SELECT document, member_id FROM purchase ORDER BY 1") == [("d1", whose), ("d2", owner)]
    balances = await desk.done("balances", file_of("balances", ["A", "70", ""]))
    assert await desk.outcomes(balances) == ["done"]
    assert await desk.sql("SELECT owner_id FROM entry WHERE kind = 'open_balance'") == [(owner,)]
    assert await desk.holds()


async def test_claim_codes_come_with_the_rows_that_opened_the_accounts_and_work(database: Database) -> None:
    desk = await open_desk(database)
    await desk.done("purchases", file_of("purchases", bought("d1", "A", "10.00")))  # an account without a code
    file = await desk.done("members", file_of("members", ["A"], ["B"], ["B"]))
    assert await desk.outcomes(file) == ["done", "done", "row_twice"]
    found = await desk.rows(file)
    async with database.engine.connect() as tx:
        codes = await members.claim_codes(tx, desk.vault, file, found, now=NOON)
        late = await members.claim_codes(tx, desk.vault, file, found, now=NOON + dt.timedelta(days=8))
    assert set(codes) == {2, 3} and late == {}
    again = await desk.done("members", file_of("members", ["A"], ["B"]))
    async with database.engine.connect() as tx:
        assert await members.claim_codes(tx, desk.vault, again, await desk.rows(again), now=NOON) == {}
    async with database.engine.begin() as tx:
        who = await new_member(tx)
        claimed = await claims.claim(tx, desk.vault, member_id=who, code=codes[3], at=moment())
    assert isinstance(claimed, claims.Claimed) and claimed.external_id == "B"
    async with database.engine.connect() as tx:
        left = await members.claim_codes(tx, desk.vault, file, found, now=NOON)
    assert set(left) == {2}
    assert await desk.sql(
        "SELECT count(*) FROM import_row WHERE words::text LIKE '%' || :code || '%'", code=codes[2]
    ) == [(0,)]


async def test_rows_beyond_the_cover_are_kept_to_be_booked_later_and_a_trial_keeps_nothing(database: Database) -> None:
    desk = await open_desk(database)
    async with database.engine.begin() as tx:
        await guarantee.set_limit(tx, desk.merchant.id, 250, actor="test", at=moment())
    content = file_of("purchases", bought("d1", "A", "100.00"), bought("d2", "B", "100.00"), bought("d3", "C", "20.00"))
    file = await desk.tried("purchases", content)
    assert await desk.outcomes(file) == ["would", "cover_exhausted", "would"]
    assert await desk.sql("SELECT count(*) FROM declined_purchase") == [(0,)]
    done = await desk.confirm(file)
    assert await desk.outcomes(done) == ["done", "cover_exhausted", "done"]
    assert await desk.sql("SELECT document, channel, actor FROM declined_purchase") == [("d2", "file", "staff:1")]
    async with database.engine.begin() as tx:
        await guarantee.set_limit(tx, desk.merchant.id, 10_000, actor="test", at=moment())
    again = await desk.done("purchases", content)
    assert await desk.outcomes(again) == ["already", "done", "already"]
    async with database.engine.begin() as tx:
        assert await declined.waiting(tx, desk.merchant.id) == (0, 0)
    assert await desk.holds()


async def test_opening_balances_end_where_the_cover_ends_in_the_trial_and_in_earnest(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty, "UNITS_PER_CHUNK", 2)  # the cover is one across chunks
    desk = await open_desk(database)
    async with database.engine.begin() as tx:
        await guarantee.set_limit(tx, desk.merchant.id, 500, actor="test", at=moment())
    content = file_of(
        "balances", ["A", "100", ""], ["B", "100", ""], ["C", "100", ""], ["D", "40", ""], ["E", "30", ""]
    )
    file = await desk.tried("balances", content)
    assert await desk.outcomes(file) == ["would", "would", "cover_exhausted", "would", "cover_exhausted"]
    assert await desk.sql("SELECT reserved_minor FROM cover") == [(0,)]
    done = await desk.confirm(file)
    assert await desk.outcomes(done) == ["done", "done", "cover_exhausted", "done", "cover_exhausted"]
    assert done.points == 240
    async with database.engine.begin() as tx:
        await guarantee.set_limit(tx, desk.merchant.id, 10_000, actor="test", at=moment())
    again = await desk.done("balances", content)
    assert await desk.outcomes(again) == ["already", "already", "done", "already", "done"]
    more = await desk.done("balances", file_of("balances", ["A", "101", ""]))
    assert await desk.outcomes(more) == ["balance_opened"]
    assert await desk.sql("SELECT expires_on FROM lot WHERE expires_on IS NULL") == []
    assert await desk.holds()


async def test_codes_are_sealed_everywhere_and_gone_from_the_rows_once_kept(database: Database) -> None:
    desk = await open_desk(database)
    secret = "SECRET-7Q2K-99"
    file = await desk.tried(
        "codes", file_of("codes", ["coffee", secret, ""], ["coffee", secret, ""], ["", "SECRET-NO-POOL", ""])
    )
    assert await desk.outcomes(file) == ["would", "row_twice", "cell_missing"]
    file = await desk.confirm(file)
    assert await desk.outcomes(file) == ["done", "row_twice", "cell_missing"]
    assert all("code" not in (row.cells or {}) for row in await desk.rows(file))
    boxes = await desk.sql("SELECT box FROM import_row")
    opened = [desk.vault.open(file.key or b"", bytes(box)) for (box,) in boxes]
    assert not any("code" in each for each in opened)
    for table in ("import_file", "import_row", "partner_code", "code_pool", "outbox", "merchant_log"):
        assert await desk.sql(f"SELECT count(*) FROM {table} x WHERE x::text LIKE '%SECRET-%'") == [(0,)]


async def test_a_report_has_every_row_and_no_cell_that_a_spreadsheet_would_run(database: Database) -> None:
    desk = await open_desk(database)
    lines = [
        bought("=1+2", "A", "1.00"),
        bought("@sum", "+86138", "2.00"),
        bought("-d", "\tA", "x"),
        bought("ok", "=A", "3"),
    ]
    file = await desk.done("purchases", file_of("purchases", *lines))
    table = report(file, await desk.rows(file), {}, Speaker("zh", day(0), ZONE))
    assert len(table) == 5 and table[0][:3] == ["行", "单号", "顾客号"]
    said = csv_file(table).decode("utf-8-sig")
    cells = [cell for line in said.splitlines()[1:] for cell in line.split(",")]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t")]
    assert "'=1+2" in said and "'@sum" in said and "'-d" in said and "'+86138" in said
    sheet = load_workbook(io.BytesIO(xlsx_file(table, "import"))).active
    assert sheet is not None and sheet["B2"].value == "'=1+2" and sheet["B2"].data_type == "s"


async def test_an_excel_file_and_a_gb18030_file_do_the_same_as_utf_8(database: Database) -> None:
    desk = await open_desk(database)
    table = [["小票号", "会员号", "交易时间", "实付"], ["d1", "甲", WHEN, "10.10"], ["d2", "乙", WHEN, "20"]]
    first = await desk.done("purchases", csv_of(table, "gb18030"))
    assert (first.good, first.points) == (2, 30)
    workbook = [table[0], ["d1", "甲", dt.datetime(2026, 11, 10, 18, 30), 10.1], ["d2", "乙", WHEN, 20]]
    again = await desk.done("purchases", xlsx_of(workbook))
    assert (again.known, again.bad) == (2, 0)
    assert (await desk.done("purchases", csv_of(table, "utf-16", ";"))).known == 2


async def test_columns_with_other_names_are_named_once_and_remembered(database: Database) -> None:
    desk = await open_desk(database)
    content = csv_of([["Invoice", "Who", "When", "Total"], ["d1", "A", WHEN, "10.00"]])
    refused = await desk.tried("purchases", content)
    assert refused.state == "refused" and refused.trouble is not None
    assert refused.trouble.code == "columns_missing"
    assert (
        refused.trouble.zh
        == "缺少列:顾客号、时间。文件里的列:Invoice、Who、When、Total。改列名,或发文件时写明哪一列是它,比如 顾客号=ABC"
    )
    assert "customer, time" in refused.trouble.en
    named = {"customer": "who", "occurred_at": "When"}
    assert (await desk.done("purchases", content, named=named)).good == 1
    assert (await desk.done("purchases", content)).known == 1


async def test_a_file_that_is_none_is_refused_as_a_whole_and_forgotten(database: Database) -> None:
    desk = await open_desk(database)
    file = await desk.tried("members", b"\xd0\xcf\x11\xe0 old excel", member_id=desk.shop.owner.member_id)
    assert file.state == "refused" and file.key is None and file.trouble is not None
    assert file.trouble.code == "file_unreadable" and "xlsx" in file.trouble.en
    assert await desk.sql("SELECT content FROM import_file") == [(None,)]
    with pytest.raises(ImportTooLarge):
        await desk.send("members", b"x" * 8_000_001)


async def test_yes_and_no_at_the_wrong_time_are_refused(database: Database) -> None:
    desk = await open_desk(database)
    file = await desk.send("members", file_of("members", ["A"]))
    async with database.engine.begin() as tx:
        with pytest.raises(ImportNotReady):
            await files.confirm(tx, desk.merchant.id, file.id, by="staff:1", now=NOON)
    await desk.work()
    async with database.engine.begin() as tx:
        assert (await files.drop(tx, desk.merchant.id, file.id, now=NOON)).state == "dropped"
        assert (await files.drop(tx, desk.merchant.id, file.id, now=NOON)).state == "dropped"
    async with database.engine.begin() as tx:
        with pytest.raises(ImportOver):
            await files.confirm(tx, desk.merchant.id, file.id, by="staff:1", now=NOON)
        with pytest.raises(files.NoSuchImport):
            await files.confirm(tx, desk.merchant.id + 1, file.id, by="staff:1", now=NOON)
    assert await desk.sql("SELECT count(*) FROM import_row") == [(0,)]
    done = await desk.done("members", file_of("members", ["A"]))
    assert (await desk.confirm(done)).state == "done"
    assert await desk.sql("SELECT count(*) FROM external_account") == [(1,)]


async def test_nobody_can_pile_up_files(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "UNDER_WAY_MOST", 2)
    desk = await open_desk(database)
    for _ in range(2):
        await desk.send("members", file_of("members", ["A"]))
    with pytest.raises(TooManyImports):
        await desk.send("members", file_of("members", ["A"]))


async def test_without_a_trial_a_file_runs_at_once(database: Database) -> None:
    desk = await open_desk(database)
    file = await desk.tried("members", file_of("members", ["A"]), at_once=True)
    assert (file.state, file.good, file.confirmed_by) == ("done", 1, "api_key:1")


async def test_what_happened_long_ago_needs_the_right_to_say_so(database: Database) -> None:
    desk = await open_desk(database)
    old, future = ["d1", "A", "2026-09-01", "10.00"], ["d2", "A", "2026-11-11 12:06", "10.00"]
    refused = await desk.tried("purchases", file_of("purchases", old, future), history=False)
    assert await desk.outcomes(refused) == ["row_too_old", "row_in_future"]
    assert await desk.outcomes(await desk.tried("purchases", file_of("purchases", old, future))) == [
        "would",
        "row_in_future",
    ]


async def test_a_merchant_that_may_not_issue_gets_that_said_for_each_row(database: Database) -> None:
    desk = await open_desk(database)
    await desk.sql("UPDATE merchant SET status = 'suspended'")
    for kind, row in (("purchases", bought("d1", "A", "10.00")), ("balances", ["A", "10", ""])):
        file = await desk.tried(kind, file_of(kind, row))  # type: ignore[arg-type]
        assert await desk.outcomes(file) == ["merchant_may_not_issue"]


def many(count: int) -> bytes:
    """So many purchases of a few customers."""
    return file_of("purchases", *(bought(f"d{n}", f"c{n % 7}", f"{n}.50") for n in range(1, count + 1)))


async def test_two_workers_do_each_row_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duty, "UNITS_PER_CHUNK", 5)
    desk = await open_desk(database)
    sent = [await desk.send("purchases", many(60), at_once=True) for _ in range(2)]
    sent.append(await desk.send("members", file_of("members", *([f"c{n}"] for n in range(7))), at_once=True))

    async def worker() -> None:
        own = Imports(database.engine, desk.vault, desk.clock, nothing)
        for _ in range(200):
            await own.step()

    await asyncio.gather(*(worker() for _ in range(3)))
    ended = [await desk.look(file) for file in sent]
    assert [file.state for file in ended] == ["done"] * 3
    assert ended[0].good + ended[1].good == 60 and ended[0].known + ended[1].known == 60
    assert await desk.sql("SELECT count(*), sum(points) FROM purchase") == [(60, sum(range(1, 61)))]
    assert await desk.holds()


async def test_a_chunk_that_dies_changes_nothing_and_is_done_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty, "UNITS_PER_CHUNK", 10)
    desk = await open_desk(database)
    file = await desk.tried("purchases", many(35))
    real, dies = progress.went_on, iter([False, True, True, False, True, False, False])

    async def dying(*args: object, **how: object) -> None:
        await real(*args, **how)  # type: ignore[arg-type]
        if next(dies):
            raise ConnectionResetError

    monkeypatch.setattr(progress, "went_on", dying)
    done = await desk.confirm(file)
    assert (done.state, done.good, done.known) == ("done", 35, 0)
    assert await desk.sql("SELECT count(*) FROM purchase") == [(35,)]
    assert await desk.holds()


@pytest.mark.slow
async def test_workers_killed_at_any_instant_leave_what_one_that_lives_leaves(database: Database) -> None:
    desk = await open_desk(database)
    kinds: tuple[Kind, ...] = ("members", "balances", "codes", "purchases")
    customers = [f"c{n}" for n in range(120)]
    sent = {
        "members": file_of("members", *([each] for each in customers)),
        "balances": file_of("balances", *([each, str(n + 1), ""] for n, each in enumerate(customers))),
        "codes": file_of("codes", *(["coffee", f"K-{n}", ""] for n in range(120))),
        "purchases": many(240),
    }
    for kind in kinds:
        await desk.send(kind, sent[kind], at_once=True)
    chance = random.Random(711)
    for _ in range(KILLS):
        command = [sys.executable, "-m", "tests.bot.imports_process", database.url]
        processes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT) for _ in range(2)]
        begun = await worked(desk)
        while await worked(desk) == begun:
            assert all(process.returncode is None for process in processes)
            await asyncio.sleep(0.02)
        await asyncio.sleep(chance.uniform(0, 0.2))
        for process in processes:
            process.kill()
            await process.wait()
    assert 0 < await worked(desk) < 600
    await desk.work()
    for kind in kinds:  # and once more, alive
        again = await desk.done(kind, sent[kind])
        assert (again.good, again.known, again.bad) == (0, again.row_count, 0)
    assert await desk.sql("SELECT count(*), sum(points) FROM purchase") == [(240, sum(range(1, 241)))]
    assert await desk.sql("SELECT count(*), sum(points) FROM entry WHERE kind = 'open_balance'") == [(120, 7260)]
    assert await desk.sql("SELECT count(*) FROM partner_code") == [(120,)]
    assert await desk.sql("SELECT count(*), count(claim_index) FROM external_account") == [(120, 120)]
    assert await desk.sql("SELECT count(*), sum(good) FROM import_file WHERE at_once") == [(4, 600)]
    assert await desk.holds()


async def worked(desk: Desk) -> int:
    """How many rows are decided."""
    return int((await desk.sql("SELECT sum(good + known + bad) FROM import_file"))[0][0] or 0)


async def test_a_file_that_fails_again_and_again_stops_and_goes_on_when_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty, "UNITS_PER_CHUNK", 10)
    desk = await open_desk(database)
    file = await desk.tried("purchases", many(35))
    other = await desk.send("members", file_of("members", ["z"]), at_once=True)
    real = progress.went_on

    async def broken(tx: object, which: files.ImportFile, **how: int) -> None:
        if which.id == file.id and how["place"] > 15:
            raise ValueError("a fault of ours")
        await real(tx, which, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(progress, "went_on", broken)
    stopped = await desk.confirm(file)
    assert (stopped.state, stopped.good) == ("stopped", 10)
    assert stopped.trouble is not None and stopped.trouble.code == "import_failed"
    assert (await desk.look(other)).state == "done"
    monkeypatch.setattr(progress, "went_on", real)
    done = await desk.confirm(file)
    assert (done.state, done.good, done.trouble) == ("done", 35, None)
    assert await desk.holds()


async def test_a_file_that_telegram_has_is_fetched_and_one_that_it_lost_is_refused(database: Database) -> None:
    desk = await open_desk(database)
    asked: list[str] = []

    async def fetch(file_id: str) -> bytes:
        asked.append(file_id)
        if file_id == "lost":
            raise Gone
        return file_of("members", ["A"])

    desk.imports = Imports(database.engine, desk.vault, desk.clock, fetch)
    for file_id in ("there", "lost"):
        async with database.engine.begin() as tx:
            await files.receive(
                tx, desk.vault, merchant_id=desk.merchant.id, kind="members", name=None, by="staff:1", now=NOON,
                telegram_file=file_id, size=10,
            )  # fmt: skip
    await desk.work()
    assert asked == ["there", "lost"]
    assert await desk.sql("SELECT state, error ->> 'code' FROM import_file ORDER BY id") == [
        ("tried", None), ("refused", "file_gone"),
    ]  # fmt: skip


async def test_what_old_files_said_is_forgotten_and_how_they_ended_stays(database: Database) -> None:
    desk = await open_desk(database)
    file = await desk.done("members", file_of("members", ["A"]))
    async with database.engine.begin() as tx:
        assert await files.forget_old(tx, now=NOON + dt.timedelta(days=files.KEPT_DAYS - 1), limit=10) == 0
        assert await files.forget_old(tx, now=NOON + dt.timedelta(days=files.KEPT_DAYS + 1), limit=10) == 1
    [row] = await desk.rows(await desk.look(file))
    assert row.cells is None and row.outcome == "done"


async def test_the_night_forgets_for_itself(database: Database) -> None:
    office = Office(database, [duty.duty])
    desk = await open_desk(database)
    await desk.done("members", file_of("members", ["A"]))
    office.now = NOON + dt.timedelta(days=files.KEPT_DAYS + 1)
    await office.catch_up()
    assert await desk.sql("SELECT key FROM import_file") == [(None,)]
    assert await office.outcomes("imports") == [("done", {"chunks": 1})]


async def test_a_customer_whom_tills_know_by_phone_or_card_is_the_same_one_in_files(database: Database) -> None:
    desk = await open_desk(database)
    handle = walk_ins.read("138 0013 8000")
    assert handle is not None
    async with database.engine.begin() as tx:
        whose = await walk_ins.open_account(
            tx, desk.vault, handle, merchant_id=desk.merchant.id, terms="2026-11", by="staff:1", now=NOON
        )
    rows = [bought("d1", "13800138000", "10.00"), bought("d2", "+86 138-0013-8000", "20.00")]
    assert await desk.outcomes(await desk.done("purchases", file_of("purchases", *rows))) == ["done", "done"]
    balances = file_of("balances", ["138 0013 8000", "50", ""])
    assert await desk.outcomes(await desk.done("balances", balances)) == ["done"]
    again = file_of("balances", ["13800138000", "50", ""])
    assert await desk.outcomes(await desk.done("balances", again)) == ["already"]
    assert await desk.outcomes(await desk.done("members", file_of("members", ["13800138000"]))) == ["already"]
    assert await desk.sql("SELECT DISTINCT member_id FROM purchase") == [(whose,)]
    assert await desk.sql("SELECT count(*) FROM external_account") == [(1,)]
    async with database.engine.begin() as tx:  # and once somebody has claimed it
        owner = await new_member(tx)
    await desk.sql("INSERT INTO succession (member_id, holder_id) VALUES (:whose, :owner)", whose=whose, owner=owner)
    more = file_of("purchases", *rows, bought("d3", "13800138000", "30.00"))
    assert await desk.outcomes(await desk.done("purchases", more)) == ["already", "already", "done"]
    assert await desk.sql("SELECT member_id FROM purchase WHERE document = 'd3'") == [(owner,)]
    assert await desk.holds()


async def test_a_printed_card_that_no_till_has_seen_is_that_card_and_no_number_of_the_merchants_own(
    database: Database,
) -> None:
    desk = await open_desk(database)
    unprinted = walk_ins.card_number(4_711)
    assert await desk.outcomes(await desk.done("members", file_of("members", [unprinted]))) == ["done"]
    async with database.engine.begin() as tx:
        shop = desk.merchant.id
        _, cards = await walk_ins.print_cards(tx, desk.vault, merchant_id=shop, count=2, by="staff:1", now=NOON)
    first, second = cards
    gaps = f"{first.number[:4]} {first.number[4:8]} {first.number[8:]}"
    tried = await desk.tried("members", file_of("members", [first.number], [second.number]))
    assert await desk.outcomes(tried) == ["would"] * 2 and await desk.sql("SELECT 1 FROM walk_in") == []
    file = await desk.confirm(tried)
    assert await desk.outcomes(file) == ["done", "done"]
    async with database.engine.connect() as tx:
        codes = await members.claim_codes(tx, desk.vault, file, await desk.rows(file), now=NOON)
    assert codes == {}, "they claim by the code under the scratch field"
    again = await desk.done("members", file_of("members", [gaps], [unprinted]))
    assert await desk.outcomes(again) == ["already", "already"]
    bought_by = file_of("purchases", bought("d1", gaps, "10.00"), bought("d2", unprinted, "20.00"))
    assert await desk.outcomes(await desk.done("purchases", bought_by)) == ["done", "done"]

    handle = walk_ins.read(first.number)
    assert handle is not None
    async with database.engine.begin() as tx:
        whose = await walk_ins.open_account(
            tx, desk.vault, handle, merchant_id=shop, terms="2026-11", by="staff:1", now=NOON
        )
    assert await desk.sql("SELECT member_id FROM purchase WHERE document = 'd1'") == [(whose,)]
    known = await desk.sql("SELECT external_id FROM external_account ORDER BY member_id")
    assert [number for (number,) in known] == [unprinted, f"card-{first.number}", f"card-{second.number}"]
    assert await desk.holds()


async def test_a_number_that_a_file_brought_before_a_card_had_it_stays_who_it_was(database: Database) -> None:
    desk = await open_desk(database)
    async with database.engine.begin() as tx:
        shop = desk.merchant.id
        _, [card] = await walk_ins.print_cards(tx, desk.vault, merchant_id=shop, count=1, by="staff:1", now=NOON)
        await accounts.open_many(tx, shop, [card.number])
    assert await desk.outcomes(await desk.done("members", file_of("members", [card.number]))) == ["done"]
    purchase = await desk.done("purchases", file_of("purchases", bought("d1", card.number, "10.00")))
    assert await desk.outcomes(purchase) == ["done"] and await desk.sql("SELECT 1 FROM walk_in") == []


async def test_a_phone_number_of_a_file_is_kept_nowhere_in_clear_and_is_the_same_customer_at_the_till(
    database: Database,
) -> None:
    desk = await open_desk(database)
    phones = ["13900139000", "+86 137-0013-7000", "13600136000"]
    purchases = file_of("purchases", *(bought(f"d{n}", phone, "10.00") for n, phone in enumerate(phones)))
    tried = await desk.tried("purchases", purchases)
    assert await desk.outcomes(tried) == ["would"] * 3 and await desk.sql("SELECT 1 FROM walk_in") == []
    assert await desk.outcomes(await desk.confirm(tried)) == ["done"] * 3
    customers = file_of("members", *([phone] for phone in [*phones, "15800158000"]))
    done = await desk.done("members", customers)
    assert await desk.outcomes(done) == ["already"] * 3 + ["done"]
    async with database.engine.connect() as tx:
        codes = await members.claim_codes(tx, desk.vault, done, await desk.rows(done), now=NOON)
    assert codes == {}, "they claim by proving their number"
    balances = file_of("balances", ["139 0013 9000", "50", ""])
    assert await desk.outcomes(await desk.done("balances", balances)) == ["done"]
    assert await desk.outcomes(await desk.done("balances", balances)) == ["already"]
    differs = await desk.done("balances", file_of("balances", ["13900139000", "60", ""]))
    (row,) = await desk.rows(differs)
    assert row.trouble is not None and "139****9000" in row.trouble.zh

    handle = walk_ins.read(phones[0])
    assert handle is not None
    async with database.engine.begin() as tx:
        whose = await walk_ins.open_account(
            tx, desk.vault, handle, merchant_id=desk.merchant.id, terms="2026-11", by="staff:1", now=NOON
        )
    assert await desk.sql("SELECT member_id FROM purchase WHERE document = 'd0'") == [(whose,)]
    assert await in_clear(desk, ["13900139000", "13700137000", "13600136000", "15800158000"]) == []
    assert await desk.holds()


async def in_clear(desk: Desk, words: list[str]) -> list[str]:
    """The tables in which any of these words stands."""
    found = []
    for (table,) in await desk.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"):
        [(held,)] = await desk.sql(
            f'SELECT EXISTS (SELECT 1 FROM "{table}" t WHERE t::text LIKE ANY (:like))', like=[f"%{w}%" for w in words]
        )
        found += [table] if held else []
    return found


@pytest.mark.parametrize("said", ["VIP13900139000", "13900139000-01", "+852 9123 4567", "会员13900139000"])
async def test_a_customer_number_with_a_phone_in_it_is_refused_in_words(database: Database, said: str) -> None:
    desk = await open_desk(database)
    done = await desk.done("members", file_of("members", [said], ["2013800138000"]))
    refused, kept = await desk.rows(done)
    assert refused.trouble is not None and kept.outcome == "done"
    assert "顾客号里有手机号" in refused.trouble.zh and "mobile number" in refused.trouble.en
    assert await desk.sql("SELECT external_id FROM external_account") == [("2013800138000",)]
