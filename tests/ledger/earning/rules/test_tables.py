"""What purchases earn, in tables, one row a purchase. The language is `script`'s; every row is also held against the model."""

from __future__ import annotations

import pytest

from tests.ledger.earning.rules.script import Row, check, rows

RATES = {
    "points are rounded down once, after everything": """
        rule shop: base 1 rates green=1.5
        300 = 300 trace base
        300.99 = 300 trace base,total
        0.99 = 0 because below_one_point
        1 = 1
        0.60 0.60 = 1 trace base,base,total     // lines are added before the one rounding
        100 green:100 = 250
        300 paid 50 = 250 trace base,net,total
        100 green:100 paid 100 = 125            // a voucher is taken off every line alike
        300 paid 300 = 0 because paid_otherwise
        300 paid 400 = 0 because paid_otherwise
        0.40 0.40 paid 0.10 = 0 because below_one_point
        0.50 0.60 paid 0.10 = 1
    """,
    "small rates": """
        rule shop: base 0.5
        3.99 = 1
        4 = 2
    """,
    "a rate of nothing": """
        rule shop: base 0
        300 = 0 because earns_nothing
    """,
    "nobody has written a rule": """
        300 = 0 because no_rule trace nothing
    """,
    "a rule that does not apply is said apart from no rule": """
        rule fruit: base 1 on fruit
        300 = 0 because not_met trace nothing
        fruit:300 = 300
        fruit:100 200 = 100
        veg:200 = 0 because not_met
    """,
    "of base rules the priority decides, then the richer rate, line by line": """
        rule shop: base 1
        rule fresh: base 3 on fruit,veg
        rule plain_rice: base 0.5 on rice priority 1
        rule rice: base 2 on rice
        100 = 100 shares shop=100
        fruit:100 = 300 shares fresh=300
        rice:100 = 50 shares plain_rice=50
        fruit:10 100 rice:100 = 180 shares fresh=30,shop=100,plain_rice=50
    """,
    "large amounts stay exact": """
        rule shop: base 1.2345
        rule most: times 3.21
        9999999999.99 = 39627449999    // 12,345,000,000 less a little, times 3.21, down
    """,
}

PEOPLE = {
    "a 60-year-old's rail trip": """
        rule rail: base 5
        rule senior: base 15 age 60- priority 1
        1000 age 60 = 15000 shares senior=15000
        1000 age 59 = 5000 shares rail=5000
        1000 age 61 = 15000
        1000 = 5000                                 // a year of birth that is unknown does not qualify
        1000 age 60 paid 1000 = 0 because paid_otherwise
        1000 age 60 paid 400 = 9000
    """,
    "both ends of an age are included": """
        rule child: base 2 age 7-17
        100 age 6 = 0 because not_met
        100 age 7 = 200
        100 age 17 = 200
        100 age 18 = 0 because not_met
    """,
    "up to an age": """
        rule young: base 2 age -17
        100 age 0 = 200
        100 age 18 = 0 because not_met
        100 = 0 because not_met
    """,
    "tiers": """
        rule shop: base 1
        rule gold: times 1.5 tier gold,black
        100 tier gold = 150
        100 tier black = 150
        100 tier silver = 100
        100 = 100
    """,
    "a birthday doubles on its day": """
        rule shop: base 1
        rule cake: times 2 birthday
        100 birthday = 200 trace base,times,total
        100 = 100 trace base
    """,
    "credit standing only ever helps": """
        rule shop: base 1
        rule good: times 1.2 standing 650
        100 standing 650 = 120
        100 standing 649 = 100
        100 = 100
    """,
    "where the member lives": """
        rule shop: base 1
        rule home: times 2 member-region sh
        100 member-region sh = 200
        100 member-region hz = 100
        100 = 100
    """,
    "a first purchase": """
        rule shop: base 1
        rule hello: bonus 100 first here spend 50
        rule welcome: bonus 200 first anywhere group welcome
        100 first here = 200 shares shop=100,hello=100
        49.99 first here = 49                        // below the least spend
        50 first here = 150
        80 first here paid 30.01 = 49                // what is paid with points is no spend
        100 first here first anywhere = 400
        100 first anywhere = 300
        100 = 100
    """,
    "the first days after joining": """
        rule shop: base 1
        rule fresh: times 2 joined 30
        100 joined 0 = 200
        100 joined 30 = 200
        100 joined 31 = 100
        100 = 100
    """,
    "people and business members": """
        rule person: base 2 business no
        rule firm: base 1 business yes
        100 = 200
        100 business = 100
    """,
}

