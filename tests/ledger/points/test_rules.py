"""The rules as stories, one table each. The language is `script`'s; what a line leaves out is explained there."""

from __future__ import annotations

import pytest

from tests.conftest import Database
from tests.ledger.points.builders import make_currencies
from tests.ledger.points.script import check

LIFE = {
    "the day of expiry is still a good day": """
        2026-01-01 accrue 120 expires 2027-01-31
        on 2027-01-31: available 120 expired 0 lots 2027-01-31=120
        on 2027-02-01: available 0 expired 120 lots none
        2027-01-31 burn 20 gives available=-20 burned=0
        2027-02-01 burn 1 refused not_enough_points needed=1 available=0
        on 2027-02-01: available 0 expired 100 burned 20
    """,
    "spending takes the soonest expiry first and what never expires last": """
        2026-01-01 accrue 10
        2026-01-01 accrue 10 expires 2026-12-31
        2026-01-01 accrue 10 expires 2026-06-30
        2026-01-02 burn 15
        on 2026-01-02: lots 2026-12-31=5,never=10
        2026-01-03 burn 6
        on 2026-01-03: lots never=9
    """,
    "lots of one expiry are spent in the order in which they became good, whenever they were entered": """
        2026-01-01 accrue 10 issuer 6 from 2026-01-10 expires 2026-12-31
        2026-01-02 accrue 10 issuer 7 expires 2026-12-31
        2026-01-10 burn 12
        on 2026-01-10: lots 6:2026-12-31=8
    """,
    "lots alike in expiry and age are spent in the order of their issue": """
        2026-01-01 accrue 10 issuer 7 expires 2026-12-31
        2026-01-01 accrue 10 issuer 6 expires 2026-12-31
        2026-01-01 burn 4
        on 2026-01-01: lots 6:2026-12-31=10,7:2026-12-31=6
        2026-01-01 burn 7
        on 2026-01-01: lots 6:2026-12-31=9
    """,
    "a leap day is a day": """
        2028-02-01 accrue 5 expires 2028-02-29
        2028-02-01 accrue 7 from 2028-02-29 expires 2028-03-01
        on 2028-02-28: available 5 pending 7
        on 2028-02-29: available 12 pending 0
        on 2028-03-01: available 7 expired 5
        on 2028-03-02: available 0 expired 12
    """,
    "the year ends between two days like any other": """
        2026-12-31 accrue 5 expires 2026-12-31
        2026-12-31 accrue 7 from 2027-01-01 expires 2027-12-31
        2026-12-31 burn 6 refused not_enough_points needed=6 available=5 pending=7 next_release_on=2027-01-01
        2027-01-01 burn 7
        on 2027-01-01: available 0 expired 5 burned 7
    """,
    "an expiry before the first good day is refused": """
        2026-01-10 accrue 5 expires 2026-01-09 refused expires_before_available available_on=2026-01-10 expires_on=2026-01-09
        2026-01-10 accrue 5 from 2026-01-20 expires 2026-01-19 refused expires_before_available available_on=2026-01-20
        2026-01-10 accrue 5 from 2026-01-20 expires 2026-01-20
        2026-01-10 accrue 5 from 2025-12-01 expires 2026-01-10 gives available=5
        2026-01-10 adjust 5 expires 2026-01-09 refused expires_before_available expires_on=2026-01-09
        on 2026-01-20: available 5 expired 5
    """,
    "an accrual of nothing is a record and no more": """
        2026-01-01 accrue 0 as none gives available=0
        2026-01-01 claw_back 1 of none refused more_than_entry asked=1 left=0
        on 2026-01-01: available 0 pending 0 lots none
    """,
    "large balances add up to the last point": """
        2026-01-01 accrue 4611686018427387904 as huge
        2026-01-01 accrue 4611686018427387902 expires 2026-12-31
        2026-01-01 burn 9223372036854775806 as all
        on 2026-01-01: available 0 burned 9223372036854775806
        2026-01-01 reinstate 4611686018427387903 of all
        on 2026-01-01: available 4611686018427387903 lots never=4611686018427387903 # stays of huge, and one short of the other
    """,
}

