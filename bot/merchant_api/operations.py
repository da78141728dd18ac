"""Everything there is to ask under `/v1`."""

from __future__ import annotations

from bot.merchant_api import (
    application_models,
    applying,
    catalog,
    fulfilments,
    grants,
    import_models,
    imports,
    members,
    models,
    privileges,
    purchases,
    refunds,
    rules,
    sandbox,
    sandbox_models,
    statements,
    vouchers,
)
from bot.merchant_api.calls import Operation
from ledger.imports.reading import BYTES_MOST
from ledger.merchants.applicants import PAPER_BYTES_MOST

BOOK = Operation(
    "POST", "/v1/purchases", "Book a purchase; it earns what the rules in force say", "award",
    models.Booked, models.PurchaseIn, "write", 201, (404, 409),
)  # fmt: skip
BATCH = Operation(
    "POST", "/v1/purchases:batch", "Book up to 1,000 purchases, each for itself", "award",
    models.BatchOut, models.BatchIn, "write", 200, (), 4_000_000,
)  # fmt: skip

IMPORT = Operation(
    "POST", "/v1/imports", "Send a file of purchases, members, balances, codes or offline vouchers; it is tried first", "imports",
    import_models.ImportOut, import_models.ImportAsked, "write", 202, (), BYTES_MOST, run=imports.send,
    takes=(*statements.MEDIA.values(), "application/octet-stream"),
)  # fmt: skip
CONFIRM = Operation(
    "POST", "/v1/imports/{import}:confirm", "Let a file run that was tried", "imports",
    import_models.ImportOut, import_models.ConfirmIn, "write", 200, (404,), run=imports.confirm,
)  # fmt: skip
IMPORTS: tuple[Operation, ...] = (
    IMPORT,
    Operation(
        "GET", "/v1/imports/{import}", "Where a file stands", "imports",
        import_models.ImportOut, refuses=(404,), run=imports.show,
    ),
    CONFIRM,
    Operation(
        "GET", "/v1/imports/{import}/rows", "A file's rows with what became of each", "imports",
        import_models.ImportRowsOut, import_models.ImportRowsAsked, refuses=(404,), run=imports.page,
    ),
    Operation(
        "GET", "/v1/imports/{import}/report", "The same as a file, the same as the chat's", "imports",
        None, import_models.ReportAsked, refuses=(404,), run=imports.download, media=tuple(statements.MEDIA.values()),
    ),
)  # fmt: skip

CLOCK = Operation(
    "POST", "/v1/sandbox/clock", "Move the sandbox's clock; what falls due has happened when the answer comes", None,
    sandbox_models.SandboxOut, sandbox_models.ClockIn, "write", run=sandbox.move,
)  # fmt: skip
RESET = Operation(
    "POST", "/v1/sandbox:reset", "Begin anew: nobody, no points, no events, the merchant copied as it is now", None,
    sandbox_models.SandboxOut, sandbox_models.ResetIn, "write", run=sandbox.reset,
)  # fmt: skip
SANDBOX: tuple[Operation, ...] = (
    Operation(
        "GET", "/v1/sandbox", "The merchant's sandbox as it stands", None,
        sandbox_models.SandboxOut, run=sandbox.show,
    ),
    RESET,
    CLOCK,
    Operation(
        "POST", "/v1/sandbox/members", "Somebody to try things with joins", None,
        models.MemberOut, sandbox_models.NewMemberIn, "write", 201, run=sandbox.add_member,
    ),
    Operation(
        "POST", "/v1/sandbox/cards", "A member of the sandbox shows their card", None,
        sandbox_models.CardOut, sandbox_models.CardIn, "write", 201, (404,), run=sandbox.show_card,
    ),
    Operation(
        "POST", "/v1/sandbox/vouchers", "A member of the sandbox redeems one of the merchant's offers", None,
        sandbox_models.SandboxVoucherOut, sandbox_models.SandboxVoucherIn, "write", 201, (404,), run=sandbox.redeem,
    ),
    Operation(
        "PUT", "/v1/sandbox/webhook", "Say where the sandbox's events go", None,
        sandbox_models.HookOut, sandbox_models.HookIn, "write", run=sandbox.direct,
    ),
    Operation(
        "GET", "/v1/sandbox/events", "What was told, newest first, or could not be", None,
        sandbox_models.EventsOut, sandbox_models.EventsAsked, run=sandbox.events,
    ),
    Operation(
        "POST", "/v1/sandbox/events/{event}:again", "Send an event once more", None,
        sandbox_models.EventOut, sandbox_models.ResetIn, "write", refuses=(404,), run=sandbox.again,
    ),
)  # fmt: skip

