"""What a batch of purchases is decided by: rules in force, who the members are, what of caps and budgets is used.

One round trip reads it all (`sql/intake_load.sql`). Rules are kept in the process by the rule clock, which is looked at before and
in that round trip: were they changed between, it is done again with the new ones, so kept rules never pay what they no longer say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib.resources import files
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import rulebook
from ledger.earning.rules.bill import Bill
from ledger.earning.rules.decision import Decision
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.ruleset import RuleSet
from ledger.earning.usage import FIRST, Asks, CapKey, Counted, Usage, counted, period
from ledger.members import person
from ledger.members.birthdays import Birthday, age_on, is_kept
from ledger.members.vault import Vault
from ledger.merchants.merchant import Merchant, status_on
from ledger.points.reading import array, run
from ledger.values import value

LOAD_FUNCTION = (files("ledger.earning") / "sql" / "intake_load.sql").read_text("utf-8")
"""The SQL that creates `intake_load`."""

_LOAD = (
    "SELECT intake_load($1::boolean, $2::text::bigint[], $3::text[], $4::text::bigint[], $5::text::bigint[], $6::text::bigint[],"
    " $7::text::bigint[], $8::text::bigint[], $9::text[], $10::text::bigint[], $11::text[], $12::text[])"
)

CARD = "card"


@value(frozen=True, slots=True, kw_only=True)
class Intended:
    """A purchase that somebody reports. `bought_on` is its business date, `occurred_at` its instant.

    `outlet_id` and `till` say where; what a payment instrument reports is of the channel «card», whatever is said.
    """

    merchant: Merchant
    document: str
    member_id: int
    bill: Bill
    bought_on: dt.date
    occurred_at: dt.datetime
    actor: str
    channel: str = "till"
    staff_id: int | None = None
    outlet_id: int | None = None
    till: str | None = None

    @property
    def key(self) -> tuple[int, str]:
        """The merchant's document: what is booked once."""
        return self.merchant.id, self.document

    @property
    def reported_by(self) -> str:
        """The channel that rules see."""
        return CARD if self.merchant.terms.instrument else self.channel


class Book(NamedTuple):
    """The rules of one merchant's day, what they ask for, and each rule's campaign."""

    rules: RuleSet
    asks: Asks
    campaigns: Mapping[str, str | None]


class Buyer(NamedTuple):
    """What is known of a member without opening their personal fields."""

    id: int
    joined_on: dt.date | None
    region: str | None
    birthday: Birthday | None
    tier: str | None
    kind: str
    standing: int | None
    standing_until: dt.date | None


BOOKS_MAX = 4096
_books: dict[tuple[str, int, dt.date], Book] = {}


async def _book(tx: AsyncConnection, clock: str, merchant_id: int, day: dt.date) -> Book:
    """The rules as they stood at a reading of the rule clock. A reading never comes again, so this is right in any database."""
    key = clock, merchant_id, day
    found = _books.get(key)
    if found is None:
        rules = await rulebook.in_force(tx, merchant_id, day)
        campaigns = {version.code: version.rule.campaign for version in rules}
        named = sorted({code for code in campaigns.values() if code})
        budgets = await rulebook.campaign_budgets(tx, named) if named else {}
        found = Book(RuleSet(rules), Asks.of(rules, budgets), campaigns)
        if len(_books) >= BOOKS_MAX:
            _books.clear()
        _books[key] = found
    return found


class Situation:
    """What was read, and how it goes on as purchases are decided in order."""

    def __init__(
        self,
        loaded: Mapping[str, Any],
        books: Mapping[tuple[int, dt.date], Book],
        born: Mapping[int, int],
        zone: dt.tzinfo,
    ) -> None:
        self._read = loaded, books, born, zone
        self._books, self._born, self._zone = books, born, zone
        self.booked = {(merchant, document) for merchant, document in loaded["booked"]}
        day = dt.date.fromisoformat
        self._shops = {id_: (status, until and day(until)) for id_, status, until in loaded["shops"]}
        self._regions = {id_: (merchant, region) for id_, merchant, region in loaded["outlets"]}
        self.claimed: dict[int, int] = dict(loaded["claimed"])
        self.buyers = {row[0]: _buyer(*row) for row in loaded["members"]}
        self._been_here = {(who, merchant) for who, merchant, here, _ in loaded["firsts"] if here}
        self._been_anywhere = {who for who, _, _, anywhere in loaded["firsts"] if anywhere}
        self.usage = Usage(
            {CapKey(member, rule, in_): points for member, rule, in_, points in loaded["caps"]},
            {scope: {int(of): points for of, points in given.items()} for scope, given in loaded["budgets"]},
            {id_: Fraction(minor, points) for id_, minor, points in loaded["values"]},
        )

    def from_the_start(self) -> Situation:
        """As it was read, before anything happened."""
        return Situation(*self._read)

    def status(self, merchant: Merchant, today: dt.date) -> str:
        """What a merchant is today, whatever the caller last knew of it."""
        status, until = self._shops.get(merchant.id, (merchant.status, None))
        return status_on(status, until, today)

    def decide(self, one: Intended) -> tuple[Decision, Facts, list[Counted]]:
        """What a purchase earns now. Nothing counts it yet: see `happened`."""
        book = self._books[one.merchant.id, one.bought_on]
        facts = self._facts(one, book.asks)
        decision = evaluate(one.bill, book.rules, facts)
        if not (facts.used or facts.left):
            return decision, facts, []
        return decision, facts, counted(dict(decision.shares), facts, one.member_id, book.campaigns)

    def happened(self, one: Intended, counts: list[Counted]) -> None:
        """Let the next purchases see that this one was made."""
        self._been_here.add((one.member_id, one.merchant.id))
        self._been_anywhere.add(one.member_id)
        if counts:
            self.usage.count(counts, one.merchant.terms.currency)

    def _facts(self, one: Intended, asks: Asks) -> Facts:
        who, day = self.buyers[one.member_id], one.bought_on
        bought_at = local(one, self._zone)
        merchant, region = self._regions.get(one.outlet_id or 0, (None, None))
        return Facts(
            bought_at=bought_at,
            channel=one.reported_by,
            region=(region if merchant == one.merchant.id else None) or one.merchant.region,
            tier=who.tier,
            age=_age(who, self._born.get(who.id), day) if asks.age else None,
            standing=_standing(who, day) if asks.standing else None,
            is_birthday=who.birthday is not None and is_kept(who.birthday, day),
            member_region=who.region,
            first_here=asks.first and (who.id, one.merchant.id) not in self._been_here,
            first_anywhere=asks.first and who.id not in self._been_anywhere,
            days_since_joining=(day - who.joined_on).days if who.joined_on and who.joined_on <= day else None,
            business=who.kind == "company",
            used=self.usage.used(asks, who.id, bought_at) if asks.capped else {},
            left=self.usage.left(asks, one.merchant.terms.currency) if asks.budgets else {},
        )


