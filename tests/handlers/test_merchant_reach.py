"""What belongs to a merchant, an applicant or the desk is out of reach for everybody else, whatever data a button carries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chat.turn import Turn
from handlers import (
    applications,
    apply,
    apply_papers,
    certification,
    merchant,
    outlets,
    papers,
    shift,
)
from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.merchants import files, onboarding, shifts, staff
from ledger.merchants import outlets as ledger_outlets
from tests import turns
from tests.conftest import Database
from tests.turns import NOW, coalition, joined, turn

Ask = Callable[[Turn], Awaitable[Any]]

REACHES: dict[str, tuple[Ask, str]] = {
    "merchant": (lambda t: merchant.home(t, "1"), "not_staff"),
    "export": (lambda t: merchant.export(t, "1"), "not_staff"),
    "log": (lambda t: merchant.show_log(t, "1"), "not_staff"),
    "outlets": (lambda t: outlets.open_(t, "1", "1"), "not_staff"),
    "outlet closed": (lambda t: outlets.closed(t, "1", "1"), "not_staff"),
    "outlet moved": (lambda t: outlets.put(t, "1", "1", "hz"), "not_staff"),
    "till closed": (lambda t: outlets.till_close(t, "1", "1"), "not_staff"),
    "shift": (lambda t: shift.one(t, "1"), "no_shift_open"),
    "shift closed": (lambda t: shift.close(t, "1"), "no_shift_open"),
    "shift opened": (lambda t: shift.open_(t, "1", "1"), "not_staff"),
    "shifts": (lambda t: shift.list_(t, "1"), "not_staff"),
    "papers": (lambda t: papers.home(t, "1"), "not_staff"),
    "paper": (lambda t: papers.show(t, "1"), "no_such_file"),
    "application's paper": (lambda t: apply_papers.show(t, "1"), "no_such_file"),
    "applications": (lambda t: applications.list_(t), "not_operator"),
    "application": (lambda t: applications.open_(t, "1"), "not_operator"),
    "paper at the desk": (lambda t: applications.paper(t, "1"), "not_operator"),
    "rejection": (lambda t: applications.reject(t, "1"), "not_operator"),
    "certificates": (lambda t: certification.open_(t, "1"), "not_operator"),
    "certificate": (lambda t: certification.kind(t, "1", "credit"), "not_operator"),
    "certifying": (lambda t: certification.certify(t, "1"), "not_operator"),
    "suspending": (lambda t: certification.why(t, "1", "suspend"), "not_operator"),
    "reinstating": (lambda t: certification.reinstate(t, "1"), "not_operator"),
}


@pytest.mark.parametrize("what", REACHES)
async def test_a_stranger_reaches_nothing(database: Database, what: str) -> None:
    ask, refused = REACHES[what]
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        owner, stranger = await joined(tx, 500, "店主"), await joined(tx, 501, "生人")
        by = await staff.add(
            tx, merchant_id=market.id, member_id=owner.id, role="owner", label="店主", by="test", now=NOW
        )
        where = await ledger_outlets.open_outlet(tx, by=by, name="南京路店", now=NOW)
        till = await ledger_outlets.open_till(tx, where.id, "1号台", by=by, now=NOW)
        await shifts.begin(tx, staff=by, till_id=till.id, now=NOW)
        mine = await onboarding.begin(tx, owner.id, now=NOW)
        await onboarding.begin(tx, stranger.id, now=NOW)
        await files.add(
            tx, application_id=mine.id, merchant_id=market.id, purpose="licence", kind="photo", given="f", unique_id="u",
            name=None, size=1, caption="", by="member:1", now=NOW,
        )  # fmt: skip
        asks = turn(tx, Member(stranger.id, "active"), telegram_id=501, chat_id=501)
        with pytest.raises(Refusal) as no:
            await ask(asks)
        assert no.value.code == refused


async def test_another_ones_draft_is_never_sent_or_withdrawn(database: Database) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
        owner, stranger = await joined(tx, 500, "店主"), await joined(tx, 501, "生人")
        mine = await onboarding.begin(tx, owner.id, now=NOW)
        await onboarding.begin(tx, stranger.id, now=NOW)
        asks = turn(tx, Member(stranger.id, "active"), telegram_id=501, chat_id=501)
        for act in (apply.send, apply.withdrawn):
            shown = turns.shown(await act(asks, str(mine.id)))
            assert shown
        assert (await onboarding.by_id(tx, mine.id)).state == "draft"
