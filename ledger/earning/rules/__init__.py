"""What a purchase earns: rules as data, and their pure evaluation (E1–E5, E9, E12, C6).

`documents` what may be written down · `version` a rule with its days and owner · `bill` what was bought · `facts` who, when and
where · `ruleset` rules made quick to ask · `evaluate` the decision and its arithmetic · `shares` whole points by rule.

A rule's purchase is answered in this order, and the points are rounded once, down, at the end:

    1. each line earns what its base rule says, and what a green rule puts on top
    2. what was paid with points or vouchers is taken off every line alike
    3. caps and budgets of those rules
    4. multipliers on what the lines have now: groups add, within a group the best counts
    5. bonuses, likewise
    6. caps and budgets of multipliers and bonuses
"""