TIMES = {
    "Spring Festival doubles": """
        rule market: base 1
        rule spring: times 2 from 2026-02-17 until 2026-02-24
        2026-02-16 23:59 300 = 300
        2026-02-17 00:00 300 = 600 trace base,times,total shares market=300,spring=300
        2026-02-23 23:59 300 = 600
        2026-02-24 00:00 300 = 300
        2026-02-18 10:00 0.99 = 1                     // rounded after doubling
    """,
    "a window ends and begins to the minute": """
        rule shop: base 1
        rule flash: times 3 from 2026-11-11T20:00 until 2026-11-11T22:30
        2026-11-11 19:59 100 = 100
        2026-11-11 20:00 100 = 300
        2026-11-11 22:29 100 = 300
        2026-11-11 22:30 100 = 100
    """,
    "weekdays": """
        rule shop: base 1
        rule weekend: times 2 weekdays 6,7
        2026-11-20 12:00 100 = 100
        2026-11-21 00:00 100 = 200
        2026-11-22 23:59 100 = 200
        2026-11-23 00:00 100 = 100
    """,
    "hours": """
        rule shop: base 1
        rule lunch: times 2 hours 11-14
        2026-11-20 10:59 100 = 100
        2026-11-20 11:00 100 = 200
        2026-11-20 13:59 100 = 200
        2026-11-20 14:00 100 = 100
    """,
    "past midnight a night counts for the day on which it began": """
        rule shop: base 1
        rule friday_night: times 2 weekdays 5 hours 22-2
        2026-11-20 21:59 100 = 100
        2026-11-20 22:00 100 = 200
        2026-11-20 23:59 100 = 200
        2026-11-21 00:00 100 = 200                    // Saturday by the calendar, still Friday's night
        2026-11-21 01:59 100 = 200
        2026-11-21 02:00 100 = 100
        2026-11-20 01:00 100 = 100                    // Thursday's night
        2026-11-21 22:00 100 = 100
    """,
    "from midnight to midnight": """
        rule shop: base 1
        rule always: times 2 hours 0-24
        rule round: times 3 hours 5-5 group other
        2026-11-20 00:00 100 = 400
        2026-11-20 04:59 100 = 400
        2026-11-20 05:00 100 = 400
    """,
    "the month's end, whichever day that is": """
        rule shop: base 1
        rule payday: times 2 days 15,-1
        2026-11-29 12:00 100 = 100
        2026-11-30 23:59 100 = 200
        2026-12-01 00:00 100 = 100
        2026-12-30 12:00 100 = 100
        2026-12-31 12:00 100 = 200
        2026-02-28 12:00 100 = 200
        2028-02-28 12:00 100 = 100
        2028-02-29 12:00 100 = 200
        2026-11-15 12:00 100 = 200
    """,
    "a 29th comes in February every fourth year": """
        rule shop: base 1
        rule leap: times 2 days 29
        2028-02-29 00:00 100 = 200
        2028-03-01 00:00 100 = 100
        2027-02-28 12:00 100 = 100
    """,
    "a night over the month's end belongs to the last day": """
        rule shop: base 1
        rule last_night: times 2 days -1 hours 20-4
        2026-12-01 03:59 100 = 200
        2026-12-01 04:00 100 = 100
        2026-12-01 20:00 100 = 100
        2026-11-30 03:00 100 = 100
        2026-11-30 20:00 100 = 200
        2027-01-01 01:00 100 = 200
        2028-03-01 01:00 100 = 200                    // of 29 February
        2027-03-01 01:00 100 = 200                    // of the 28th
    """,
}