PENDING = {
    "pending points become available on their day, by themselves": """
        2026-01-01 accrue 50 from 2026-01-08 expires 2026-12-31
        on 2026-01-07: available 0 pending 50
        on 2026-01-08: available 50 pending 0 lots 2026-12-31=50
        2026-01-07 release refused nothing_due
        2026-01-08 burn 20
        on 2026-01-08: available 30 pending 0
    """,
    "release moves what is due and leaves the rest": """
        2026-01-01 accrue 50 from 2026-01-08
        2026-01-01 accrue 60 from 2026-01-09
        2026-01-08 release gives available=50 pending=-50
        2026-01-08 release refused nothing_due
        on 2026-01-08: available 50 pending 60
    """,
    "a refused burn has settled what was due all the same": """
        2026-01-01 accrue 50 from 2026-01-08
        2026-01-01 accrue 60 from 2026-02-09
        2026-01-08 burn 51 refused not_enough_points needed=51 available=50 pending=60 next_release_on=2026-02-09
    """,
    "released and past its day at once, a lot expires": """
        2026-01-01 accrue 50 from 2026-01-08 expires 2026-01-31
        on 2026-02-01: available 0 pending 0 expired 50
        2026-02-01 burn 1 refused not_enough_points needed=1 available=0 pending=0 next_release_on=None
        2026-02-01 expire gives available=-50
    """,
    "expire releases first and expires what that brought": """
        2026-01-01 accrue 50 from 2026-01-08 expires 2026-01-31
        2026-02-01 expire gives available=-50
        2026-02-01 expire refused nothing_due
        on 2026-02-01: available 0 expired 50
    """,
    "what waits tells a refusal the earliest day": """
        2026-01-01 accrue 5 from 2026-03-01
        2026-01-01 accrue 5 from 2026-02-01
        2026-01-01 hold 1 refused not_enough_points needed=1 available=0 pending=10 next_release_on=2026-02-01
        2026-01-01 exchange 2 refused not_enough_points needed=2 available=0 pending=10 next_release_on=2026-02-01
        2026-01-01 transfer 1 to b refused not_enough_points needed=1 available=0 pending=10 next_release_on=2026-02-01
    """,
    "a refused transfer counts only what may move, now and later": """
        2026-01-01 accrue 5 locked
        2026-01-01 accrue 6 from 2026-02-01
        2026-01-01 accrue 7 locked from 2026-01-15
        2026-01-01 transfer 1 to b refused not_enough_points needed=1 available=0 pending=6 next_release_on=2026-02-01
    """,
    "a refused adjustment counts only the points of its issuer": """
        2026-01-01 accrue 5
        2026-01-01 accrue 6 from 2026-02-01
        2026-01-01 accrue 7 issuer 6 from 2026-01-15
        2026-01-01 adjust -9 refused not_enough_points needed=9 available=5 pending=6 next_release_on=2026-02-01
    """,
}

