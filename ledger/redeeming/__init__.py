"""What points become: offers, who may have them and for how much, redemptions and their codes.

`offers` documents and reading · `may_redeem` the one predicate behind listing and redeeming · `search` Chinese, pinyin, initials,
typos · `redemptions` issue, verify, use, undo · `codes` their alphabet and check character · `tables`.
"""
