"""The engine: the only place where points move.

Words
    account     (owner, purpose, currency[, issuer]). Purposes of an owner: available, pending, held, deficit; of an issuer:
                issued; of the merchant that redeemed: burned; of the programme: expired, clawed_back. Whose promise a leg
                settles is said by its posting's issuer.
    entry       one happening, immutable: kind, key, actor, reason, facts, trace.
    posting     one signed leg of an entry: account, lot, issuer, points. Every posting names its lot, so the postings of a lot
                are its whole life: this is the allocation record that lot-true returns, clearing and «why» stand on.
    lot         points issued together: owner, issuer, rule, available_on, expires_on; immutable.
    position    how many points of a lot are in an account now; deleted at zero, so this table is as large as what is held.
    hold        points set aside until burned, given or voided.
    deficit     what a member owes one issuer after a claw-back found too little; that issuer's next accrual fills it first.

Invariants, each held by a constraint where one can hold it and by `audit`
    postings of an entry sum to zero per issuer and currency;
    an owner's account: balance = sum of postings = sum of positions; versions gap-free, balance_after chained;
    per issuer and currency: issued = pending + available + held + burned + expired + clawed back − deficit.

Files: `tables` · `commands` (what may be asked, and refused) · `working` (the loaded state) · `verbs/` (pure decisions) ·
`engine` (load, decide, write: two round trips whatever the batch) · `combine` (many callers, one batch) · `statements` (reads) ·
`reading` (past SQLAlchemy) · `audit` · `sql/` (the load function).
"""
