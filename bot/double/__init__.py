"""A Bot API server on loopback that refuses what Telegram refuses, and the people who chat through it.

Nothing here imports the rest of the project: a bot meets this package only over HTTP.

- `double`: the door, `Double`: start, stop, people, faults, calls, events.
- `people`, `groups`, `taps`: what a test or the playground does as a person: says, taps, sees.
- `world`: users, chats, messages and identifiers; `messages`, `chats`, `files` are its nouns.
- `updates`, `webhook`: the queue of updates and its two ways out.
- `wire`, `requests`: HTTP in and out; `parameters`: the table of what each method takes; `methods/`: what each does.
- `content`: message bodies; `entities`, `entity_rules`, `html_entities`, `markdown_entities`, `utf16`, `links`, `keyboards`,
  `pictures`: the rules they obey; `profile`: names and command menus of the bot.
- `limits`: flood control and sizes; `faults`: failures on demand; `calls`: the record; `clock`: time that can be moved.

Invariants: a wire dict (message, update, chat, user) is never changed after it was made, only replaced, so what was once
sent stays true and nothing needs copying; memory is bounded by `Keep`.
"""
