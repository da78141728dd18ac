"""Everything there is to ask under `/v1`."""

from __future__ import annotations

from bot.merchant_api import catalog, grants, members, models, purchases, refunds, rules, statements, vouchers
from bot.merchant_api.calls import Operation

BOOK = Operation(
    "POST", "/v1/purchases", "Book a purchase; it earns what the rules in force say", "award",
    models.Booked, models.PurchaseIn, "write", 201, (404, 409),
)  # fmt: skip
BATCH = Operation(
    "POST", "/v1/purchases:batch", "Book up to 1,000 purchases, each for itself", "award",
    models.BatchOut, models.BatchIn, "write", 200, (), 4_000_000,
)  # fmt: skip

OPERATIONS: tuple[Operation, ...] = (
    BOOK,
    BATCH,
    Operation(
        "GET", "/v1/purchases", "Purchases, newest first", "statements",
        models.PurchasesOut, models.PurchasesAsked, run=purchases.page,
    ),
    Operation(
        "POST", "/v1/refunds", "Take back what a purchase, or a part of it, no longer earns", "refund",
        models.RefundOut, models.Refund, "write", 201, (404, 409), run=refunds.refund,
    ),
    Operation(
        "POST", "/v1/quote", "What a basket would earn now", "award",
        models.QuoteOut, models.QuoteIn, "read", 200, (404,), run=purchases.quote,
    ),
    Operation(
        "POST", "/v1/members:lookup", "Who shows this card: a reference and a name; the card's code is used up", "award",
        models.MemberOut, models.LookupIn, "write", 200, (404, 409), run=members.look_up,
    ),
    Operation(
        "POST", "/v1/vouchers:check", "What a voucher's code is good for", "vouchers",
        models.VoucherOut, models.VoucherIn, "note", 200, (404, 409), run=vouchers.check,
    ),
    Operation(
        "POST", "/v1/vouchers:use", "Use a voucher up, once", "vouchers",
        models.VoucherOut, models.VoucherIn, "write", 200, (404, 409), run=vouchers.use,
    ),
    Operation(
        "GET", "/v1/catalog", "The merchant's own offers, by code", "catalog",
        models.CatalogOut, models.CatalogAsked, run=catalog.page,
    ),
    Operation(
        "PUT", "/v1/catalog/{code}", "Put an offer on the shelf, or a new version of it", "catalog",
        models.OfferOut, models.OfferIn, "write", 200, (404, 409), run=catalog.put,
    ),
    Operation(
        "GET", "/v1/rules", "The merchant's own rules: in force today, and proposed", "rules",
        models.RulesOut, run=rules.page,
    ),
    Operation(
        "PUT", "/v1/rules/{code}", "Propose the next version of a rule of the merchant's own", "rules",
        models.RuleOut, models.RuleIn, "write", 200, (404, 409), run=rules.put,
    ),
    Operation(
        "POST", "/v1/activity-grants", "Give a member the points of an activity, once", "award",
        models.GrantOut, models.GrantIn, "write", 201, (404, 409), run=grants.grant,
    ),
    Operation(
        "GET", "/v1/statements", "Closed weeks with the merchant's positions, newest first", "statements",
        models.StatementsOut, models.StatementsAsked, run=statements.page,
    ),
    Operation(
        "GET", "/v1/statements/{week}", "A closed week's lines, down to the redemption", "statements",
        models.StatementLinesOut, models.LinesAsked, refuses=(404,), run=statements.lines,
    ),
)  # fmt: skip

PATH_PATTERNS = {"code": r"^[a-z0-9][a-z0-9_-]{1,39}$", "week": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
"""What the names in paths may be."""
