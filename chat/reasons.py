"""Why points, or a tier that was sold, were taken back: the usual reasons by a word that entries keep, so that both readers
read their own language."""

from __future__ import annotations

from chat.words import Text, t

TAKE_BACK: dict[str, Text] = {
    "wrong_amount": t("金额输错了"),
    "wrong_member": t("扫错了会员"),
    "not_bought": t("顾客没有买"),
    "twice": t("重复记了"),
}

REFUND: dict[str, Text] = {
    "returned": t("商品退回"),
    "faulty": t("商品有问题"),
    "overcharged": t("多收了钱"),
}

PAID_TIER: dict[str, Text] = {
    "wrong_member": t("扫错了会员"),
    "wrong_tier": t("选错了等级"),
    "unwanted": t("不要了"),
    "sold_twice": t("重复卖了"),
}

PRIVILEGE: dict[str, Text] = {
    "wrong_amount": t("金额输错了"),
    "wrong_member": t("扫错了会员"),
    "not_used": t("会员没有用"),
    "wrong_privilege": t("选错了权益"),
}


def said(reason: str) -> Text | str:
    """A reason as a person reads it: a usual one in their language, any other as it was typed."""
    return (TAKE_BACK | REFUND | PAID_TIER | PRIVILEGE).get(reason, reason)
