"""What may be imported, and which columns a file of each kind has: by the names that people give them, in Chinese or English."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from ledger.errors import Refusal

Kind = Literal["purchases", "members", "balances", "codes", "used_vouchers"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Field = Literal[
    "document", "customer", "occurred_at", "amount", "category", "item", "pieces",
    "points", "expires_on", "pool", "code", "valid_until", "used_at",
]  # fmt: skip


class Column(NamedTuple):
    """A column: its field, how it is headed in either language (templates and reports say so too), other usual headings, and an
    example. `secret`: it is shown nowhere again."""

    field: Field
    zh: str
    en: str
    also: tuple[str, ...]
    example: str
    needed: bool = True
    secret: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every heading that is taken for it, the usual ones first."""
        return (self.zh, self.en, self.field, *self.also)


_CUSTOMER = Column(
    "customer",
    "顾客号",
    "customer",
    ("客户号", "会员号", "顾客", "卡号", "customer id", "customer number", "member"),
    "10086",
)

COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    "purchases": (
        Column("document", "单号", "document", ("小票号", "订单号", "流水号", "receipt", "invoice", "order"), "20261122-0001"),
        _CUSTOMER,
        Column("occurred_at", "时间", "time", ("消费时间", "交易时间", "日期", "date", "datetime"), "2026-11-22 10:30"),
        Column("amount", "金额", "amount", ("实付", "实付金额", "总额", "total", "paid"), "128.50"),
        Column("category", "分类", "category", ("品类", "类别"), "fruit", needed=False),
        Column("item", "货号", "item", ("商品编号", "sku", "stock code"), "A-17", needed=False),
        Column("pieces", "数量", "pieces", ("件数", "quantity"), "2", needed=False),
    ),
    "members": (_CUSTOMER,),
    "balances": (
        _CUSTOMER,
        Column("points", "积分", "points", ("积分余额", "余额", "balance"), "1280"),
        Column("expires_on", "到期日", "expires", ("有效期", "有效至", "expiry", "expires on", "expiry date"), "2027-12-31", False),
    ),
    "codes": (
        Column("pool", "券码池", "pool", ("池", "批次", "batch"), "coffee-2026"),
        Column("code", "券码", "code", ("兑换码", "卡密", "voucher code"), "KF7Q-22MA", secret=True),
        Column("valid_until", "有效期", "valid until", ("有效至", "到期日", "expires", "expiry date"), "2027-06-30", False),
    ),
    "used_vouchers": (
        Column("code", "券码", "code", ("兑换码", "voucher code", "voucher"), "APKJ-NRFSJ-Q72C3", secret=True),
        Column("used_at", "用券时间", "used at", ("时间", "使用时间", "time", "used"), "2026-11-22 10:30"),
    ),
}  # fmt: skip


@dataclass(eq=False)
class ColumnsMissing(Refusal):
    """The file has no column for these fields of its kind; `found` are the headings it has."""

    kind: Kind
    fields: tuple[Field, ...]
    found: tuple[str, ...]


@dataclass(eq=False)
class ColumnNamesUnreadable(Refusal):
    """What was said about the names of columns (`said`) is not «field=heading; field=heading»."""

    kind: Kind
    said: str


def normal(heading: str) -> str:
    """A heading as it is compared: width, case, spaces and underscores don't matter."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(letter for letter in folded if letter not in " _-\t\u3000")


def column(kind: Kind, field: Field) -> Column:
    """A column by its field."""
    return next(each for each in COLUMNS[kind] if each.field == field)


def without_secrets(kind: Kind, cells: Mapping[str, str]) -> dict[str, str]:
    """What of a row may be shown again."""
    secret = {each.field for each in COLUMNS[kind] if each.secret}
    return {field: said for field, said in cells.items() if field not in secret}


def places(kind: Kind, header: Sequence[str], named: Mapping[str, str]) -> dict[str, int]:
    """Where each field of a kind stands in a header: under the heading it was given in `named`, else under the first usual one.

    Raises:
        ColumnsMissing.
    """
    at: dict[str, int] = {}
    for place, heading in enumerate(header):
        at.setdefault(normal(heading), place)
    found: dict[str, int] = {}
    for each in COLUMNS[kind]:
        names = (named[each.field],) if each.field in named else each.names
        place = next((at[normal(name)] for name in names if normal(name) in at), -1)
        if place >= 0:
            found[each.field] = place
    missing = tuple(each.field for each in COLUMNS[kind] if each.needed and each.field not in found)
    if missing:
        raise ColumnsMissing(kind, missing, tuple(heading.strip() for heading in header if heading.strip()))
    return found


def named(kind: Kind, said: str) -> dict[str, str]:
    """Headings by field, from «单号=Invoice; amount=Total»; nothing said names nothing.

    Raises:
        ColumnNamesUnreadable.
    """
    fields = {normal(name): each.field for each in reversed(COLUMNS[kind]) for name in each.names}
    found: dict[str, str] = {}
    for part in unicodedata.normalize("NFKC", said).replace("\n", ";").replace(",", ";").split(";"):
        if not part.strip():
            continue
        field, equals, heading = part.partition("=")
        if not equals or not heading.strip() or normal(field) not in fields or len(heading) > 64:
            raise ColumnNamesUnreadable(kind, said[:200])
        found[fields[normal(field)]] = heading.strip()
    return found
