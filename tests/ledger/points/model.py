"""An independent model of the engine: the same commands on plain dictionaries, written from the rules and not from the code.

It shares with the engine only the words of `commands`. One `Book` is the whole world; `do` answers like the engine, with a
`Done` or a `Refusal`, and is compared with it move for move. Lots here are numbered in the order in which they come into being.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ledger.errors import Refusal
from ledger.points import commands as c

NEVER = dt.date.max
Purse = tuple[c.Owner, int]
Move = tuple[c.Owner, str, int, int, int]
"""Owner, purpose, currency, lot, points."""


@dataclass
class Lot:
    """One lot. `root` is the lot whose late return it is, `parent` what it was before it changed hands."""

    number: int
    owner: c.Owner
    issuer: int
    currency: int
    good_from: dt.date
    good_until: dt.date
    may_move: bool
    late: bool
    root: int | None = None
    parent: int | None = None
    handed_over: bool = False

    @property
    def turn(self) -> tuple[dt.date, dt.date, int]:
        """When it is its turn to be spent."""
        return (self.good_until, self.good_from, self.number)


@dataclass
class Done:
    """An entry: its moves in the order made, the lots born in it, and what was taken back of it since."""

    kind: str
    owner: c.Owner
    currency: int
    points: int
    day: dt.date
    asked: tuple[Any, ...]
    issuer: int | None = None
    counter: c.Owner | None = None
    moves: list[Move] = field(default_factory=list)
    born: list[int] = field(default_factory=list)
    taken_back: int = 0
    reversed: bool = False
    hold: Done | None = None
    """Of a burn or void: the hold it ends. Of a hold: itself ends in `ended`."""
    ended: str | None = None
    engine_id: int | None = None

    def parts(self, purpose: str, sign: int = 1) -> list[tuple[int, int]]:
        """(lot, points) that this entry put into (or, with sign −1, took out of) accounts of one purpose, in order."""
        return [
            (lot, points * sign) for _, where, _, lot, points in self.moves if where == purpose and points * sign > 0
        ]

    def change(self, owner: c.Owner, currency: int) -> int:
        """What the owner holds more of by it: available, pending and held, less what is owed."""
        mine = ("available", "pending", "held", "deficit")
        return sum(m[4] for m in self.moves if m[0] == owner and m[1] in mine and m[2] == currency)


class Book:
    """Everything that happened."""

    def __init__(self) -> None:
        self.lots: dict[int, Lot] = {}
        self.held: defaultdict[tuple[c.Owner, str, int], Counter[int]] = defaultdict(Counter)
        self.owed: Counter[tuple[c.Owner, int, int]] = Counter()
        self.ends: Counter[tuple[str, int]] = Counter()
        """Points of a lot that were burned, expired or clawed back."""
        self.grace: dict[int, dt.date] = {}
        self.entries: list[Done] = []
        self.keys: dict[str, Done] = {}
        self.numbers: dict[int, int] = {}
        """The engine's lot id → the number here, for commands that name lots."""

    # What a person sees.

    def total(self, owner: c.Owner, purpose: str, currency: int) -> int:
        """The balance of one account."""
        return sum(self.held[owner, purpose, currency].values())

    def as_of(self, owner: c.Owner, currency: int, day: dt.date) -> tuple[Counter[int], Counter[int]]:
        """Available and pending, lot by lot, when all that is due on a day is settled."""
        available, pending = Counter[int](), Counter[int]()
        for purpose in ("available", "pending"):
            for lot, points in self.held[owner, purpose, currency].items():
                if purpose == "pending" and self.lots[lot].good_from > day:
                    pending[lot] = points
                elif self.lots[lot].good_until >= day:
                    available[lot] += points
        return available, pending

    # What happens.

    def do(self, command: c.Command) -> tuple[Done | Refusal, bool, list[Done]]:
        """The outcome of a command, whether it is an old one told again, and the dues that were settled on the way."""
        asked = (
            command.verb,
            command.owner,
            command.currency,
            command.merchant_id,
            command.substance(),
            dict(command.facts),
        )
        dues: list[Done] = []
        try:
            if known := self.keys.get(command.key):
                if known.asked != asked:
                    raise c.KeyReused(command.key)
                return known, True, dues
            self._dues, self._asked, self._now = dues, asked, command.at.today
            done: Done = getattr(self, command.verb)(command)
        except Refusal as refusal:
            return refusal, False, dues
        self.keys[command.key] = done
        return done, False, dues

    def _begin(self, command: c.Command, points: int, kind: str | None = None, **about: Any) -> Done:
        done = Done(kind or command.verb, command.owner, command.currency, points, self._now, self._asked, **about)
        self.entries.append(done)
        return done

    def _move(self, done: Done, owner: c.Owner, purpose: str, currency: int, lot: int, points: int) -> None:
        done.moves.append((owner, purpose, currency, lot, points))
        if purpose == "deficit":
            self.owed[owner, currency, self.lots[lot].issuer] -= points
        elif purpose in ("available", "pending", "held"):
            purse = self.held[owner, purpose, currency]
            purse[lot] += points
            assert purse[lot] >= 0, "the model took more than there is"
            if not purse[lot]:
                del purse[lot]
        elif purpose != "issued":
            self.ends[purpose, lot] += points

    def _bear(self, done: Done, owner: c.Owner, like: Lot | None = None, **about: Any) -> int:
        number = len(self.lots) + 1
        if like:
            usual = {
                "issuer": like.issuer,
                "currency": like.currency,
                "good_from": self._now,
                "may_move": like.may_move,
                "late": like.late,
            }
            about = usual | about
        self.lots[number] = Lot(number, owner, **about)
        done.born.append(number)
        return number

    def _by_turn(self, owner: c.Owner, purpose: str, currency: int) -> list[Lot]:
        return sorted((self.lots[n] for n in self.held[owner, purpose, currency]), key=lambda lot: lot.turn)

    def _settle(self, command: c.Command, owner: c.Owner, currency: int, *kinds: str) -> list[Done]:
        """Release, then expire, what is due: an entry each."""
        made = []
        for kind in kinds or ("release", "expire"):
            if kind == "release":
                source, to, target = "pending", owner, "available"
                due = [lot for lot in self._by_turn(owner, source, currency) if lot.good_from <= self._now]
            else:
                source, to, target = "available", c.PROGRAMME, "expired"
                due = [lot for lot in self._by_turn(owner, source, currency) if lot.good_until < self._now]
            if due:
                total = sum(self.held[owner, source, currency][lot.number] for lot in due)
                done = Done(kind, owner, currency, total, self._now, self._asked)
                self.entries.append(done)
                for lot in due:
                    points = self.held[owner, source, currency][lot.number]
                    self._move(done, owner, source, currency, lot.number, -points)
                    self._move(done, to, target, currency, lot.number, points)
                made.append(done)
        self._dues += made
        return made

    def _fill(self, done: Done, owner: c.Owner, lot: int, points: int, purpose: str) -> None:
        about = self.lots[lot]
        self._move(done, c.Owner("merchant", about.issuer), "issued", about.currency, lot, -points)
        filled = min(points, self.owed[owner, about.currency, about.issuer])
        if filled:
            self._move(done, owner, "deficit", about.currency, lot, filled)
        if points - filled:
            self._move(done, owner, purpose, about.currency, lot, points - filled)

    def _short(
        self, owner: c.Owner, currency: int, needed: int, available: int, counted: Any = None
    ) -> c.NotEnoughPoints:
        waiting = [lot for lot in self._by_turn(owner, "pending", currency) if counted is None or counted(lot)]
        purse = self.held[owner, "pending", currency]
        first = min((lot.good_from for lot in waiting), default=None)
        return c.NotEnoughPoints(needed, available, sum(purse[lot.number] for lot in waiting), first)

    def _pick(self, owner: c.Owner, currency: int, points: int, counted: Any = None) -> list[tuple[int, int]]:
        """The lots, by turn, that make up the points; of a pool's that end together everybody gives their part."""
        if owner.kind == "pool" and counted is None:
            return self._pick_together(owner, currency, points)
        parts, left = [], points
        for lot in self._by_turn(owner, "available", currency):
            if left and (counted is None or counted(lot)):
                taken = min(left, self.held[owner, "available", currency][lot.number])
                parts.append((lot.number, taken))
                left -= taken
        if left:
            raise self._short(owner, currency, points, points - left, counted)
        return parts

    def _pick_together(self, pool: c.Owner, currency: int, points: int) -> list[tuple[int, int]]:
        purse = self.held[pool, "available", currency]
        if points > purse.total():
            raise self._short(pool, currency, points, purse.total())
        parts = []
        for day in sorted({self.lots[n].good_until for n in purse}):
            lots = [lot for lot in self._by_turn(pool, "available", currency) if lot.good_until == day]
            wanted = min(points, sum(purse[lot.number] for lot in lots))
            points -= wanted
            share = Counter[c.Owner]()
            for lot in lots:
                share[lot.owner] += purse[lot.number]
            exact = {who: Fraction(wanted * has, share.total()) for who, has in share.items()}
            gives = {who: int(part) for who, part in exact.items()}
            for who in sorted(exact, key=lambda who: (gives[who] - exact[who], who))[: wanted - sum(gives.values())]:
                gives[who] += 1
            for lot in lots:
                piece = min(gives[lot.owner], purse[lot.number])
                gives[lot.owner] -= piece
                parts += [(lot.number, piece)] if piece else []
        return parts

    def _return(self, done: Done, source: tuple[c.Owner, str], lot: int, points: int, grace_days: int) -> None:
        """Points of a lot back to the entry's owner: as they were, as a late return, or — too late — expired."""
        about = self.lots[lot]
        self._move(done, *source, done.currency, lot, -points)
        if about.good_until >= self._now:
            self._move(done, done.owner, "available", done.currency, lot, points)
            return
        if not about.late:
            until = self.grace.setdefault(lot, self._now + dt.timedelta(days=grace_days))
            if until >= self._now:
                late = self._bear(done, about.owner, about, good_until=until, late=True, root=lot, parent=lot)
                self._move(done, done.owner, "available", done.currency, late, points)
                return
        self._move(done, c.PROGRAMME, "expired", done.currency, lot, points)

    def _entry(self, command: Any, *kinds: str) -> Done:
        found = next((e for e in self.entries if e.engine_id == command.entry_id), None)
        whose = getattr(command, "of", None) or command.owner
        if found is None or (found.owner, found.currency) != (whose, command.currency):
            raise c.NoSuchEntry(command.entry_id)
        if found.kind not in kinds:
            raise c.NotThatKind(command.entry_id, found.kind)
        return found

    # The verbs.

    def accrue(self, command: c.Accrue) -> Done:
        if command.points < 0:
            raise c.PointsMustBePositive(command.points)
        since = max(command.available_on, self._now)
        if command.expires_on and command.expires_on < since:
            raise c.ExpiresBeforeAvailable(since, command.expires_on)
        self._settle(command, command.owner, command.currency)
        done = self._begin(command, command.points, issuer=command.issuer_id)
        if command.points:
            lot = self._bear(
                done,
                command.owner,
                issuer=command.issuer_id,
                currency=command.currency,
                good_from=since,
                good_until=command.expires_on or NEVER,
                may_move=command.transferable,
                late=False,
            )
            self._fill(done, command.owner, lot, command.points, "pending" if since > self._now else "available")
        return done

    open_balance = accrue

    def adjust(self, command: c.Adjust) -> Done:
        if command.points == 0:
            raise c.PointsMustBePositive(0)
        if command.points > 0 and command.expires_on and command.expires_on < self._now:
            raise c.ExpiresBeforeAvailable(self._now, command.expires_on)
        self._settle(command, command.owner, command.currency)
        if command.points > 0:
            done = self._begin(command, command.points, issuer=command.issuer_id)
            lot = self._bear(
                done,
                command.owner,
                issuer=command.issuer_id,
                currency=command.currency,
                good_from=self._now,
                good_until=command.expires_on or NEVER,
                may_move=True,
                late=False,
            )
            self._fill(done, command.owner, lot, command.points, "available")
            return done
        parts = self._pick(
            command.owner, command.currency, -command.points, lambda lot: lot.issuer == command.issuer_id
        )
        done = self._begin(command, -command.points, issuer=command.issuer_id)
        for lot, points in parts:
            self._move(done, command.owner, "available", command.currency, lot, -points)
            self._move(done, c.PROGRAMME, "clawed_back", command.currency, lot, points)
        return done

    def release(self, command: c.Release) -> Done:
        made = self._settle(command, command.owner, command.currency, "release")
        if not made:
            raise c.NothingDue
        return self._dues.pop()

    def expire(self, command: c.Expire) -> Done:
        made = self._settle(command, command.owner, command.currency)
        if not made or made[-1].kind != "expire":
            raise c.NothingDue
        return self._dues.pop()

    def hold(self, command: c.Hold) -> Done:
        if command.points <= 0:
            raise c.PointsMustBePositive(command.points)
        self._settle(command, command.owner, command.currency)
        counted = (lambda lot: lot.may_move) if command.movable else None
        parts = self._pick(command.owner, command.currency, command.points, counted)
        done = self._begin(command, command.points)
        for lot, points in parts:
            self._move(done, command.owner, "available", command.currency, lot, -points)
            self._move(done, command.owner, "held", command.currency, lot, points)
        return done

    def _ending(self, command: Any) -> Done:
        found = next((e for e in self.entries if e.engine_id == command.hold_id and e.kind == "hold"), None)
        if found is None or (found.owner, found.currency) != (command.owner, command.currency):
            raise c.NoSuchHold(command.hold_id)
        if found.ended:
            raise c.HoldResolved(command.hold_id, found.ended)
        return found

    def burn(self, command: c.Burn) -> Done:
        where = c.Owner("merchant", command.merchant_id or 0)
        if command.hold_id is None:
            if command.points <= 0:
                raise c.PointsMustBePositive(command.points)
            self._settle(command, command.owner, command.currency)
            parts, source = self._pick(command.owner, command.currency, command.points), "available"
            done = self._begin(command, command.points)
        else:
            hold = self._ending(command)
            self._settle(command, command.owner, command.currency)
            parts, source = hold.parts("held"), "held"
            done = self._begin(command, hold.points, hold=hold)
            hold.ended = "burned"
        for lot, points in parts:
            self._move(done, command.owner, source, command.currency, lot, -points)
            self._move(done, where, "burned", command.currency, lot, points)
        return done

    def void(self, command: c.Void) -> Done:
        hold = self._ending(command)
        self._settle(command, command.owner, command.currency)
        done = self._begin(command, hold.points, hold=hold)
        hold.ended = "voided"
        for lot, points in hold.parts("held"):
            self._return(done, (command.owner, "held"), lot, points, command.grace_days)
        return done

    def give(self, command: c.Give) -> Done:
        if command.to == command.owner:
            raise c.OwnersMustDiffer
        hold = self._ending(command)
        self._settle(command, command.owner, command.currency)
        self._settle(command, command.to, command.currency)
        done = self._begin(command, hold.points, hold=hold, counter=command.to)
        hold.ended = "given"
        for lot, points in hold.parts("held"):
            about = self.lots[lot]
            self._move(done, command.owner, "held", command.currency, lot, -points)
            if about.good_until < self._now:
                self._move(done, c.PROGRAMME, "expired", command.currency, lot, points)
            else:
                child = self._bear(done, command.to, about, good_until=about.good_until, parent=lot)
                self._move(done, command.to, "available", command.currency, child, points)
        return done

    def transfer(self, command: c.Transfer) -> Done:
        if command.points is not None and command.points <= 0:
            raise c.PointsMustBePositive(command.points)
        if command.to == command.owner:
            raise c.OwnersMustDiffer
        self._settle(command, command.owner, command.currency)
        self._settle(command, command.to, command.currency)
        pool_in, pool_out = command.to.kind == "pool", command.owner.kind == "pool"

        def movable(lot: Lot) -> bool:
            return pool_in or (lot.owner == command.to if pool_out else lot.may_move)

        wanted = command.points
        if wanted is None:
            purse = self.held[command.owner, "available", command.currency]
            wanted = sum(points for lot, points in purse.items() if movable(self.lots[lot]))
            if not wanted:
                raise c.NothingDue
        parts = self._pick(command.owner, command.currency, wanted, movable)
        done = self._begin(command, wanted, counter=command.to)
        for lot, points in parts:
            kept = lot
            if not (pool_in or pool_out):
                about = {"good_until": self.lots[lot].good_until, "parent": lot}
                kept = self._bear(done, command.to, self.lots[lot], **about)
            self._move(done, command.owner, "available", command.currency, lot, -points)
            self._move(done, command.to, "available", command.currency, kept, points)
        return done

    def hand_over(self, command: c.HandOver) -> Done:
        owner, to, currency = command.owner, command.to, command.currency
        if to == owner:
            raise c.OwnersMustDiffer
        debts = {}
        for issuer, entry_id in command.debts.items():
            past = next((e for e in self.entries if e.engine_id == entry_id), None)
            indebted = past and (past.counter if past.kind == "hand_over" else past.owner)
            named = [lot for lot, _ in past.parts("deficit", -1) if self.lots[lot].issuer == issuer] if past else []
            if past is None or (indebted, past.currency) != (owner, currency) or not named:
                raise c.NoSuchEntry(entry_id)
            debts[issuer] = named[0]
        asked = None if command.lots is None else {self.numbers[id_] for id_ in command.lots}
        if asked is None and (held := self.total(owner, "held", currency)):
            raise c.PointsHeld(held)
        self._settle(command, owner, currency)
        self._settle(command, to, currency)
        parts = [
            (purpose, lot, self.held[owner, purpose, currency][lot.number])
            for purpose in ("available", "pending")
            for lot in self._by_turn(owner, purpose, currency)
            if asked is None or lot.number in asked
        ]
        owing = {issuer: self.owed[owner, currency, issuer] for issuer in debts}
        owing = {issuer: min(owed, command.owing.get(issuer, owed)) for issuer, owed in owing.items()}
        if asked is not None and not parts and not any(owing.values()):
            raise c.NothingDue
        done = self._begin(command, sum(points for *_, points in parts), counter=to)
        for purpose, lot, points in parts:
            about = {"good_from": lot.good_from, "good_until": lot.good_until, "parent": lot.number}
            kept = self._bear(done, to, lot, handed_over=True, **about)
            self._move(done, owner, purpose, currency, lot.number, -points)
            self._move(done, to, purpose, currency, kept, points)
        for issuer, owed in sorted(owing.items()):
            if owed:
                self._move(done, owner, "deficit", currency, debts[issuer], owed)
                self._move(done, to, "deficit", currency, debts[issuer], -owed)
        return done

    def exchange(self, command: c.Exchange) -> Done:
        one, other = command.value, command.to_value

        def brings(points: int) -> int:
            return points * one.minor * other.points // (one.points * other.minor)

        if one.money != other.money or not other.minor:
            raise c.PointsMustBePositive(0)
        if command.points <= 0 or not brings(command.points):
            raise c.PointsMustBePositive(command.points)
        if command.currency == command.to_currency:
            raise c.OwnersMustDiffer
        if command.expires_on and command.expires_on < self._now:
            raise c.ExpiresBeforeAvailable(self._now, command.expires_on)
        self._settle(command, command.owner, command.currency)
        self._settle(command, command.owner, command.to_currency)
        parts = self._pick(command.owner, command.currency, command.points)
        done = self._begin(command, command.points)
        before = 0
        for lot, points in parts:
            about = self.lots[lot]
            got = brings(before + points) - brings(before)
            before += points
            self._move(done, command.owner, "available", command.currency, lot, -points)
            self._move(done, c.PROGRAMME, "burned", command.currency, lot, points)
            if got:
                until = min(about.good_until, command.expires_on or NEVER)
                new = self._bear(done, about.owner, about, good_until=until, currency=command.to_currency)
                self._move(done, c.PROGRAMME, "issued", command.to_currency, new, -got)
                self._move(done, command.owner, "available", command.to_currency, new, got)
        return done

    def claw_back(self, command: c.ClawBack) -> Done:
        if command.points <= 0:
            raise c.PointsMustBePositive(command.points)
        past = self._entry(command, "accrue", "open_balance")
        if past.issuer != command.issuer_id:
            raise c.NoSuchEntry(command.entry_id)
        if command.points > past.points - past.taken_back:
            raise c.MoreThanEntry(command.entry_id, command.points, past.points - past.taken_back)
        owner, currency = command.owner, command.currency
        self._settle(command, owner, currency)
        if command.pool:
            self._settle(command, command.pool, currency)
        done = self._begin(command, command.points, issuer=command.issuer_id)
        past.taken_back += command.points
        own = list(past.born)
        if command.of:
            mine = {*self.held[owner, "available", currency], *self.held[owner, "pending", currency]}
            children = [lot for lot in self.lots.values() if lot.parent in past.born and lot.owner == owner]
            own += [lot.number for lot in children if lot.handed_over or lot.number in mine]
        own += [lot.number for lot in self.lots.values() if lot.root in own]
        left = command.points

        def take(purpose: str, lots: list[int], from_: c.Owner = owner) -> None:
            nonlocal left
            for lot in lots:
                if purpose == "expired":
                    there, whose = self.ends[purpose, lot], c.PROGRAMME
                else:
                    there, whose = self.held[from_, purpose, currency][lot], from_
                if points := min(left, there):
                    self._move(done, whose, purpose, currency, lot, -points)
                    self._move(done, c.PROGRAMME, "clawed_back", currency, lot, points)
                    left -= points

        for lot in own:
            take("pending", [lot])
            take("available", [lot])
            if command.pool:
                take("available", [lot], command.pool)
        take("expired", own)
        for purpose in ("available", "pending"):
            theirs = [lot.number for lot in self._by_turn(owner, purpose, currency) if lot.issuer == command.issuer_id]
            take(purpose, theirs)
        if command.pool:
            pooled = self._by_turn(command.pool, "available", currency)
            mine = [lot.number for lot in pooled if (lot.owner, lot.issuer) == (owner, command.issuer_id)]
            take("available", mine, command.pool)
            if any(move[0] == command.pool for move in done.moves):
                done.counter = command.pool
        if left:
            self._move(done, owner, "deficit", currency, own[0], -left)
            self._move(done, c.PROGRAMME, "clawed_back", currency, own[0], left)
        return done

    def reinstate(self, command: c.Reinstate) -> Done:
        if command.points is not None and command.points <= 0:
            raise c.PointsMustBePositive(command.points)
        past = self._entry(command, "burn")
        left = past.points - past.taken_back
        asked = left if command.points is None else command.points
        if asked > left or not left:
            raise c.MoreThanEntry(command.entry_id, asked, left)
        self._settle(command, command.owner, command.currency)
        done = self._begin(command, asked)
        # The burn's points in the order they were taken: what returns is cut from the end, before what returned already.
        line = sorted(past.parts("burned"), key=lambda part: self.lots[part[0]].turn)
        first, last = left - asked, left
        pieces, at = [], 0
        for lot, points in line:
            piece = min(at + points, last) - max(at, first)
            if piece > 0:
                pieces.append((lot, piece))
            at += points
        where = next(move[0] for move in past.moves if move[1] == "burned")
        for lot, points in reversed(pieces):
            self._return(done, (where, "burned"), lot, points, command.grace_days)
        past.taken_back += asked
        return done

    def reverse(self, command: c.Reverse) -> Done:
        if command.expires_on and command.expires_on < self._now:
            raise c.ExpiresBeforeAvailable(self._now, command.expires_on)
        past = self._entry(command, "accrue", "open_balance", "adjust", "transfer", "exchange", "expire")
        if past.reversed or past.taken_back:
            raise c.MoreThanEntry(command.entry_id, past.points, 0)
        owner, currency = command.owner, command.currency
        self._settle(command, owner, currency)
        gained = [m for m in past.moves if m[1] in ("available", "pending") and m[4] > 0]
        missing = sum(m[4] for m in past.moves if m[1] == "deficit")
        found: dict[int, str] = {}
        for whose, _, of, lot, points in gained:
            there = {p: self.held[whose, p, of][lot] for p in ("pending", "available")}
            found[lot] = "pending" if there["pending"] else "available"
            run_out = found[lot] == "available" and self.lots[lot].good_until < self._now
            missing += max(0, points - (0 if run_out else there[found[lot]]))
        if past.kind == "expire":
            missing += sum(max(0, points - self.ends["expired", lot]) for lot, points in past.parts("expired"))
        if missing:
            raise c.PointsMovedOn(command.entry_id, missing)
        done = self._begin(command, past.points, issuer=past.issuer, counter=past.counter)
        past.reversed, past.taken_back = True, past.points
        for whose, _, of, lot, points in gained:
            self._move(done, whose, found[lot], of, lot, -points)
            if past.kind == "transfer":
                kept = lot
                if "pool" not in (owner.kind, whose.kind):
                    kept = self._bear(done, owner, self.lots[lot], good_until=self.lots[lot].good_until, parent=lot)
                self._move(done, owner, "available", of, kept, points)
        for whose, purpose, of, lot, points in past.moves:
            if purpose == "issued":
                self._move(done, whose, purpose, of, lot, -points)
            elif purpose == "expired":
                until = command.expires_on or self._now + dt.timedelta(days=command.grace_days)
                self._move(done, whose, purpose, of, lot, -points)
                back = self._bear(done, self.lots[lot].owner, self.lots[lot], good_until=until, parent=lot)
                self._move(done, owner, "available", of, back, points)
            elif purpose in ("burned", "clawed_back"):
                self._return(done, (whose, purpose), lot, points, command.grace_days)
        return done

    def restore(self, command: c.Restore) -> Done:
        if command.expires_on < self._now:
            raise c.ExpiresBeforeAvailable(self._now, command.expires_on)
        past = self._entry(command, "expire")
        self._settle(command, command.owner, command.currency)
        meant = [
            (lot, points)
            for lot, points in past.parts("expired")
            if command.issuer_id in (None, self.lots[lot].issuer)
            and command.last_day in (None, self.lots[lot].good_until)
        ]
        room, back = past.points - past.taken_back, []
        for lot, points in meant:
            some = min(points, self.ends["expired", lot], room)
            room -= some
            back += [(lot, some)] if some else []
        size = sum(points for _, points in back)
        if not size:
            raise c.MoreThanEntry(command.entry_id, sum(points for _, points in meant), 0)
        done = self._begin(command, size, issuer=command.issuer_id)
        past.taken_back += size
        for lot, points in back:
            about = self.lots[lot]
            whose = command.owner if about.owner == command.of else about.owner
            self._move(done, c.PROGRAMME, "expired", command.currency, lot, -points)
            late = self._bear(done, whose, about, good_until=command.expires_on, parent=lot)
            self._move(done, command.owner, "available", command.currency, late, points)
        return done