HOLDS = {
    "a hold sets the soonest points aside and burns them whole": """
        2026-01-01 accrue 10
        2026-01-01 accrue 10 expires 2026-06-30
        2026-01-02 hold 15 as table gives available=-15 held=15
        on 2026-01-02: available 5 held 15 lots never=5
        2026-01-03 burn hold table gives held=-15
        2026-01-03 burn hold table refused hold_resolved hold_id=table state=burned
        2026-01-03 void hold table refused hold_resolved hold_id=table state=burned
        on 2026-01-03: available 5 held 0 burned 15
    """,
    "a voided hold goes back lot by lot": """
        2026-01-01 accrue 10
        2026-01-01 accrue 10 expires 2026-06-30
        2026-01-02 hold 15 as table
        2026-01-03 void hold table gives available=15 held=-15
        2026-01-03 void hold table refused hold_resolved hold_id=table state=voided
        2026-01-03 burn hold table refused hold_resolved hold_id=table state=voided
        on 2026-01-03: lots 2026-06-30=10,never=10
    """,
    "a hold placed in time settles after its lots have run out": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-31 hold 10 as table
        on 2026-02-01: available 0 held 10 expired 0
        2026-02-05 burn hold table gives held=-10
        on 2026-02-05: burned 10 expired 0
    """,
    "a hold given away goes on lot by lot with what they are": """
        2026-01-01 accrue 10 expires 2026-03-31
        2026-01-01 accrue 10 issuer 6 locked
        2026-01-02 hold 15 as gift
        2026-01-03 give hold gift to b gives held=-15 available@b=15
        on 2026-01-03: available 5 held 0 lots 6:never=5
        on 2026-01-03: b: available 15 lots 2026-03-31=10,6:never=5
        2026-01-03 void hold gift refused hold_resolved hold_id=gift state=given
        2026-01-03 give hold gift to b refused hold_resolved hold_id=gift state=given
        2026-01-03 b: burn 15
    """,
    "of lots that may change hands alone": """
        2026-01-01 accrue 10 expires 2026-03-31 locked
        2026-01-01 accrue 10
        2026-01-02 hold 11 movable refused not_enough_points needed=11 available=10
        2026-01-02 hold 10 movable as gift
        on 2026-01-02: available 10 held 10 lots 2026-03-31=10
        2026-01-03 give hold gift to a refused owners_must_differ
        2026-01-03 give hold gift to b gives available@b=10
    """,
    "what has run out while it waited is not given": """
        2026-01-01 accrue 10 expires 2026-01-05
        2026-01-01 accrue 10
        2026-01-02 hold 20 as gift
        2026-01-06 give hold gift to b gives held=-20 available@b=10 .run_out=10
        on 2026-01-06: available 0 expired 10
        on 2026-01-06: b: available 10 lots never=10
    """,
    "a hold voided after its lots ran out returns as grace": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-31 hold 10 as table
        2026-02-05 void hold table grace 7 gives available=10 .grace_points=10 .grace_until=2026-02-12
        on 2026-02-12: available 10 lots 2026-02-12=10
        on 2026-02-13: available 0 expired 10
    """,
    "grace is counted once and late returns of one lot share the day": """
        2026-01-01 accrue 30 expires 2026-01-31
        2026-01-31 hold 10 as one
        2026-01-31 hold 10 as two
        2026-01-31 hold 10 as three
        2026-02-05 void hold one grace 7
        2026-02-10 void hold two grace 7 gives available=10 .grace_until=2026-02-12
        on 2026-02-10: lots 2026-02-12=20
        2026-02-13 void hold three grace 7 gives available=0 held=-10 .expired_on_return=10
        on 2026-02-13: available 0 held 0 expired 30
    """,
    "points in grace get no more grace": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-31 burn 10 as lunch
        2026-02-05 reinstate of lunch grace 7
        2026-02-06 burn 10 as dinner
        2026-02-12 reinstate of dinner grace 7 gives available=10
        2026-02-12 hold 10 as table
        2026-02-13 void hold table grace 7 gives available=0 held=-10 .expired_on_return=10
        on 2026-02-13: available 0 expired 10
    """,
    "a gift of points in grace is in grace as well": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-31 burn 10 as lunch
        2026-02-05 reinstate of lunch grace 7
        2026-02-06 transfer 10 to b
        2026-02-06 b: burn 10 as dinner
        2026-02-13 b: reinstate of dinner grace 7 gives available=0 .expired_on_return=10
        on 2026-02-13: b: available 0 expired 10
    """,
    "on the last good day a return is no grace": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-01 hold 10 as table
        2026-01-31 void hold table gives available=10
        on 2026-01-31: lots 2026-01-31=10
        on 2026-02-01: available 0 expired 10
    """,
    "another's hold is no hold": """
        2026-01-01 accrue 10
        2026-01-01 hold 10 as table
        2026-01-01 b: burn hold table refused no_such_hold hold_id=table
        2026-01-01 b: void hold table refused no_such_hold hold_id=table
        2026-01-01 void hold table in rail refused no_such_hold hold_id=table
        2026-01-01 void hold 77 refused no_such_hold hold_id=77
    """,
}

DEFICITS = {
    "a deficit is owed to one issuer and its next points fill it first": """
        2026-01-01 accrue 100 as shoes
        2026-01-02 burn 100
        2026-01-03 claw_back 60 of shoes gives available=0 deficit=-60 .deficit=60
        on 2026-01-03: available 0 owes 5:60
        2026-01-04 accrue 40 issuer 6 gives available=40 deficit=0
        2026-01-05 accrue 25 gives available=0 deficit=25 .filled_deficit=25
        2026-01-06 accrue 50 from 2026-01-20 gives available=0 pending=15 deficit=35
        2026-01-07 accrue 10 gives available=10 deficit=0
        on 2026-01-07: available 50 pending 15 owes 0
    """,
    "gifts and returns do not fill a deficit": """
        2026-01-01 accrue 100 as shoes
        2026-01-02 burn 100 as lunch
        2026-01-03 claw_back 60 of shoes
        2026-01-04 b: accrue 10
        2026-01-04 b: transfer 10 to a
        2026-01-04 reinstate 5 of lunch
        on 2026-01-04: available 15 owes 5:60
        2026-01-05 open_balance 70 gives available=10 deficit=60
    """,
    "a deficit in one currency is none in another": """
        2026-01-01 accrue 100 as shoes
        2026-01-02 burn 100
        2026-01-03 claw_back 60 of shoes
        2026-01-04 accrue 100 in rail gives available=100 deficit=0
        on 2026-01-04: owes 5:60
    """,
    "points that filled a deficit cannot be reversed away": """
        2026-01-01 accrue 100 as shoes
        2026-01-02 burn 100
        2026-01-03 claw_back 60 of shoes
        2026-01-04 accrue 70 as hat gives available=10 deficit=60
        2026-01-04 reverse of hat refused points_moved_on missing=60
        2026-01-05 claw_back 70 of hat gives available=-10 deficit=-60
    """,
    "an adjustment upwards fills a deficit first": """
        2026-01-01 accrue 100 as shoes
        2026-01-02 burn 100
        2026-01-03 claw_back 60 of shoes
        2026-01-04 adjust 70 gives available=10 deficit=60
    """,
}

CLAW_BACKS = {
    "while pending, a claw-back takes the very points": """
        2026-01-01 accrue 100 from 2026-01-08 as shoes
        2026-01-01 accrue 100 expires 2026-06-30
        2026-01-02 claw_back 30 of shoes gives pending=-30 available=0
        on 2026-01-08: available 170 pending 0
    """,
    "its own lot goes first even where others expire sooner": """
        2026-01-01 accrue 100 as shoes
        2026-01-01 accrue 100 expires 2026-06-30
        2026-01-02 claw_back 30 of shoes gives available=-30
        on 2026-01-02: lots 2026-06-30=100,never=70
    """,
    "then other points of the issuer, available before pending, and nobody else's": """
        2026-01-01 accrue 40 expires 2026-02-28 as shoes
        2026-01-02 burn 30
        2026-01-03 accrue 10 expires 2026-12-31
        2026-01-03 accrue 10 from 2026-02-10 expires 2026-03-31
        2026-01-03 accrue 50 issuer 6
        2026-01-03 hold 5 as table
        2026-01-04 claw_back 35 of shoes gives available=-15 pending=-10 deficit=-10
        on 2026-01-04: available 50 pending 0 held 5 owes 5:10 lots 6:never=50
        2026-01-05 burn hold table
    """,
    "what has expired already is reclassified and takes nothing more": """
        2026-01-01 accrue 100 expires 2026-01-31 as shoes
        2026-01-02 burn 40
        2026-01-02 accrue 100 as hat
        2026-02-01 claw_back 80 of shoes gives available=-20 .from_expired=60
        on 2026-02-01: available 80 expired 0 clawed_back 80 owes 0
    """,
    "late returns are still what the accrual gave": """
        2026-01-01 accrue 100 expires 2026-01-31 as shoes
        2026-01-02 burn 100 as lunch
        2026-02-01 accrue 100 as hat
        2026-02-05 reinstate of lunch grace 7
        2026-02-06 claw_back 30 of shoes gives available=-30
        on 2026-02-06: lots 2026-02-12=70,never=100
        2026-02-13 claw_back 70 of shoes gives available=0 .from_expired=70
        on 2026-02-13: available 100 expired 0
    """,
    "who received a gift keeps it": """
        2026-01-01 accrue 100 as shoes
        2026-01-02 transfer 100 to b
        2026-01-03 claw_back 100 of shoes gives available=0 deficit=-100
        on 2026-01-03: b: available 100 owes 0
    """,
    "part by part it adds up to the entry and not beyond": """
        2026-01-01 accrue 100 as shoes
        2026-01-02 claw_back 30 of shoes
        2026-01-02 claw_back 71 of shoes refused more_than_entry entry_id=shoes asked=71 left=70
        2026-01-02 claw_back 70 of shoes
        2026-01-02 claw_back 1 of shoes refused more_than_entry entry_id=shoes asked=1 left=0
        2026-01-02 reverse of shoes refused more_than_entry entry_id=shoes
    """,
    "expired points of a pending lot are released first": """
        2026-01-01 accrue 100 from 2026-01-08 expires 2026-01-31 as shoes
        2026-02-01 claw_back 100 of shoes gives available=0 pending=0 .from_expired=100
        on 2026-02-01: available 0 pending 0 expired 0 clawed_back 100
    """,
}

RETURNS = {
    "a return restores the very lots": """
        2026-01-01 accrue 10 issuer 6 expires 2026-06-30
        2026-01-01 accrue 10 expires 2026-12-31
        2026-01-02 burn 15 as lunch
        2026-01-03 reinstate of lunch gives available=15
        on 2026-01-03: lots 6:2026-06-30=10,2026-12-31=10
        2026-01-03 reinstate of lunch refused more_than_entry entry_id=lunch left=0
    """,
    "part returns begin with what lasts longest and add up": """
        2026-01-01 accrue 10 expires 2026-06-30
        2026-01-01 accrue 10 expires 2026-12-31
        2026-01-01 accrue 10
        2026-01-02 burn 25 as lunch
        2026-01-03 reinstate 7 of lunch
        on 2026-01-03: lots 2026-12-31=2,never=10
        2026-01-03 reinstate 19 of lunch refused more_than_entry asked=19 left=18
        2026-01-03 reinstate 10 of lunch
        on 2026-01-03: lots 2026-06-30=2,2026-12-31=10,never=10
        2026-01-03 reinstate of lunch gives available=8
        on 2026-01-03: lots 2026-06-30=10,2026-12-31=10,never=10
    """,
    "a late return is partly true and partly grace": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-01 accrue 10 expires 2026-12-31
        2026-01-02 burn 15 as lunch
        2026-02-10 reinstate of lunch grace 10 gives available=15 .grace_points=10 .grace_until=2026-02-20
        on 2026-02-10: lots 2026-02-20=10,2026-12-31=10
    """,
    "a burn settled from a hold returns like any other": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-02 hold 10 as table
        2026-01-03 burn hold table as lunch at 4
        2026-01-04 reinstate 4 of lunch gives available=4
        on 2026-01-04: available 4 burned 6
    """,
    "only a burn can be reinstated, and only by its owner": """
        2026-01-01 accrue 10 as shoes
        2026-01-01 burn 10 as lunch
        2026-01-01 reinstate of shoes refused not_that_kind entry_id=shoes kind=accrue
        2026-01-01 b: reinstate of lunch refused no_such_entry entry_id=lunch
        2026-01-01 reinstate of lunch in rail refused no_such_entry entry_id=lunch
        2026-01-01 reinstate 0 of lunch refused points_must_be_positive points=0
        2026-01-01 reinstate of 7 refused no_such_entry entry_id=7
    """,
}

REVERSALS = {
    "a reversed accrual is as if it had not been": """
        2026-01-01 accrue 10 expires 2026-06-30 as shoes
        2026-01-02 reverse of shoes gives available=-10
        2026-01-02 reverse of shoes refused more_than_entry entry_id=shoes left=0
        2026-01-02 claw_back 1 of shoes refused more_than_entry left=0
        on 2026-01-02: available 0 expired 0 clawed_back 0
    """,
    "a reversal follows points from pending to available": """
        2026-01-01 accrue 10 from 2026-01-05 as shoes
        2026-01-01 accrue 10 from 2026-01-20 as hat
        2026-01-06 reverse of shoes gives available=-10 pending=0
        2026-01-06 reverse of hat gives pending=-10
    """,
    "points that moved on cannot be reversed": """
        2026-01-01 accrue 10 as shoes
        2026-01-02 hold 4 as table
        2026-01-02 reverse of shoes refused points_moved_on entry_id=shoes missing=4
        2026-01-02 void hold table
        2026-01-02 reverse of shoes gives available=-10
    """,
    "points that expired cannot be reversed, though nobody has expired them yet": """
        2026-01-01 accrue 10 expires 2026-01-31 as shoes
        2026-02-01 reverse of shoes refused points_moved_on entry_id=shoes missing=10
    """,
    "a reversed gift comes back with the expiry it had": """
        2026-01-01 accrue 10 expires 2026-06-30
        2026-01-02 transfer 4 to b as gift
        2026-01-03 reverse of gift gives available=4 available@b=-4
        on 2026-01-03: lots 2026-06-30=10
        on 2026-01-03: b: available 0 lots none
        2026-01-03 reverse of gift refused more_than_entry left=0
        2026-01-03 b: reverse of gift refused no_such_entry entry_id=gift
    """,
    "a gift that was spent stays": """
        2026-01-01 accrue 10
        2026-01-02 transfer 4 to b as gift
        2026-01-02 b: burn 1
        2026-01-03 reverse of gift refused points_moved_on missing=1
    """,
    "a gift that has run out with its receiver stays gone, though nobody has expired it yet": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-02 transfer 4 to b as gift
        2026-02-01 reverse of gift refused points_moved_on missing=4
        on 2026-02-01: b: available 0 expired 4
        on 2026-02-01: available 0 expired 6
    """,
    "a reversed adjustment gives and takes": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-02 adjust -4 as less gives available=-4
        2026-01-02 adjust 6 as more gives available=6
        2026-01-03 reverse of more gives available=-6
        2026-01-03 reverse of less gives available=4
        on 2026-01-03: available 10 clawed_back 0 lots 2026-01-31=10
    """,
    "a late reversal of an adjustment gives grace": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-02 adjust -4 as less
        2026-02-03 reverse of less grace 7 gives available=4
        on 2026-02-03: available 4 lots 2026-02-10=4
    """,
    "a reversed expiry gives new points until the day that is given": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-02-01 expire as night
        2026-02-02 reverse of night expires 2026-02-01 refused expires_before_available expires_on=2026-02-01
        2026-02-02 reverse of night expires 2026-03-31 gives available=10
        2026-02-02 reverse of night expires 2026-03-31 refused more_than_entry left=0
        on 2026-03-31: available 10 lots 2026-03-31=10
        on 2026-04-01: available 0 expired 10
    """,
    "a reversed expiry without a day of its own lives for the grace days": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-02-01 expire as night
        2026-02-02 reverse of night grace 7 gives available=10
        on 2026-02-02: lots 2026-02-09=10
    """,
    "an expiry whose points were clawed back from it cannot be reversed": """
        2026-01-01 accrue 10 expires 2026-01-31 as shoes
        2026-02-01 expire as night
        2026-02-02 claw_back 4 of shoes gives available=0 .from_expired=4
        2026-02-02 reverse of night expires 2026-03-31 refused points_moved_on missing=4
        on 2026-02-02: available 0 expired 6 clawed_back 4
    """,
    "what expired is restored until a later day, one issuer at a time": """
        2026-01-01 accrue 10 issuer 5 expires 2026-01-31 as shoes
        2026-01-01 accrue 7 issuer 6 expires 2026-01-31
        2026-01-01 accrue 4 issuer 6 expires 2026-01-30
        2026-02-01 expire as night
        2026-02-02 restore of night issuer 6 ended 2026-01-31 expires 2026-03-31 gives available=7
        2026-02-02 restore of night issuer 6 ended 2026-01-31 expires 2026-04-30 refused more_than_entry asked=7 left=0
        2026-02-02 reverse of night expires 2026-03-31 refused more_than_entry left=0
        2026-02-03 claw_back 4 of shoes gives available=0 .from_expired=4
        2026-02-04 restore of night expires 2026-03-31 gives available=10
        2026-02-05 restore of night expires 2026-03-31 refused more_than_entry asked=21 left=0
        on 2026-03-31: available 17 lots 2026-03-31=6,6:2026-03-31=11 expired 0 clawed_back 4
        on 2026-04-01: available 0 expired 17
    """,
    "what was restored comes back to the lot that it was spent from": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-02-01 expire as night
        2026-02-02 restore of night expires 2026-02-05
        2026-02-03 burn 6 as lunch
        2026-02-04 reinstate 6 of lunch
        on 2026-02-05: available 10 lots 2026-02-05=10
        on 2026-02-06: available 0 expired 10
    """,
    "after a reversed expiry a claw-back takes the points that came back": """
        2026-01-01 accrue 10 expires 2026-01-31 as shoes
        2026-02-01 expire as night
        2026-02-02 reverse of night expires 2026-03-31
        2026-02-02 claw_back 4 of shoes gives available=-4 deficit=0
    """,
    "a burn, a hold and a claw-back have returns of their own": """
        2026-01-01 accrue 10 as shoes
        2026-01-01 burn 2 as lunch
        2026-01-01 hold 2 as table
        2026-01-01 claw_back 2 of shoes as back
        2026-01-01 reverse of lunch refused not_that_kind kind=burn
        2026-01-01 reverse of table refused not_that_kind kind=hold
        2026-01-01 reverse of back refused not_that_kind kind=claw_back
        2026-01-01 claw_back 1 of lunch refused not_that_kind kind=burn
    """,
}

MOVES = {
    "a gift keeps issuer and expiry": """
        2026-01-01 accrue 10 issuer 6 expires 2026-06-30
        2026-01-01 accrue 10
        2026-01-02 transfer 15 to b gives available=-15 available@b=15
        on 2026-01-02: lots never=5
        on 2026-01-02: b: lots 6:2026-06-30=10,never=5
        2026-01-03 b: transfer 15 to a
        on 2026-01-03: lots 6:2026-06-30=10,never=10
    """,
    "points that may not move stay": """
        2026-01-01 accrue 10 locked expires 2026-06-30
        2026-01-01 accrue 10
        2026-01-02 transfer 11 to b refused not_enough_points needed=11 available=10
        2026-01-02 transfer 4 to b
        on 2026-01-02: lots 2026-06-30=10,never=6
        2026-01-02 burn 11
        on 2026-01-02: lots never=5
    """,
    "one gives to another, not to oneself": """
        2026-01-01 accrue 10
        2026-01-02 transfer 1 to a refused owners_must_differ
        2026-01-02 transfer 0 to b refused points_must_be_positive points=0
        2026-01-02 transfer -3 to a refused points_must_be_positive points=-3
    """,
    "both sides' dues are settled by a gift": """
        2026-01-01 accrue 10 from 2026-01-05
        2026-01-01 b: accrue 7 expires 2026-01-04
        2026-01-05 transfer 10 to b gives available@b=10
        on 2026-01-05: b: available 10 expired 7
    """,
    "in a pool points stay their owner's, and only the owner takes them out": """
        2026-01-01 accrue 10 expires 2026-06-30 locked
        2026-01-01 b: accrue 10 issuer 6
        2026-01-02 transfer 8 to pool
        2026-01-02 b: transfer 9 to pool
        on 2026-01-02: pool: available 17 lots 2026-06-30=8,6:never=9
        2026-01-03 pool: transfer 10 to b refused not_enough_points needed=10 available=9
        2026-01-03 pool: transfer 9 to b
        2026-01-03 pool: transfer 1 to carol refused not_enough_points needed=1 available=0
        2026-01-03 pool: transfer 3 to a
        on 2026-01-03: available 5 lots 2026-06-30=5
        on 2026-01-03: pool: available 5
        on 2026-07-01: pool: available 0
    """,
    "a pool is spent soonest-expiring first, whoever's it is": """
        2026-01-01 accrue 10 expires 2026-06-30
        2026-01-01 b: accrue 10 expires 2026-05-31
        2026-01-01 carol: accrue 10
        2026-01-02 transfer all to pool
        2026-01-02 b: transfer all to pool
        2026-01-02 carol: transfer all to pool
        2026-01-03 pool: burn 15
        on 2026-01-03: pool: available 15 lots 2026-06-30=5,never=10
        2026-01-04 pool: transfer all to b refused nothing_due
        2026-01-04 pool: transfer all to a gives available@a=5
        2026-01-04 pool: transfer all to carol gives available@carol=10
    """,
    "of points that end together everybody in a pool gives their part, to the last point": """
        2026-01-01 accrue 50 expires 2026-06-30
        2026-01-01 accrue 51 expires 2026-06-30
        2026-01-01 b: accrue 100 expires 2026-06-30
        2026-01-01 carol: accrue 100 expires 2026-06-30
        2026-01-02 transfer 101 to pool
        2026-01-02 b: transfer 100 to pool
        2026-01-02 carol: transfer 100 to pool
        2026-01-03 pool: burn 100 as lunch  # 33.55, 33.22, 33.22: the odd one from who has most of it
        2026-01-03 pool: hold 3 as booked
        2026-01-03 pool: transfer all to a gives available@a=66
        2026-01-03 pool: transfer all to b gives available@b=66
        2026-01-03 pool: transfer all to carol gives available@carol=66
        2026-01-04 pool: reinstate of lunch gives available=100
        2026-01-04 pool: transfer all to a gives available@a=34
        2026-01-04 pool: void hold booked
        2026-01-04 pool: transfer all to a gives available@a=1
    """,
    "what is given back to a pool goes home with its owner in the same batch or later, never with another": """
        2026-01-01 accrue 10
        2026-01-01 b: accrue 10 expires 2026-06-30
        2026-01-02 transfer 10 to pool
        2026-01-02 b: transfer 10 to pool
        2026-01-03 pool: burn 15 as lunch
        2026-01-04 pool: transfer all to b refused nothing_due
        2026-01-05 pool: reinstate of lunch
        2026-01-05 pool: transfer all to b gives available@b=10
        2026-01-05 pool: transfer 11 to a refused not_enough_points needed=11 available=10
    """,
    "a claw-back follows its lot into the pool, and takes nobody else's there": """
        2026-01-01 accrue 10 as bread
        2026-01-01 b: accrue 10
        2026-01-02 transfer 8 to pool
        2026-01-02 b: transfer 10 to pool
        2026-01-03 claw_back 9 of bread pool pool gives available=-2 available@pool=-7 .from_pool=7
        on 2026-01-03: pool: available 11
        2026-01-03 pool: burn 11
        2026-01-03 claw_back 1 of bread pool pool gives available=0 available@pool=0 deficit=-1
    """,
    "other points of that issuer in the pool are the last before a deficit": """
        2026-01-01 accrue 10 as bread
        2026-01-01 accrue 5
        2026-01-01 accrue 5 issuer 6
        2026-01-02 burn 10
        2026-01-02 transfer all to pool
        2026-01-03 claw_back 10 of bread pool pool gives available@pool=-5 deficit=-5 .deficit=5
        on 2026-01-03: pool: available 5 lots 6:never=5
    """,
    "a claw-back leaves alone what has run out in the pool": """
        2026-01-01 accrue 10 expires 2026-01-31 as bread
        2026-01-02 transfer 10 to pool
        2026-02-01 claw_back 10 of bread pool pool gives available@pool=0 .from_expired=10
    """,
    "a late return to a pool is still its owner's": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-02 transfer 10 to pool
        2026-01-03 pool: burn 10 as lunch
        2026-02-03 pool: reinstate of lunch grace 7 gives available=10
        2026-02-04 pool: transfer 10 to a gives available=-10 available@a=10
        on 2026-02-04: lots 2026-02-10=10
    """,
    "an expiry reversed in a pool is still its owner's": """
        2026-01-01 accrue 10 expires 2026-01-31
        2026-01-02 transfer 10 to pool
        2026-02-01 pool: expire as night
        2026-02-02 pool: reverse of night expires 2026-03-31
        2026-02-03 pool: transfer 10 to a
        on 2026-02-03: lots 2026-03-31=10
    """,
    "a contribution can be reversed while it lies there": """
        2026-01-01 accrue 10
        2026-01-02 transfer 10 to pool as share
        2026-01-02 pool: burn 3 as lunch
        2026-01-02 reverse of share refused points_moved_on missing=3
        2026-01-02 pool: reinstate of lunch
        2026-01-02 reverse of share gives available=10 available@pool=-10
    """,
    "an adjustment downwards takes soonest first, of its issuer only": """
        2026-01-01 accrue 10 issuer 6 expires 2026-03-31
        2026-01-01 accrue 10
        2026-01-01 accrue 10 expires 2026-06-30
        2026-01-02 adjust -12
        on 2026-01-02: lots 6:2026-03-31=10,never=8 clawed_back 12
        2026-01-02 adjust -9 refused not_enough_points needed=9 available=8
        2026-01-02 adjust 0 refused points_must_be_positive points=0
    """,
    "brought-in points are points": """
        2026-01-01 open_balance 500 expires 2026-06-30 as before gives available=500
        2026-01-02 burn 100
        2026-01-03 claw_back 450 of before gives available=-400 deficit=-50
    """,
}

