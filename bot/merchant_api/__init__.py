"""The merchant API: what a till, a shop's own systems or a web shop ask over HTTP under `/v1`.

A request is a turn: one `Idempotency-Key`, one transaction, one answer that is stored with what it did and given again, letter by
letter, whenever the key comes again. Purchases that arrive at the same time share a transaction; each keeps its own key, answer
and refusal.

A merchant's sandbox is another `world` with a database of its own: the same paths, asked with a test key.

`server` the routes · `wire` requests and answers as they travel · `world` where requests are worked on: live, or a sandbox ·
`operations` what there is to ask: path, scope, models · `models` what goes over the wire, and nothing else
describes it · `door` keys and scopes · `limits` rates, bodies, requests in flight · `answers` keys already used and what they were
answered · `problems` how it says no · `calls` a request at work in its transaction · `purchases`, `refunds`, `members`,
`vouchers`, `catalog`, `fulfilments`, `rules` what the paths do · `openapi`, `page` the description of it all, made from the
models · `hooks` telling merchants' systems what happened · `sandboxes` opening and closing them, `sandbox_copy` what they are
filled with, `sandbox` what is asked of one itself · `shared_limits` rates over several processes · `applying` how one becomes a
merchant.
"""
