"""The history (W3), and any line of it opened to its reason (E14).

A page is found from the last entry of the page before, so the thousandth costs what the first does. Every line is a button.
"""

from __future__ import annotations

from contextlib import suppress
from operator import itemgetter

from chat import declines, doors, known, why
from chat.arguments import number
from chat.feature import Feature
from chat.happenings import change, title
from chat.known import Known
from chat.screen import BLANK, Button, Onward, Screen, grid, screen
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.earning import declined
from ledger.earning.declined import Declined
from ledger.members import business
from ledger.points import statements
from ledger.points.commands import NoSuchEntry, Owner, member
from ledger.points.statements import Explained, Line

feature = Feature("history", order=40, on_account=True)

LINES_PER_PAGE = 8

FILTERS: dict[str, tuple[Text, tuple[str, ...] | None]] = {
    "all": (t("全部"), None),
    "earned": (t("得到"), statements.KINDS_EARNED),
    "spent": (t("用掉"), statements.KINDS_SPENT),
    "ended": (t("到期和收回"), statements.KINDS_ENDED),
}


@feature.command("history", t("积分明细"), reads_only=True, said="明细,记录,流水,账单,history,transactions,statement")
async def history(turn: Turn, words: str = "") -> Screen:
    """Shows the newest page."""
    return await page(turn)


@feature.tap("page", reads_only=True)
async def page(turn: Turn, which: str = "all", before: str = "0", currency: str = "0") -> Screen:
    """Shows a page: of one kind or all, of one currency or all (0), older than entry `before` (0: the newest)."""
    label, kinds = FILTERS.get(which, FILTERS["all"])
    which = which if which in FILTERS else "all"
    names = await known.read(turn.tx)
    older_than = number(before)
    of = number(currency) if number(currency) in names.currencies else 0
    found = await statements.history(
        turn.tx,
        turn.me.owner,
        before=older_than or None,
        limit=LINES_PER_PAGE + 1,
        kinds=kinds,
        currency_id=of or None,
    )
    shown, more = found[:LINES_PER_PAGE], len(found) > LINES_PER_PAGE
    kept = await _declined(turn, which, shown[-1].entry_id if more else 0, older_than, of)
    back = (which, older_than, of)
    placed: list[tuple[tuple[int, int], Button]] = [
        ((line.entry_id, 0), feature.button(_row(turn, line, names), "why", line.entry_id, *back)) for line in shown
    ]
    placed += [
        (
            (one.after_entry_id, one.id),
            feature.button(declines.row(one, names, turn.zone), "declined", one.id, *back),
        )
        for one in kept[:LINES_PER_PAGE]
    ]
    placed.sort(key=itemgetter(0), reverse=True)
    rows: list[list[Button | None]] = [[button] for _, button in placed]
    rows.append(
        [
            feature.button(t("回到最新"), "page", which, 0, of) if older_than else None,
            feature.button(t("更早"), "page", which, shown[-1].entry_id, of) if more else None,
        ]
    )
    rows.append([feature.button(words, "page", kind, 0, of) for kind, (words, _) in FILTERS.items() if kind != which])
    rows += await _currencies(turn, names, which, of)
    rows.append([doors.home()])
    heading = t("<b>明细</b> · {filter}", filter=label)
    if of:
        heading = t("<b>明细</b> · {filter} · {currency}", filter=label, currency=names.currency(of))
    unsaid = len(kept) - LINES_PER_PAGE
    said = [
        heading,
        None if placed else BLANK,
        None if placed else _nothing(which, older_than),
        tn("另有 {n} 笔没有发分", n=unsaid) if unsaid > 0 else None,
    ]
    return screen(said, rows)


async def _declined(turn: Turn, which: str, since: int, before: int, currency: int) -> list[Declined]:
    """What was declined between the entries of a page."""
    if which not in ("all", "earned") or turn.me.owner.kind != "member":
        return []
    return await declined.of_member(
        turn.tx, turn.me.owner.id, since=since, before=before or None, currency_id=currency or None
    )


