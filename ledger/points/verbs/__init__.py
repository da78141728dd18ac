"""The verbs: pure decisions over a `Working` set, one file per family.

    issue   accrue, open_balance, adjust            spend   hold, burn, void
    due     release, expire                         move    transfer, hand_over, exchange
    undo    claw_back, reinstate, reverse           table   verb → (needs, decision)

Each `needs_*` names the accounts to load and lock; each decision checks every refusal before it moves anything, except that what
is due on the owner's accounts is released and expired first: that would be true whether or not the command succeeds.
"""
