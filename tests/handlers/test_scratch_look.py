from __future__ import annotations
import datetime as dt
from handlers import home, join, expiry, history, card, settings, help as h, cancel, claim
from chat import receipts
from ledger.points.commands import *
from ledger.points.engine import post
from ledger.points.commands import Burn, Hold, Moment
from tests.turns import *
from tests.conftest import Database

async def test_look(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, rail = await coalition(tx)
        def p(title, s):
            for l in ("zh","en"):
                print(f"--- {title} {l}"); print(shown(s,l))
        n = turn(tx)
        p("start newcomer", await join.start(n))
        p("agree", await join.agree(n, "zh", "2026-11"))
        me = n.member
        T = lambda **k: turn(tx, me, **k)
        p("home fresh", await home.balance(T()))
        p("history fresh", await history.history(T()))
        r1 = await earn(tx, me, market, 320, expires_on=dt.date(2026,11,30))
        r2 = await earn(tx, me, market, 760, trace=[{"what":"base","amount_minor":76000,"money":"CNY","category":None,"rate":"1","points":"760"}], facts={"what":"purchase","document":"20261111-0093","amount_minor":76000,"money":"CNY"})
        r3 = await earn(tx, me, market, 100, available_on=dt.date(2026,11,29))
        r4 = await earn(tx, me, rail, 15000, expires_on=None)
        r5 = await earn(tx, me, market, 0, trace=[{"what":"nothing","because":"below_one_point"}])
        b = await post(tx, Burn(key="b1", owner=me.owner, currency=1, at=Moment(NOW,TODAY), actor=f"member:{me.id}", merchant_id=market.id, points=400, facts={"offer":{"id":1,"name_zh":"进口水果礼盒","name_en":"Fruit box"}}))
        hd = await post(tx, Hold(key="h1", owner=me.owner, currency=1, at=Moment(NOW,TODAY), actor=f"member:{me.id}", points=50))
        cb = await post(tx, ClawBack(key="c1", owner=me.owner, currency=1, at=Moment(NOW,TODAY), actor="staff:3", merchant_id=market.id, entry_id=r2.entry_id, issuer_id=market.id, points=760, facts={"what":"refund"}, reason="商品有瑕疵"))
        re = await post(tx, Reinstate(key="re1", owner=me.owner, currency=1, at=Moment(NOW,TODAY), actor="staff:3", merchant_id=market.id, entry_id=b.entry_id, grace_days=30, facts={"name_zh":"进口水果礼盒","name_en":"Fruit box"}))
        p("home", await home.balance(T()))
        p("expiry", await expiry.show(T()))
        p("history", await history.page(T()))
        p("history earned", await history.page(T(), "earned", "0", "1"))
        for r in (r1,r2,r3,r5,b,hd,cb,re):
            p("why "+r.kind, await history.open_line(T(), str(r.entry_id)))
            p("receipt "+r.kind, await receipts.notice(tx, me.owner, r.entry_id, today=TODAY))
        p("card", await card.show(T()))
        p("settings", await settings.show(T()))
        p("language", await settings.language(T()))
        p("region", await settings.region(T()))
        p("birthday", await settings.birthday(T()))
        p("month", await settings.month(T(), "2"))
        p("day", await settings.day(T(), "12","3"))
        t2 = T(); t2.goto("settings.year", month=12, day=3)
        p("year", await settings.year(t2, "1966"))
        p("stored", await settings.stored(T()))
        p("help", await h.show(T()))
        p("cancel", await cancel.cancel(T()))
        p("claim", await claim.start(T()))
        p("claim", await claim.given(T(), "wrong"))