APPLYING: tuple[Operation, ...] = (
    Operation(
        "POST", "/v1/applications", "Apply to be a merchant; the answer's token follows the application", None,
        application_models.ApplicationOut, application_models.ApplicationIn, "write", 201, bytes_most=16_384,
        run=applying.apply, applies="new",
    ),
    Operation(
        "GET", "/v1/application", "Where the application stands", None,
        application_models.ApplicationOut, run=applying.show, applies="own",
    ),
    Operation(
        "PUT", "/v1/application", "Correct what it says, until it is decided", None,
        application_models.ApplicationOut, application_models.ApplicationIn, "write", bytes_most=16_384,
        run=applying.correct, applies="own",
    ),
    Operation(
        "POST", "/v1/application/documents", "Add a document; the licence has to be there before it is sent", None,
        application_models.PaperOut, application_models.PaperAsked, "write", 201, bytes_most=PAPER_BYTES_MOST,
        run=applying.add_document, takes=applying.DOCUMENTS, applies="own",
    ),
    Operation(
        "POST", "/v1/application:send", "Send it to the operators", None,
        application_models.ApplicationOut, application_models.Nothing, "write", run=applying.send, applies="own",
    ),
    Operation(
        "POST", "/v1/application:withdraw", "Take it back", None,
        application_models.ApplicationOut, application_models.Nothing, "write", run=applying.withdraw, applies="own",
    ),
    Operation(
        "POST", "/v1/application:take", "Once certified: the owner's one-time link and a first key, once", None,
        application_models.TakenOut, application_models.Nothing, "write", run=applying.take, applies="own",
    ),
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
        "GET", "/v1/vouchers/offline", "What a till may take while its network is gone; no code is in it", "vouchers",
        models.OfflineOut, run=vouchers.listed,
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
        "GET", "/v1/fulfilments", "Other merchants' offers that this one was asked to hand over too", "catalog",
        models.FulfilmentsOut, run=fulfilments.page,
    ),
    Operation(
        "PUT", "/v1/fulfilments/{code}", "Agree to hand over another merchant's offer, decline, or stop", "catalog",
        models.FulfilmentOut, models.FulfilmentIn, "write", 200, (404,), run=fulfilments.answer,
    ),
    Operation(
        "GET", "/v1/privileges", "The merchant's own privileges, by code", "catalog",
        models.PrivilegesOut, models.PrivilegesAsked, run=privileges.page,
    ),
    Operation(
        "PUT", "/v1/privileges/{code}", "Publish a privilege, or a new version of it", "catalog",
        models.PrivilegeOut, models.PrivilegeIn, "write", 200, (404, 409), run=privileges.put,
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
    Operation(
        "GET", "/v1/statements/{week}/file", "A closed week's lines as a file, the same as the chat's", "statements",
        None, models.FileAsked, refuses=(404,), run=statements.file, media=tuple(statements.MEDIA.values()),
    ),
    *IMPORTS,
    *SANDBOX,
    *APPLYING,
)  # fmt: skip

PATH_PATTERNS = {
    "code": r"^[a-z0-9][a-z0-9_-]{1,39}$",
    "week": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "event": r"^[1-9][0-9]{0,14}$",
    "import": r"^[1-9][0-9]{0,14}$",
}
"""What the names in paths may be."""
