"""The playground: a page in the browser where one can be every person who talks to the bot.

It stands beside the Bot API double in one process and acts only through it, as people do: the bot cannot tell.

- `app`: the door, `playground_app`, an aiohttp application to mount under `/playground`; `ClockPort`.
- `people`: who is on the page at first, `PersonSpec` and `CAST`.
- `actions`: what the page may do: say, tap, send a picture, block, redeliver; `controls`: faults and the programme's date.
- `stream`: what the page is told: one snapshot, then changes; `views`: how people, messages and calls look as JSON.
- `guard`: who may call (same site, known host, small bodies); `pages`: the page and its files.
- `static/`: the page itself, without a build step; `static/vendor/VENDOR.md` lists what is not ours.

Invariants: a slow reader never holds up the bot or another reader, it loses changes and gets a new snapshot; the page
requests nothing from outside; what the bot or a person wrote is never read as HTML.
"""