PLACES = {
    "regions": """
        rule shop: base 1
        rule sh: times 2 region sh
        100 region sh = 200
        100 region hz = 100
        100 = 100
    """,
    "a payment channel earns on spending, never without it": """
        rule card: base 0.5 channel card
        rule grant: bonus 50 channel card
        200 channel card = 150 shares card=100,grant=50
        200 channel till = 0 because not_met
        0 channel card = 0 because no_spending
        100 paid 100 channel card = 0 because paid_otherwise
    """,
    "channels": """
        rule shop: base 1
        rule web: times 2 channel api
        100 channel api = 200
        100 channel file = 100
    """,
}

STACKS = {
    "groups add up": """
        rule shop: base 1
        rule spring: times 2 group season
        rule gold: times 3 group tier
        100 = 400 shares shop=100,gold=200,spring=100 // 1 + 1 + 2
        100 paid 50 = 200
    """,
    "of one group the best counts": """
        rule shop: base 1
        rule spring: times 2 group season
        rule weekend: times 3 group season
        100 = 300 shares shop=100,weekend=200 trace base,times,beaten,total
    """,
    "best of a group line by line": """
        rule shop: base 1
        rule fruit: times 3 on fruit
        rule all: times 2
        fruit:100 100 = 500 shares shop=200,fruit=200,all=100 trace base,base,times,times,total
        fruit:100 = 300 trace base,times,beaten,total
        100 = 200
    """,
    "factors that are not whole": """
        rule shop: base 1
        rule more: times 1.25
        10.10 = 12
        10.40 = 13
        0.80 = 1
    """,
    "bonuses of one group compete, groups add": """
        rule shop: base 1
        rule hundred: bonus 10 spend 100
        rule thousand: bonus 200 spend 1000
        rule today: bonus 5 group day
        99 = 104
        100 = 115
        1000 = 1205 shares shop=1000,thousand=200,today=5
    """,
    "a bonus is not multiplied": """
        rule shop: base 1
        rule twice: times 2
        rule gift: bonus 50
        100 = 250
    """,
    "a bonus without a base rule": """
        rule gift: bonus 50 spend 10
        10 = 50
        9.99 = 0 because not_met
    """,
    "a bonus for a category wants a line of it": """
        rule shop: base 1
        rule gift: bonus 50 on fruit
        100 = 100
        fruit:1 99 = 150
        fruit:0 99 = 99
    """,
    "green points come on top, and are multiplied": """
        rule shop: base 1
        rule refill: green refill 0.5/piece factor 60
        rule solar: green solar 2 factor 800
        rule double: times 2
        100#refill*4 = 204 trace base,green,times,total
        100#refill = 201
        100#solar = 600 shares shop=100,solar=200,double=300
        100#plastic = 200
        50#solar 50#refill*10 = 410
        100#refill*4 paid 50 = 102                    // pieces paid with points earn nothing either
    """,
    "of green rules of one class the priority decides, then the richer": """
        rule shop: base 1
        rule piece: green refill 5/piece
        rule money: green refill 0.1
        10#refill*1 = 15 shares shop=10,piece=5
        100#refill*1 = 110 shares shop=100,money=10
    """,
}