EXCHANGES = {
    "an exchange rounds down once and its lots add up": """
        2026-01-01 accrue 3 in rail issuer 7 expires 2026-06-30
        2026-01-01 accrue 3 in rail issuer 8 expires 2026-12-31
        2026-01-01 accrue 3 in rail issuer 7
        2026-01-02 exchange 7 in rail to common expires 2026-09-30 gives available=-4 .received=3
        on 2026-01-02: available 2 lots 7:never=2 rail
        on 2026-01-02: available 3 lots 7:2026-06-30=1,8:2026-09-30=2
    """,
    "exchanged points keep the earlier expiry": """
        2026-01-01 accrue 10 expires 2026-06-30
        2026-01-01 accrue 10
        2026-01-02 exchange 20 expires 2026-12-31 gives .received=40
        on 2026-01-02: available 40 lots 2026-06-30=20,2026-12-31=20 rail
        2026-01-03 accrue 10
        2026-01-03 exchange 10
        on 2026-01-03: available 60 lots 2026-06-30=20,2026-12-31=20,never=20 rail
    """,
    "an exchange can be reversed while its points lie there": """
        2026-01-01 accrue 10 expires 2026-06-30
        2026-01-02 exchange 10 as swap
        2026-01-03 reverse of swap
        on 2026-01-03: available 10 lots 2026-06-30=10
        on 2026-01-03: available 0 rail
        2026-01-04 exchange 10 as swap2
        2026-01-04 burn 1 in rail
        2026-01-04 reverse of swap2 refused points_moved_on missing=1
    """,
    "an exchange whose points have run out cannot be reversed, though nobody has expired them yet": """
        2026-01-01 accrue 10
        2026-01-02 exchange 10 expires 2026-01-31 as swap
        2026-02-01 reverse of swap refused points_moved_on missing=20
    """,
    "an exchange that gives nothing is refused": """
        2026-01-01 accrue 10 in rail
        2026-01-01 exchange 1 in rail to common refused points_must_be_positive points=1
        2026-01-01 exchange 0 in rail to common refused points_must_be_positive points=0
        2026-01-01 exchange 5 in rail to rail refused owners_must_differ
        2026-01-01 exchange 5 in rail to worthless refused points_must_be_positive
        2026-01-01 exchange 5 in worthless to rail refused points_must_be_positive points=5
        2026-01-01 exchange 5 in rail to common money GBP refused points_must_be_positive
        2026-01-02 exchange 4 in rail to common expires 2026-01-01 refused expires_before_available expires_on=2026-01-01
        2026-01-01 exchange 12 in rail to common refused not_enough_points needed=12 available=10
        on 2026-01-01: available 10 rail
    """,
    "a claw-back after an exchange finds the points gone": """
        2026-01-01 accrue 10 as shoes
        2026-01-02 exchange 10
        2026-01-03 claw_back 10 of shoes gives deficit=-10
        on 2026-01-03: available 20 rail
    """,
}

