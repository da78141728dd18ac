"""Why an award was taken back: the usual reasons by a word that entries keep, so that both readers read their own language."""

from __future__ import annotations

from chat.words import Text, t

TAKE_BACK: dict[str, Text] = {
    "wrong_amount": t("金额输错了"),
    "wrong_member": t("扫错了会员"),
    "not_bought": t("顾客没有买"),
    "twice": t("重复记了"),
}


def said(reason: str) -> Text | str:
    """A reason as a person reads it: a usual one in their language, any other as it was typed."""
    return TAKE_BACK.get(reason, reason)
