from __future__ import annotations
import datetime as dt
from handlers import catalog, redeem, vouchers, exchange
from bot import manners
from chat.vouchers import *
from chat import vouchers as cv
from ledger.merchants import merchant as merchants, staff
from ledger.merchants.merchant import Terms
from ledger.errors import Refusal
from ledger.redeeming import counter, codes
from ledger.redeeming.lapses import lapse
from ledger.redeeming.publish import publish, set_active
from ledger.redeeming.offers import *
from ledger.points.commands import Moment
from tests.turns import *
from tests.conftest import Database

async def test_look(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, rail = await coalition(tx)
        fruit = await merchants.create(tx, code="fruit", name_zh="鲜果時光", name_en="Fresh Fruit Time", category="fruit", terms=Terms())
        def p(title, s):
            for l in ("zh","en"):
                print(f"--- {title} {l}"); print(shown(s,l))
        async def tryp(title, coro):
            try:
                s = await coro
            except Refusal as no:
                s = manners.refused(no); title += " REFUSED"
            p(title, s); return s
        def o(code, zh, en, m, price, kind="goods", **k):
            return Offer(code=code, kind=kind, name=Names(zh=zh,en=en), merchant=m, price=price, **{"category":"fruit", **k})
        docs=[o("box","进口水果礼盒","Imported fruit box","fruit",PerUnit(points=500,value_minor=2500,most_units=3),about=Names(zh="当天切好装盒。",en="Cut and packed the same day."),conditions=(Names(zh="当天食用",en="Best eaten the same day"),),limits=Limits(member_day=2,day=50,stock=80),photo="box"),
              o("box2","大礼盒","Big box","fruit",PerUnit(points=2000,value_minor=10000)),
              o("voucher","超市代金券","Supermarket voucher","market",PerMoney(points=50,least_minor=2000,step_minor=200,most_minor=20000),kind="variable_voucher",category="grocery"),
              o("gone","限量杯","Limited mug","market",PerUnit(points=100),limits=Limits(stock=0),category="gifts"),
              o("ticket","车票 10 元","Ticket ¥10","rail",PerUnit(points=1000,value_minor=1000),currency="rail",category="travel",kind="voucher",unused="forfeit"),
              *[o(f"x{n}",f"小礼物 {n}",f"Little gift {n}","market",PerUnit(points=10*n),category="gifts") for n in range(1,9)]]
        n = turn(tx); me = await joined(tx)
        ids=[await publish(tx,d,now=NOW,today=TODAY) for d in docs]
        T = lambda **k: turn(tx, me, **k)
        p("home poor", await catalog.home(T()))
        await earn(tx, me, market, 320, expires_on=dt.date(2026,11,30))
        await earn(tx, me, market, 860, expires_on=dt.date(2027,12,31))
        await earn(tx, me, market, 100, available_on=dt.date(2026,11,29))
        await earn(tx, me, rail, 15001, expires_on=None)
        p("home", await catalog.home(T()))
        p("affordable", await catalog.affordable(T()))
        p("affordable 2", await catalog.affordable(T(),"1"))
        p("categories", await catalog.categories(T()))
        p("category", await catalog.category(T(),"fruit"))
        p("category none", await catalog.category(T(),"home"))
        p("merchants", await catalog.merchants(T()))
        p("merchant", await catalog.merchant(T(),str(market.id)))
        p("search", await catalog.said(T(),"水果"))
        p("search none", await catalog.said(T(),"量子计算机"))
        p("offer box", await catalog.offer(T(),str(ids[0])))
        p("offer big", await catalog.offer(T(),str(ids[1]), "category.fruit.0"))
        p("offer voucher", await catalog.offer(T(),str(ids[2])))
        p("offer gone", await catalog.offer(T(),str(ids[3])))
        p("offer ticket", await catalog.offer(T(),str(ids[4])))
        p("choose box", await redeem.choose(T(),str(ids[0])))
        t1=T(); p("choose voucher", await redeem.choose(t1,str(ids[2])))
        await tryp("typed bad", redeem.said_amount(t1,"abc"))
        await tryp("typed offgrid", redeem.said_amount(t1,"21"))
        await tryp("typed too much", redeem.said_amount(t1,"100"))
        s=await tryp("confirm voucher", redeem.confirm(T(),str(ids[2]),"2200"))
        s=await tryp("confirm box", redeem.confirm(T(),str(ids[0]),"1"))
        args=s.rows[0][0].data.split(":")[2:]
        await tryp("do", redeem.redeem(T(),*args))
        await tryp("do again", redeem.redeem(T(),*args))
        await tryp("do forged", redeem.redeem(T(),args[0],args[1],"nnnnnnnn",args[3]))
        await tryp("confirm big", redeem.confirm(T(),str(ids[1]),"1"))
        await tryp("confirm gone", redeem.confirm(T(),str(ids[3]),"1"))
        await tryp("confirm 4", redeem.confirm(T(),str(ids[0]),"4"))
        p("vouchers", await vouchers.list_(T()))
        v=(await redemptions.page(tx,me.id,today=TODAY))[0]
        code=await redemptions.reveal(tx,v,T().vault)
        p("show", await vouchers.show(T(),str(v.id)))
        p("hand over", screen(to_hand_over(v)))
        p("undo?", await vouchers.undo(T(),str(v.id)))
        await tryp("undo late", vouchers.undo(T(now=NOW+dt.timedelta(minutes=11)),str(v.id)))
        p("undone", await vouchers.undone(T(),str(v.id)))
        s=await tryp("do after undo", redeem.redeem(T(),*args))
        s=await redeem.confirm(T(),str(ids[0]),"2"); await tryp("do 2", redeem.redeem(T(),*s.rows[0][0].data.split(":")[2:]))
        await tryp("third today", redeem.confirm(T(),str(ids[0]),"1"))
        p("offer box had", await catalog.offer(T(),str(ids[0])))
        v2=(await redemptions.page(tx,me.id,today=TODAY))[0]
        st=await staff.add(tx,merchant_id=fruit.id,member_id=77,role="cashier",label="3号台",by="t",now=NOW)
        st2=await staff.add(tx,merchant_id=market.id,member_id=78,role="cashier",label="1号台",by="t",now=NOW)
        code=await redemptions.reveal(tx,v2,T().vault)
        for who,c,when in ((st,"hello",0),(st,codes.mint(b"x"*16),0),(st2,code,0),(st,code,40),(st,code,0),(st,code,0)):
            a=await counter.use(tx,who,c,vault=T().vault,at=Moment(NOW+dt.timedelta(days=when),TODAY+dt.timedelta(days=when)))
            p("use", cv.used_notice(a) if isinstance(a,Redemption) else manners.refused(a))
        for i in range(5): a=await counter.verify(tx,st,codes.mint(bytes([i])*16),vault=T().vault,at=Moment(NOW,TODAY))
        p("unknown last", manners.refused(a))
        p("paused", manners.refused(await counter.verify(tx,st,code,vault=T().vault,at=Moment(NOW,TODAY))))
        p("show used", await vouchers.show(T(),str(v2.id)))
        await set_active(tx, ids[2], False)
        await tryp("paused offer", redeem.confirm(T(),str(ids[2]),"2000"))
        p("paused offer screen", await catalog.offer(T(),str(ids[2])))
        for k,i in enumerate((5,6,4)):
            s=await redeem.confirm(T(),str(ids[i]),"1"); 
            if i==4: p("confirm ticket", s)
            x=await redeem.redeem(T(),*s.rows[0][0].data.split(":")[2:])
        p("vouchers many", await vouchers.list_(T()))
        l=await lapse(tx,at=Moment(NOW+dt.timedelta(days=31),TODAY+dt.timedelta(days=31)),grace_days=30)
        p("lapsed notice", cv.lapsed_notice(l))
        p("show lapsed", await vouchers.show(T(),str(l[0].voucher.id)))
        t3=T(); p("exchange", await exchange.home(t3))
        await tryp("x bad", exchange.said_points(t3,"二百"))
        await tryp("x too few", exchange.said_points(t3,"1"))
        await tryp("x too many", exchange.said_points(t3,"99999"))
        s=await tryp("x odd", exchange.said_points(t3,"2,001"))
        args=s.rows[0][0].data.split(":")[2:]
        await tryp("x do", exchange.do(T(),*args))
        await tryp("x again", exchange.do(T(),*args))
        await tryp("x forged", exchange.do(T(),args[0],"4000",*args[2:]))
        await tryp("x common", exchange.pick(T(),"1"))
        tx.info if False else None
        await tx.execute(text("UPDATE member SET status='frozen'"))
        from dataclasses import replace
        me=replace(me,status="frozen")
        await tryp("frozen", redeem.confirm(T(),str(ids[5]),"1"))
        await tryp("none", redeem.confirm(T(),"999","1"))
