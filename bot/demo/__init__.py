"""The demo programme: a coalition of ten merchants with people and months of history, as data.

`programme.toml` the coalition, its currencies and terms · `merchants.toml` who issues on what terms, and their rules ·
`shops.toml` their outlets and certificates, and who would like to join · `offers.toml` what points become · `people.toml` who is
there and what they did, in days before the day of loading · `photos` pictures of the offers · `story` people.toml as events in
order · `circles.toml` a company, and what members can take part in · `load` plays it all through the ledger's own verbs, with
`shops`, `clearing`, `circles` and `rules`.
"""
