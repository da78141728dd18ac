"""The process: settings, assembly, the Telegram edge, and the Bot API double it is tested against.

An update's way:  `polling` or `webhook` → `turns` (one transaction: `opening` before, `opening.close` after) → `dispatch` finds the
feature by `features` → its screens are drawn (`drawing`) into the `outbox` → after the commit `telling` says them through
`transport` (limits, errors), `api` and `request` (HTTP). What fails is judged by `failures`; what the edge itself says is in
`manners`; `running` is the turn in progress, `addressees` finds other members who are to be told.

Time:  `clock` (wall and programme), `leads` (who does what only one may do), `timetable` (duties of `jobs/`, slots).

A process:  `main` assembles it, `worker` is its Telegram part, `supervisor` runs several, `sandbox` is the playground's side
without a token; `engines` the turn's connections, `commands_menu` the menus, `health`, `metrics`, `logs`, `pictures`.
"""
