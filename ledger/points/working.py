"""The working set: what a batch loaded, how its decisions change it, and what is to be written. Pure: no I/O, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.errors import Fault
from ledger.points.commands import Command, Leg, Owner, Receipt
from ledger.points.tables import IDS_PER_PAGE

ALL = 2**63 - 1
"""A need that loads every lot of an account."""

LOTTED = frozenset({"available", "pending", "held", "transit"})
"""Purposes whose balance is the sum of positions."""

OWNED = LOTTED | {"deficit"}
"""Purposes with a materialised balance; the rest are issuers' accounts, never locked."""


class IdsUsedUp(Exception):
    """A batch moved more lots than the load reckoned with: load again with more ids and decide again."""


class Need(NamedTuple):
    """An account that a command touches. `lots`: how many points of its lots must be loaded in burn order, besides those due
    (-1: none). `make`: create it where it is missing; otherwise a missing account reads as empty."""

    owner: Owner
    purpose: str
    currency: int
    issuer: int = 0
    lots: int = 0
    make: bool = True

    @property
    def place(self) -> Place:
        """The account's natural key."""
        return self[:4]


Place = tuple[Owner, str, int, int]


@dataclass(slots=True)
class Lot:
    """Points issued together. `expires_on` is the last good day; None: never."""

    id: int
    owner: Owner
    issuer_id: int
    currency: int
    available_on: dt.date
    expires_on: dt.date | None
    rule: str | None
    transferable: bool
    graced: bool
    parent_lot_id: int | None
    grace_of: int | None = None

    def due_on(self, purpose: str) -> dt.date | None:
        """The first day on which it must be released or expired while in an account of this purpose."""
        if purpose == "pending":
            return self.available_on
        if purpose == "available" and self.expires_on is not None:
            return self.expires_on + dt.timedelta(days=1)
        return None

    @property
    def burn_order(self) -> tuple[dt.date, dt.date, int]:
        """Soonest-expiring first, never-expiring last, then the older, then the smaller id."""
        return (self.expires_on or dt.date.max, self.available_on, self.id)


@dataclass(slots=True)
class Account:
    """An account as loaded, its positions by lot id, and how each has changed."""

    id: int
    owner: Owner
    purpose: str
    currency: int
    issuer: int
    balance: int
    version: int
    touched: bool = False
    points: dict[int, int] = field(default_factory=dict)
    change: dict[int, int] = field(default_factory=dict)

    @property
    def owned(self) -> bool:
        """Whether this account carries a balance."""
        return self.purpose in OWNED


@dataclass(slots=True)
class HeldSet:
    """A hold as loaded or made."""

    id: int
    owner: Owner
    currency: int
    points: int
    parts: list[tuple[int, int]]
    state: str
    ends_at: dt.datetime | None = None
    resolved_by: int | None = None


@dataclass(slots=True)
class PastEntry:
    """An entry that exists already: found by its key, or named by a command that undoes it."""

    id: int
    owner: Owner
    key: str
    fingerprint: bytes
    kind: str
    currency: int
    points: int
    issuer_id: int | None
    facts: dict[str, Any]
    posted_at: dt.datetime
    undone: int
    reversed: bool
    legs: tuple[Leg, ...]
    counter: Owner | None
    lots: tuple[int, ...] = ()
    """Of an entry that is undone: its lots, their late returns, and what they became when their owner handed everything over."""

    def receipt(self) -> Receipt:
        """What the command that made it was answered, marked as repeated."""
        return Receipt(
            self.id,
            self.key,
            self.kind,
            self.owner,
            self.currency,
            self.points,
            self.facts,
            self.legs,
            self.posted_at,
            repeated=True,
        )


@dataclass(slots=True)
class NewEntry:
    """An entry being written, with its legs in the order of the posting table. `own` is False for what settling dues adds."""

    id: int
    kind: str
    command: Command
    owner: Owner
    currency: int
    key: str
    fingerprint: bytes
    points: int
    issuer_id: int | None = None
    counter: Owner | None = None
    undoes_id: int | None = None
    own: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    legs: list[tuple[bool, int, int, Leg]] = field(default_factory=list)

    def receipt(self, *, repeated: bool = True) -> Receipt:
        """What its command is answered, and what a repeat of the key within the batch is."""
        return Receipt(
            self.id,
            self.key,
            self.kind,
            self.owner,
            self.currency,
            self.points,
            self.facts,
            tuple([each[3] for each in self.legs]),
            self.command.at.now,
            repeated,
        )


