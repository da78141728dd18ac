"""What points become: offers, who may have them and for how much, redemptions and their codes.

Words
    offer       something points can become: a document in versions, on a shelf.
    amount      how much of it: pieces, or minor units of money for a variable voucher.
    piece       what stock and limits count; a voucher is one or more.
    redemption  one voucher: issued, then used, taken back or expired. Its code is known to the member alone.
    return      of goods that were handed over: claimed by the member, answered by the merchant, perhaps decided by the operator.
    cash part   money that is paid besides the points. Until then the redemption is held; it ends let go, lapsed, or issued.
    nonce       of a confirm button: two taps are one redemption.
    slot        a time of an offer that is booked; so many places in each. Slots are computed, places are rows.
    diary       an offer's slots as they stand for one member at one moment, at one outlet where it is booked at several.
    privilege   something that members have who hold enough points, or are of a tier: less to pay, a service. Nothing is spent.
    fulfiller   a merchant that hands another's offer over too. Whoever hands a voucher over is its merchant from then on.
    special     another price at certain times or for certain members; the usual price is the offer's own.

Files: `offers` the document, `windows` when and `who` for whom something in it holds · `in_force` which price is · `reach` whom
it is for, on which days · `publish` its versions, `fulfilments` other merchants that hand it over · `shelf` reading and judging a
page of offers · `may_redeem` the one predicate behind listing and redeeming · `on_shelf` all of it, kept in the process ·
`browse` a member's lists of it · `search` Chinese, pinyin, initials, typos · `stock` pieces, never oversold · `redemptions`
redeem, undo · `cash` its cash part, `cash_refunds` cash that goes back, `drawer` what a counter took · `vouchers` where one
stands, its code · `counter` verify and use · `return_claims` claims on goods that were handed over, `return_requests` their
member's side, `return_answers` what becomes of them · `lapses` unused at their end · `booking` its document and slots, pure,
`diaries` read, `bookings` places held, taken, moved, `booking_outlets` where, `closures` a merchant's days, `reminders` of what
is booked · `exchange` into common points · `tier_sales` a tier for some days · `privilege` its document, `may_use` the one
predicate of privileges, `privileges` kept and judged, `privilege_uses` at the till · `favourites` kept, `watching` what became of
them · `codes` their alphabet and check character · `code_pools` codes of partners, handed out once · `handover` what is handed
over in the chat, `merging` two accounts of one person · `memberships` a tier off the shelf · `offline` tills without network,
what they took · `announcing` to merchants' systems · `drafts` documents being written, `offer_drafts` offers, `privilege_drafts`
privileges · `own_shelf` a merchant's view of its offers, `offer_photos` their pictures · `tables`.
"""
