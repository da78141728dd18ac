"""How points are earned: rules as data, purchases, refunds, taking an award back.

`rules` what may be written down and its pure evaluation · `rulebook` reading and writing rule versions · `replay` dry runs of
them · `situation` what a batch of purchases is decided by · `deciding` them in order · `intake` booking, one or a thousand ·
`writing` it down · `declined` what cover did not reach for · `making_up` booking that later · `usage` what of caps and budgets
is used · `purchases` as they were booked · `returns` what remains of a bill (pure) · `refund_plans` what a refund would do ·
`refunds` · `unreferenced` those without a receipt · `campaigns` budgets that rules share · `welcome` points for who joins ·
`awards` the counter at work · `qualifying` what purchases come to for tiers · `activities` points for taking part, with
`check_in` codes, `surveys` and `suggestions` · `dividends` a merchant's pool shared among those who earned with it ·
`green_rating` of merchants · `shift_totals` · `till_import` what a till export says (pure) · `till_book` booking it · `tables`.

A purchase earns once per merchant's document, whatever the keys. Locks: purchases (of a refund), budgets, caps, cover, accounts.
"""
