"""Merchants of the coalition: who they are, their terms for points, their outlets' staff.

`merchant` reading them, their terms, the life of a lot · `terms` changing those · `standing` what a merchant may become, and
by what · `onboarding` how one applies · `certificates` on what it is certified, and until when · `files` its papers ·
`authority` which role may do what · `staff` people at the counter and their invitations · `outlets` its shops and tills ·
`shifts` who works at which till · `log` what was done, by whom · `guarantee` what stands behind its points, and the count of
it · `cover` headroom for issuing them · `mapping` how a merchant's till export names its columns · `retailer` a merchant that
joins by an import · `accounts` the accounts it had before, and the codes by which their owners claim them · `api_keys` who may
ask the HTTP API · `webhooks` what its own systems are told · `paid_tiers` tiers for money, to whom · `paid_tier_sales` selling
them · `paid_tier_undo` taking that back · `tables`.
"""