LIMITS = {
    "a cap for a purchase": """
        rule shop: base 1 cap 500/purchase
        499 = 499
        500 = 500 trace base
        501 = 500 trace base,cap,total
        9000 = 500
    """,
    "a cap for a day, hit in the middle of a purchase": """
        rule shop: base 1
        rule double: times 2 cap 300/day
        200 = 400 trace base,times,cap,total          // says what is left
        200 used double:day=100 = 400
        200 used double:day=150 = 350 shares shop=200,double=150
        200 used double:day=299 = 201
        200 used double:day=300 = 200 trace base,cap,total
        200 used double:day=999 = 200
    """,
    "several caps, the tightest counts": """
        rule shop: base 1 cap 500/day cap 1000/month cap 2000/ever
        400 = 400
        400 used shop:month=700 = 300
        400 used shop:ever=1900 = 100
        400 used shop:day=450 used shop:month=990 = 10
        400 used shop:ever=2000 = 0 because capped
    """,
    "what a capped base rule gives is what is multiplied": """
        rule shop: base 1 cap 100/purchase
        rule double: times 2
        300 = 200
        100 200 = 200
        fruit:1 299 paid 150 = 200
    """,
    "a cap cuts the lines alike": """
        rule shop: base 1 cap 100/purchase
        rule fruit: times 3 on fruit
        fruit:100 300 = 150                           // a quarter of the 100 is the fruit's, three times 25
    """,
    "where a cap ends a base rule the next one has the rest of the purchase": """
        rule rail: base 5
        rule senior: base 15 age 60- priority 1 cap 15000/month
        1000 age 60 = 15000 shares senior=15000
        2000 age 60 = 20000 shares senior=15000,rail=5000 trace base,cap,base,total
        2000 age 60 used senior:month=7500 = 15000 shares senior=7500,rail=7500
        2000 age 60 used senior:month=15000 = 10000 shares rail=10000 trace base,cap,total
        2000 age 59 = 10000
    """,
    "where a cap ends a multiplier the next best of its group has the rest": """
        rule shop: base 1
        rule triple: times 3 cap 100/day
        rule double: times 2
        100 = 250 shares shop=100,triple=100,double=50
        50 = 150
        100 used triple:day=100 = 200 shares shop=100,double=100
    """,
    "a cap on a bonus": """
        rule shop: base 1
        rule gift: bonus 100 cap 250/month
        10 = 110
        10 used gift:month=200 = 60
        10 used gift:month=250 = 10
    """,
    "a budget of points": """
        rule shop: base 1
        rule gift: bonus 100 budget 1000
        10 left rule:gift=1000 = 110
        10 left rule:gift=40 = 50 trace base,bonus,budget,total
        10 left rule:gift=0 = 10 trace base,budget,total
        10 = 10                                        // nobody says that it is funded
    """,
    "a budget that is gone": """
        rule shop: base 1 budget 1000
        100 left rule:shop=30 = 30
        100 left rule:shop=0 = 0 because budget_gone
    """,
    "a campaign's budget is shared": """
        rule shop: base 1
        rule spring: times 2 campaign spring group a
        rule gift: bonus 100 campaign spring
        100 left campaign:spring=1000 = 300
        100 left campaign:spring=150 = 250 shares shop=100,spring=100,gift=50
        100 left campaign:spring=80 = 180 shares shop=100,spring=80
        100 left campaign:spring=0 = 100
        100 = 300                                      // a campaign without a limit
    """,
    "a rule's own budget within its campaign's": """
        rule gift: bonus 100 campaign spring budget 60
        10 left campaign:spring=1000 left rule:gift=60 = 60
        10 left campaign:spring=50 left rule:gift=60 = 50
        10 left campaign:spring=0 left rule:gift=60 = 0 because budget_gone
    """,
    "shares are whole, add up, and keep within what is left": """
        rule a: base 0.5 on a campaign both
        rule b: base 0.5 on b campaign both
        rule c: base 0.4 on c
        rule d: base 0.4 on d
        rule e: base 0.4 on e
        a:11 b:9 c:1 d:1 e:1 left campaign:both=10 = 11 shares a=6,b=4,c=1
    """,
}

REFUNDS = {
    "what remains earns what it would have earned, the least spend tested on the whole": """
        rule shop: base 1
        rule gift: bonus 100 spend 200
        200 = 300
        100 of 200 = 150                               // half the purchase, half the gift
        50 of 200 = 75
        0 of 200 = 0 because no_spending
        100 = 100                                      // a purchase of its own would not have had it
    """,
    "a bonus shrinks as its own lines do": """
        rule shop: base 1
        rule gift: bonus 100 on fruit
        fruit:100 300 = 500
        fruit:100 of fruit:100 300 = 200
        fruit:50 300 of fruit:100 300 = 400
        300 of fruit:100 300 = 300
    """,
    "with a voucher in it": """
        rule shop: base 1
        rule gift: bonus 100
        200 paid 100 = 200
        100 paid 50 of 200 paid 100 = 100
    """,
    "caps are as they were": """
        rule shop: base 1
        rule double: times 2 cap 100/day
        200 used double:day=40 = 260
        100 used double:day=40 of 200 = 160
        50 used double:day=40 of 200 = 100
    """,
}


@pytest.mark.parametrize("row", [*rows(RATES | PEOPLE | TIMES | PLACES | STACKS | LIMITS | REFUNDS)], ids=str)
def test_what_a_purchase_earns(row: Row) -> None:
    check(row)
