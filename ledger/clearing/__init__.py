"""Clearing between merchants: once a week, who owes whom for the points that were spent.

Words
    event       something that clearing counts: a voucher used (or ended where its offer keeps the points), a burn without a
                voucher, a return of either, a dispute upheld.
    issuer      whose points they were: it pays, at the issue price.
    redeemer    where they were spent: it is paid, at the redemption price less the operator's fee.
    line        one event's part of one issuer, in a closed week; never changed. What comes later is a line of its own week.
    close       a business week, Monday to Sunday, derived and written once, with the prices it was derived by and the
                digest of its file.
    position    a merchant's lines of a week, added up. All positions and the operator's sum to zero.
    late        an event whose transaction was still open when its week was closed: a line of the next week.

A merchant's own points at its own counter are lines in points and nothing in money.

Files: `prices` what points cost, to the fen · `derive` events to lines, pure · `events` reading them from the ledger · `close` the
weekly close, and deriving a past one again · `positions` sums, pages of lines · `file` a week as bytes · `proof` ·
`disputes` · `tables`.
"""