KEYS = {
    "the same key and facts are answered with the same receipt": """
        2026-01-01 accrue 10 expires 2026-06-30 key shoes
        2026-01-01 accrue 10 expires 2026-06-30 key shoes again
        2026-01-02 burn 4 key lunch
        2026-01-02 burn 6
        2026-01-02 burn 4 key lunch again
        2026-01-05 accrue 10 expires 2026-06-30 key shoes again
    """,
    "across midnight a retry is still the same": """
        2026-01-01 accrue 10 from 2026-01-08 expires 2027-01-01 key shoes
        2026-01-02 accrue 10 from 2026-01-09 expires 2027-01-02 key shoes again
        on 2026-01-08: available 10 lots 2027-01-01=10
    """,
    "a key used for something else is refused": """
        2026-01-01 accrue 10 key shoes
        2026-01-01 accrue 11 key shoes refused key_reused key=shoes
        2026-01-01 accrue 10 issuer 6 key shoes refused key_reused
        2026-01-01 accrue 10 in rail key shoes refused key_reused
        2026-01-01 open_balance 10 key shoes refused key_reused
        2026-01-01 b: accrue 10 key shoes refused key_reused
        2026-01-01 burn 4 key lunch
        2026-01-01 burn 4 at 8 key lunch refused key_reused
        2026-01-01 hold 4 key shoes refused key_reused
        2026-01-01 burn -4 key lunch refused key_reused
    """,
    "the key of a refused command can be used again": """
        2026-01-01 burn 4 key lunch refused not_enough_points
        2026-01-01 accrue 10
        2026-01-01 burn 4 key lunch
        2026-01-01 burn 4 key lunch again
        2026-01-01 hold 20 key big refused not_enough_points
        2026-01-01 hold 2 key big
        on 2026-01-01: available 4 held 2
    """,
    "after a reversal the old key still answers for the old entry": """
        2026-01-01 accrue 10 key shoes as shoes
        2026-01-02 reverse of shoes key undo
        2026-01-02 accrue 10 key shoes again
        2026-01-02 reverse of shoes key undo again
        on 2026-01-02: available 0
    """,
    "every verb answers its key again": """
        2026-01-01 accrue 100 expires 2026-01-31 key a as shoes
        2026-01-01 accrue 100 from 2026-01-03 key b
        2026-01-03 release key c
        2026-01-03 hold 10 key d as table
        2026-01-03 burn hold table key e as lunch
        2026-01-03 hold 10 key f as chair
        2026-01-03 void hold chair key g
        2026-01-03 transfer 5 to b key h
        2026-01-03 exchange 5 key i
        2026-01-03 claw_back 5 of shoes key j
        2026-01-03 reinstate 5 of lunch key k
        2026-01-03 adjust -5 key l as less
        2026-01-03 reverse of less key m
        2026-02-01 expire key n
        2026-02-02 accrue 100 expires 2026-01-31 key a again
        2026-02-02 accrue 100 from 2026-01-03 key b again
        2026-02-02 release key c again
        2026-02-02 hold 10 key d again
        2026-02-02 burn hold table key e again
        2026-02-02 hold 10 key f again
        2026-02-02 void hold chair key g again
        2026-02-02 transfer 5 to b key h again
        2026-02-02 exchange 5 key i again
        2026-02-02 claw_back 5 of shoes key j again
        2026-02-02 reinstate 5 of lunch key k again
        2026-02-02 adjust -5 key l again
        2026-02-02 reverse of less key m again
        2026-02-02 expire key n again
    """,
}

STORIES = LIFE | PENDING | HOLDS | DEFICITS | CLAW_BACKS | RETURNS | REVERSALS | MOVES | EXCHANGES | KEYS


@pytest.mark.parametrize("story", STORIES, ids=lambda name: name.replace(" ", "_"))
async def test_the_rules(database: Database, story: str) -> None:
    await make_currencies(database.engine)
    await check(database.engine, STORIES[story])
