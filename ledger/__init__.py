"""The points and the programme's rules. No file here names Telegram, HTTP, a scheduler, a clock or the environment.

Rooms, each importing only those to its right::

    clearing  →  redeeming | earning  →  merchants  →  members  →  points

Sign convention, everywhere: **positive raises what a member holds.** Every entry's postings sum to zero, per issuer and
currency, against that issuer's own accounts (issued, burned, expired, clawed back).

Units: points are whole numbers of one currency; money is whole minor units (fen, pence) beside its currency code; instants
are UTC; business dates are the programme's. `now` and `today` arrive as arguments (`points.commands.Moment`).

Functions take the open transaction `tx` (a SQLAlchemy `AsyncConnection`) and never commit: the edge does.
"""
