"""How points are earned: rules as data, purchases, refunds, taking an award back.

`rules` pure evaluation with its trace · `rulebook` reading and writing rule versions · `purchases` booking and refunding ·
`awards` the counter's use of them · `till_import` matching a till export's refunds · `tables`.
"""
