"""Files that a merchant sends in: purchases, members, opening balances, partner codes.

    sent → received → read → tried → running → done
             refused ←┘         └→ dropped

Words
    file    what was sent, and where it stands. Its content is sealed, and gone as soon as its rows are kept.
    row     one line of it: what it says, sealed with the file's own key; what became of it, and why.
    unit    the rows that happen together: a purchase's lines, else one row. Rows that can't be read belong to none.
    trial   the same work as the real one, in a savepoint that is rolled back.

A chunk of units is one transaction with the place it reached, under the file's row; each unit has a key of its own — the receipt's
number, the customer's, the code — so that whatever happens twice, a chunk, a file, two workers, ends the same.

Files: `kinds` which columns there are · `reading` bytes to rows · `lines` what a row says · `parsed` a whole file · `files` and
`rows` where they stand, `progress` how they get on · `customers` whom a row means · `purchases`,
`members`, `balances`, `codes`, `used_vouchers` what units do, and `working` with what · `work` a chunk · `tables`.
"""
