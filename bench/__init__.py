"""Figures, each beside a rival or a limit measured in the same run: `python3 run.py bench [NAME] [--json FILE]`.

    figures     what a figure is; the table and the JSON
    stage       a throw-away PostgreSQL with fsync on, filled databases
    ledger      ledger.<verb>.c1|c8|c32, .single, .c32.vs_orm
    reads       ledger.read.balance, ledger.read.history with ten thousand and ten million postings
    night       expire.million beside one hand-written statement
    lines       import.lines beside COPY
    turns       turn.balance, turn.redeem beside echo bots
    intake      intake.book beside a transaction each, intake.hot beside 32 merchants
    rush        redeem.hot: five thousand members after a hundred pieces, beside three statements by hand
    booking     book.slot, book.rush: the free times of a service and everybody after one, beside statements by hand
    finding     catalog.search beside LIKE, with what each finds of catalogue_queries.toml
    listing     catalog.list, all rules of five thousand offers for one member, beside a statement that fetches the same rows
    catalogue   five thousand offers to search and to list
    soak        a thousand kills (not a figure; asked for by name)

NAME is a figure or the beginning of one («ledger», «ledger.burn»); without one all figures run.
"""