@feature.tap("declined", reads_only=True)
async def open_declined(
    turn: Turn, declined_id: str, which: str = "all", before: str = "0", currency: str = "0"
) -> Screen | Onward:
    """Opens a purchase that was declined: of the account in use, or of another that this person uses."""
    one = await declined.by_id(turn.tx, number(declined_id))
    places = await business.places(turn.tx, turn.me.person_id or turn.me.id)
    if not await _is_of_any(turn, one.id, [turn.me.owner.id, *(place.company_id for place in places)]):
        raise declined.NoSuchDeclined(one.id)
    if one.booked_as is not None:
        return Onward(doors.why(t("看来由"), one.booked_as))
    lines = declines.why(one, await known.read(turn.tx), turn.zone)
    return screen(lines, [[feature.button(t("返回明细"), "page", which, before, currency), doors.home()]])


async def _is_of_any(turn: Turn, declined_id: int, members: list[int]) -> bool:
    return any([await declined.is_of(turn.tx, declined_id, member_id) for member_id in members])


@feature.tap("why", reads_only=True)
async def open_line(turn: Turn, entry: str, which: str = "all", before: str = "0", currency: str = "0") -> Screen:
    """Opens one entry of the account in use, or of another that this person uses: receipts of a company reach all its people.

    Anybody else's is refused like one that never was.
    """
    names = await known.read(turn.tx)
    owner, company, opened = await _found(turn, number(entry))
    lines = await why.lines(turn.tx, owner, opened, names, today=turn.today)
    if company is not None:
        lines.insert(0, t("<b>{company}</b> · 企业账户", company=company))
    back = (which, before, currency)
    rows: list[list[Button | None]] = []
    # What was bought before an account was claimed is in the history of that account.
    if opened.undoes_id is not None and not opened.line.facts.get("handed_over"):
        rows.append([feature.button(t("原来那笔"), "why", opened.undoes_id, *back)])
    rows += [[feature.button(t("后来的更改"), "why", later, *back)] for later in opened.undone_by[:3]]
    rows.append([feature.button(t("返回明细"), "page", *back), doors.home()])
    return screen(lines, rows)


async def _found(turn: Turn, entry_id: int) -> tuple[Owner, str | None, Explained]:
    """An entry, whose it is, and the company's name where that is not the account in use. `NoSuchEntry`."""
    try:
        return turn.me.owner, None, await statements.explain(turn.tx, turn.me.owner, entry_id)
    except NoSuchEntry:
        for place in await business.places(turn.tx, turn.me.person_id or turn.me.id):
            owner = member(place.company_id)
            with suppress(NoSuchEntry):
                return owner, place.company, await statements.explain(turn.tx, owner, entry_id)
        raise


async def _currencies(turn: Turn, names: Known, which: str, of: int) -> list[list[Button | None]]:
    """One button per currency that this member has touched, where there is more than one; two a row, as names are long."""
    held = await statements.wallet(turn.tx, turn.me.owner, today=turn.today)
    touched = [h.currency.id for h in held]
    if len(touched) < 2:
        return []
    buttons = [
        feature.button(t("{currency}", currency=names.currency(one)), "page", which, 0, one)
        for one in touched
        if one != of
    ]
    if of:
        buttons.append(feature.button(t("所有积分"), "page", which, 0, 0))
    return grid(buttons, 2)


def _row(turn: Turn, line: Line, names: Known) -> Text:
    facts = {
        "change": change(line, names),
        "what": title(line, names),
        "on": line.occurred_at.astimezone(turn.zone).date(),
    }
    return t("{change} · {what} · {on}", **facts)


def _nothing(which: str, older_than: int) -> Text:
    if older_than:
        return t("没有更早的了。")
    if which == "all":
        return t("还没有记录。第一次得分后,这里能看到每一分的来去。")
    return t("这一类还没有记录。")
