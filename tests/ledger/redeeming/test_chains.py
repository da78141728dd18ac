"""No chain of earning, exchanging, redeeming, undoing and letting run out is worth more than what was earned (R10).

What somebody has is their points at the published unit values and the worth of the vouchers that they have or have used. Only
earning raises it. And however often points go round, none lives longer than the lot that it comes from and one grace allow.
"""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.points import statements
from ledger.points.audit import audit
from ledger.redeeming import code_pools, exchange, handover, redemptions
from ledger.redeeming.code_pools import PartnerCode
from ledger.redeeming.lapses import lapse
from tests.ledger.redeeming.stage import COMMON, RAIL, TODAY, Stage, at, offer, per_unit

_numbers = itertools.count(1)
FEN = {COMMON: 2, RAIL: 1}
"""What a point is worth on this stage, in fen: an exact figure for both currencies."""
GRACE, UNDO = 30, 10

STEPS = st.one_of(
    st.tuples(
        st.just("earn"), st.sampled_from([COMMON, RAIL]), st.sampled_from([40, 130, 901]), st.sampled_from([3, 45, 0])
    ),
    st.tuples(st.just("exchange"), st.sampled_from([1, 2, 33, 77, 100])),
    st.tuples(st.just("redeem"), st.sampled_from([0, 1, 2, 3])),
    st.tuples(st.just("reveal"), st.integers(0, 3)),
    st.tuples(st.just("undo"), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.sampled_from([1, 4, 31])),
    st.tuples(st.just("lapse")),
)


@dataclass
class Walk:
    """One member going round."""

    stage: Stage
    who: Member
    offers: list[int]
    earned: int = 0
    days: int = 0
    done: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    acts: set[str] = field(default_factory=set)

    async def wealth(self) -> int:
        """Points at their unit values, and vouchers at theirs, in fen."""
        async with self.stage.engine.begin() as tx:
            held = await statements.wallet(tx, self.who.owner, today=at(days=self.days).today)
            vouchers = await tx.scalar(
                text(
                    "SELECT coalesce(sum(value_minor), 0) FROM redemption"
                    " WHERE member_id = :id AND state IN ('issued', 'used')"
                ),
                {"id": self.who.id},
            )
        return int(vouchers or 0) + sum(FEN[h.currency.id] * (h.available + h.pending + h.held) for h in held)

    async def step(self, act: str, *how: int) -> None:
        now = at(days=self.days)
        if act == "wait":
            self.days += how[0]
        elif act == "earn":
            currency, points, life = how
            until = "-" if not life else str(now.today + dt.timedelta(days=life))
            issuer = "rail" if currency == RAIL else "market"
            async with self.stage.engine.begin() as tx:
                await self.stage.give(tx, self.who, (points, until), currency=currency, issuer=issuer)
            self.earned += FEN[currency] * points
        elif act == "exchange":
            async with self.stage.engine.begin() as tx:
                known = await statements.currencies(tx)
                rated = exchange.rate(known[RAIL], known[COMMON])
                have = next((h.available for h in await statements.wallet(tx, self.who.owner, today=now.today)
                             if h.currency.id == RAIL), 0)  # fmt: skip
                await exchange.exchange(
                    tx,
                    self.who,
                    rated,
                    have * how[0] // 100,
                    nonce=f"x{next(_numbers)}",
                    life_months=12,
                    at=now,
                    actor="t",
                )
        elif act == "redeem":
            got = await self.stage.redeem(self.who, self.offers[how[0]], 1, when=now, undo_minutes=UNDO)
            self.done.append(got.redemption.id)
            if got.redemption.offer.pool is not None:
                self.codes.append(got.redemption.id)
        elif act == "reveal":
            if self.codes:
                async with self.stage.engine.begin() as tx:
                    which = self.codes[-1 - how[0] % len(self.codes)]
                    await handover.reveal(tx, self.who, which, vault=self.stage.vault, at=now)
        elif act == "undo":
            if self.done:
                async with self.stage.engine.begin() as tx:
                    which = self.done[-1 - how[0] % len(self.done)]
                    await redemptions.undo(tx, self.who.id, which, grace_days=GRACE, at=now, actor="t")
        else:
            async with self.stage.engine.begin() as tx:
                await lapse(tx, at=now, grace_days=GRACE, limit=50)
        self.acts.add(act)


async def goes_round(stage: Stage, steps: list[tuple[str | int, ...]]) -> Walk:
    """A walk of these steps; what is refused changes nothing."""
    number = next(_numbers)
    async with stage.engine.begin() as tx:
        brought = [PartnerCode("film", f"K{number}-{each}", None) for each in range(5)]
        await code_pools.add(tx, stage.vault, stage.merchants["fruit"].id, brought)
    offers = await stage.publish(
        # The stage's own values: nothing is sold below or above them; one is never given back, one comes back when unused.
        offer(f"c{number}", "券", "Voucher", "market", per_unit(100, 200, most=1)),
        offer(f"r{number}", "票", "Ride", "rail", per_unit(100, 100, most=1), currency="rail"),
        offer(f"f{number}", "盒", "Box", "fruit", per_unit(30, 60, most=1), unused="forfeit", validity_days=3),
        offer(f"p{number}", "码", "Code", "fruit", per_unit(30, 60), kind="partner_code", pool="film", validity_days=3),
    )
    walk = Walk(stage, await stage.member(), offers)
    before = 0
    for act, *how in [("earn", RAIL, 901, 45), ("earn", COMMON, 130, 3), *steps]:
        earned = walk.earned
        try:
            await walk.step(str(act), *(int(each) for each in how))
        except Refusal:
            continue
        now = await walk.wealth()
        assert now <= before + walk.earned - earned, (act, how)
        before = now
    assert before <= walk.earned
    async with stage.engine.begin() as tx:
        assert (await audit(tx)).holds
        late = await tx.scalar(
            text(
                "WITH RECURSIVE line AS ("
                " SELECT id, expires_on AS first, expires_on FROM lot WHERE parent_lot_id IS NULL AND owner_id = :who"
                " UNION ALL SELECT c.id, line.first, c.expires_on FROM lot c JOIN line ON c.parent_lot_id = line.id)"
                " SELECT count(*) FROM line"
                " WHERE first IS NOT NULL AND (expires_on IS NULL OR expires_on > greatest(first, :last))"
            ),
            # What came back late came back within the walk, and lives for the grace days from then at most.
            {"who": walk.who.id, "last": TODAY + dt.timedelta(days=walk.days + GRACE)},
        )
        assert late == 0
    return walk


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=4, max_size=16))
async def test_whatever_somebody_does_with_points_only_earning_makes_them_richer(
    stage: Stage, steps: list[tuple[str | int, ...]]
) -> None:
    await goes_round(stage, steps)


async def test_a_walk_that_does_all_there_is_to_do(stage: Stage) -> None:
    walk = await goes_round(
        stage,
        [
            ("exchange", 33),
            ("redeem", 0),
            ("undo", 0),
            ("redeem", 0),
            ("redeem", 1),
            ("redeem", 2),
            ("wait", 31),
            ("lapse",),
        ],
    )
    assert walk.acts == {"earn", "exchange", "redeem", "undo", "wait", "lapse"} and len(walk.done) == 4
    # 901 rail points and 130 common ones were worth ¥11.61. The box ran out and was not to come back; 297 rail points became 148
    # common ones, and a fen was lost.
    assert (walk.earned, await walk.wealth()) == (1161, 1161 - 60 - 1)