def local(one: Intended, zone: dt.tzinfo) -> dt.datetime:
    """When it was bought by the clock on the wall there, on its business date, which a moved programme clock may have put ahead."""
    return dt.datetime.combine(one.bought_on, one.occurred_at.astimezone(zone).time())


async def read(
    tx: AsyncConnection, batch: Sequence[Intended], *, zone: dt.tzinfo, vault: Vault | None, locking: bool
) -> Situation:
    """Everything by which this batch is decided. `locking` takes the locks under which it can be counted; a quote needs none.

    Without a `vault` nobody's age is known.
    """
    keys = {(one.merchant.id, one.bought_on) for one in batch}
    while True:
        # Asked first, so that no row is made or locked for rules that no longer are.
        clock = await rulebook.clock(tx)
        books = {key: await _book(tx, clock, *key) for key in sorted(keys)}
        loaded = await _load(tx, batch, books, zone, locking)
        if (loaded["clock"] or "") == clock:
            break
    born: dict[int, int] = {}
    if vault is not None:
        asked = {one.member_id for one in batch if books[one.merchant.id, one.bought_on].asks.age}
        people = await person.load_many(tx, vault, sorted(asked)) if asked else {}
        born = {who: each.birth_year for who, each in people.items() if each.birth_year is not None}
    return Situation(loaded, books, born, zone)


async def _load(
    tx: AsyncConnection,
    batch: Sequence[Intended],
    books: Mapping[tuple[int, dt.date], Book],
    zone: dt.tzinfo,
    locking: bool,
) -> dict[str, Any]:
    caps: set[CapKey] = set()
    scopes: set[str] = set()
    firsts: set[tuple[int, int]] = set()
    for one in batch:
        asks = books[one.merchant.id, one.bought_on].asks
        if asks.capped:
            bought_at = local(one, zone)
            caps.update(CapKey(one.member_id, rule, period(per, bought_at)) for rule, per in asks.capped)
        if asks.first:
            caps.add(CapKey(one.member_id, FIRST, "ever"))
            firsts.add((one.member_id, one.merchant.id))
        scopes.update(scope for scope, _ in asks.budgets)
    ordered = sorted(caps)
    ((loaded,),) = await run(
        tx,
        _LOAD,
        locking,
        array([one.merchant.id for one in batch]),
        [one.document for one in batch],
        array(sorted({one.merchant.id for one in batch})),
        array(sorted({one.outlet_id for one in batch if one.outlet_id is not None})),
        array(sorted({one.member_id for one in batch})),
        array(who for who, _ in firsts),
        array(merchant for _, merchant in firsts),
        sorted(scopes),
        array(key.member_id for key in ordered),
        [key.rule for key in ordered],
        [key.period for key in ordered],
    )
    found: dict[str, Any] = loaded
    return found


def _buyer(
    id_: int,
    joined_on: str | None,
    region: str | None,
    month: int | None,
    day: int | None,
    told_on: str | None,
    tier: str | None,
    kind: str,
    standing: int | None,
    standing_until: str | None,
) -> Buyer:
    known = month is not None and day is not None and told_on is not None
    birthday = Birthday(month or 0, day or 0, dt.date.fromisoformat(told_on or "")) if known else None
    joined, until = (dt.date.fromisoformat(day) if day else None for day in (joined_on, standing_until))
    return Buyer(id_, joined, region, birthday, tier, kind, standing, until)


def _standing(who: Buyer, day: dt.date) -> int | None:
    """What counts on a day; asked for by the rules of that day, else it is not even kept with the purchase."""
    return who.standing if who.standing_until is not None and day <= who.standing_until else None


def _age(who: Buyer, birth_year: int | None, day: dt.date) -> int | None:
    if birth_year is None or who.birthday is None:
        return None
    return age_on(birth_year, who.birthday.month, who.birthday.day, day)