class Working:
    """Accounts, lots, holds and past entries by name; the verbs move points through `move`."""

    def __init__(self, loaded: Sequence[Any]) -> None:
        """`loaded` is what `points_load` answers: pages of ids, eight columns of accounts, positions, holds, entries."""
        pages, *accounts, positions, holds, entries = loaded
        self._ids = self._numbers(pages)
        self.accounts: dict[Place, Account] = {}
        self._by_id: dict[int, Account] = {}
        self.lots: dict[int, Lot] = {}
        self.holds: dict[int, HeldSet] = {}
        self.grace: dict[int, dt.date] = {}
        self.expired: dict[int, int] = {}
        self.past: dict[int, PastEntry] = {}
        self.by_key: dict[str, PastEntry | NewEntry] = {}
        self.new_entries: list[NewEntry] = []
        self.new_postings: list[tuple[int, int, int, int, int, int, int | None]] = []
        self.new_lots: list[tuple[Lot, int, int]] = []
        self.new_holds: list[HeldSet] = []
        self.resolved_holds: list[HeldSet] = []
        self._read(accounts, positions or (), holds or (), entries or ())

    @staticmethod
    def _numbers(pages: Iterable[int]) -> Iterator[int]:
        for page in pages:
            yield from range(page * IDS_PER_PAGE, (page + 1) * IDS_PER_PAGE)

    def _read(
        self, accounts: Sequence[list[Any]], positions: Iterable[Any], holds: Iterable[Any], entries: Iterable[Any]
    ) -> None:
        day = dt.date.fromisoformat
        for id_, kind, owner, purpose, currency, issuer, balance, version in zip(*accounts, strict=True):
            account = Account(id_, Owner(kind, owner), purpose, currency, issuer, balance, version)
            self.accounts[account.owner, purpose, currency, issuer] = self._by_id[id_] = account
        for row in positions:
            account_id, lot_id, points, kind, owner, issuer, since, until, rule, moves, graced, parent, grace_until = (
                row
            )
            account = self._by_id[account_id]
            account.points[lot_id] = points
            if lot_id not in self.lots:
                self.lots[lot_id] = Lot(
                    lot_id,
                    Owner(kind, owner),
                    issuer,
                    account.currency,
                    day(since),
                    until and day(until),
                    rule,
                    moves,
                    graced,
                    parent,
                )
            if grace_until:
                self.grace[lot_id] = day(grace_until)
        for id_, kind, owner, currency, points, lot_ids, lot_points, state in holds:
            parts = list(zip(lot_ids, lot_points, strict=True))
            self.holds[id_] = HeldSet(id_, Owner(kind, owner), currency, points, parts, state)
        for row in entries:
            self._read_entry(row)

    def _read_entry(self, row: list[Any]) -> None:
        kind, owner, id_, key, fingerprint, verb, currency, points, issuer, c_kind, c_id, facts, posted_at = row[:13]
        undone, reversals, postings, lots = row[13:]
        legs = []
        for _account, l_kind, l_owner, purpose, l_currency, _issuer, lot_id, l_issuer, amount, after in postings:
            legs.append(Leg(Owner(l_kind, l_owner), purpose, l_currency, lot_id, l_issuer, amount, after))
        for about in lots or ():
            self._read_past_lot(about)
        past = PastEntry(
            id_,
            Owner(kind, owner),
            key,
            bytes.fromhex(fingerprint),
            verb,
            currency,
            points,
            issuer,
            facts,
            dt.datetime.fromisoformat(posted_at),
            undone or 0,
            bool(reversals),
            tuple(legs),
            Owner(c_kind, c_id) if c_kind else None,
            tuple(about[0] for about in lots or ()),
        )
        self.past[id_] = self.by_key[key] = past

    def _read_past_lot(self, row: list[Any]) -> None:
        day = dt.date.fromisoformat
        (
            id_,
            kind,
            owner,
            issuer,
            since,
            until,
            rule,
            moves,
            graced,
            parent,
            currency,
            grace_of,
            grace_until,
            expired,
        ) = row
        if id_ in self.lots:
            # Read with its position already, which does not say this.
            self.lots[id_].grace_of = grace_of
        else:
            self.lots[id_] = Lot(
                id_,
                Owner(kind, owner),
                issuer,
                currency,
                day(since),
                until and day(until),
                rule,
                moves,
                graced,
                parent,
                grace_of,
            )
        self.expired[id_] = expired
        if grace_until:
            self.grace[id_] = day(grace_until)

    def next_id(self) -> int:
        """A fresh id for an entry, lot or issuer-side posting."""
        try:
            return next(self._ids)
        except StopIteration:
            raise IdsUsedUp from None

    def account(self, owner: Owner, purpose: str, currency: int, issuer: int = 0) -> Account:
        """A loaded account. A `Fault` where the verb's needs forgot it."""
        try:
            return self.accounts[owner, purpose, currency, issuer]
        except KeyError:
            raise Fault(f"account not loaded: {owner} {purpose} {currency} {issuer}") from None

    def balance(self, owner: Owner, purpose: str, currency: int, issuer: int = 0) -> int:
        """The balance of an account that may not exist."""
        found = self.accounts.get((owner, purpose, currency, issuer))
        return found.balance if found else 0

    def burnable(self, account: Account) -> list[Lot]:
        """The loaded lots of an account in burn order."""
        return sorted((self.lots[i] for i in account.points), key=lambda lot: lot.burn_order)

    def new_lot(self, entry_id: int, points: int, **about: Any) -> Lot:
        """A lot issued by an entry being written."""
        lot = Lot(self.next_id(), **about)
        self.lots[lot.id] = lot
        self.new_lots.append((lot, entry_id, points))
        return lot

    def child_lot(
        self,
        entry: NewEntry,
        parent: Lot,
        points: int,
        *,
        owner: Owner,
        expires_on: dt.date | None,
        available_on: dt.date | None = None,
        graced: bool | None = None,
        grace_of: int | None = None,
        currency: int | None = None,
    ) -> Lot:
        """A lot that continues another: same issuer, rule and transferability; born in `entry` with exactly these points.

        It is available from today on, unless another day is said.
        """
        return self.new_lot(
            entry.id,
            points,
            owner=owner,
            issuer_id=parent.issuer_id,
            currency=currency or parent.currency,
            available_on=available_on or entry.command.at.today,
            expires_on=expires_on,
            rule=parent.rule,
            transferable=parent.transferable,
            graced=parent.graced if graced is None else graced,
            parent_lot_id=parent.id,
            grace_of=grace_of,
        )

    def open_entry(
        self,
        command: Command,
        points: int,
        *,
        issuer_id: int | None = None,
        counter: Owner | None = None,
        undoes_id: int | None = None,
        **added_facts: Any,
    ) -> NewEntry:
        """Begin the entry of a command: `points` is its size, `added_facts` what deciding it found out."""
        facts = {**command.facts, **added_facts}
        entry = NewEntry(
            self.next_id(),
            command.verb,
            command,
            command.owner,
            command.currency,
            command.key,
            command.fingerprint(),
            points,
            issuer_id,
            counter,
            undoes_id,
            True,
            facts,
        )
        self.new_entries.append(entry)
        return entry

    def open_due_entry(self, command: Command, kind: str, owner: Owner, currency: int, points: int) -> NewEntry:
        """Begin an entry that the calendar brings about beside a command: keyed by its own id, made by the programme."""
        id_ = self.next_id()
        entry = NewEntry(id_, kind, command, owner, currency, f"{kind}:due:{id_}", b"due", points, own=False)
        self.new_entries.append(entry)
        return entry

    def move(self, entry: NewEntry, account: Account, lot: Lot, points: int) -> None:
        """One posting: `points` (signed) of `lot` into or out of `account`."""
        after: int | None = None
        if account.owned:
            account.balance += points
            account.version += 1
            account.touched = True
            number, after = account.version, account.balance
            if account.purpose in LOTTED:
                account.points[lot.id] = account.points.get(lot.id, 0) + points
                account.change[lot.id] = account.change.get(lot.id, 0) + points
                if account.points[lot.id] == 0:
                    del account.points[lot.id]
                elif account.points[lot.id] < 0:
                    raise Fault(f"lot {lot.id} overdrawn in account {account.id}")
        else:
            number = self.next_id()
        self.new_postings.append((account.id, number, entry.id, lot.id, lot.issuer_id, points, after))
        leg = Leg(account.owner, account.purpose, account.currency, lot.id, lot.issuer_id, points, after)
        entry.legs.append((points > 0, account.id, number, leg))
        if account.purpose == "expired":
            self.expired[lot.id] = self.expired.get(lot.id, 0) + points

    def close(self, entry: NewEntry) -> Receipt:
        """The receipt of a finished entry; also what a repeat of its key within this batch is answered."""
        if entry.undoes_id in self.past:
            undone = self.past[entry.undoes_id]
            undone.undone += entry.points
            undone.reversed |= entry.kind == "reverse"
        entry.legs.sort()
        self.by_key[entry.key] = entry
        return entry.receipt(repeated=False)
