"""How points are earned: rules as data, purchases, refunds, taking an award back.

`rules` pure evaluation with its trace · `rulebook` reading and writing rule versions · `purchases` booking · `refunds` ·
`awards` the counter's use of them · `till_import` what a till export says (pure) · `till_book` booking it · `tables`.
"""
