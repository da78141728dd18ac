"""The doors to what the operator opens. What doors are is said in `doors`."""

from __future__ import annotations

from chat.screen import Button
from chat.words import Text, t


def ruling(label: Text, claim_id: int) -> Button:
    """A claim that a merchant refused, for the operator's decision."""
    return Button(label, data=f"rulings:show:{claim_id}")


def rulings(label: Text | None = None) -> Button:
    """Claims that merchants refused, for the operator's decision."""
    return Button(label or t("退换裁决"), data="rulings:list:0")


def referral_reviews(label: Text | None = None) -> Button:
    """Invitations that look like a pattern."""
    return Button(label or t("要看的邀请"), data="referral_reviews:list")


def merges(label: Text | None = None) -> Button:
    """Two accounts of one person, made one."""
    return Button(label or t("合并账户"), data="merging:list:0")


def merge(label: Text, merge_id: int) -> Button:
    """One such pair."""
    return Button(label, data=f"merging:show:{merge_id}")


def operator(label: Text | None = None) -> Button:
    """The operator's desk."""
    return Button(label or t("运营台"), data="operator:home")


def terms(label: Text, merchant_id: int) -> Button:
    """A merchant's terms, for the operator."""
    return Button(label, data=f"terms:open:{merchant_id}")


def tier_proposals(label: Text | None = None) -> Button:
    """Members whom an upgrade is proposed for."""
    return Button(label or t("升级建议"), data="tier:proposals:0")


def standing_desk() -> Button:
    """Entering credit standings, for the operator."""
    return Button(t("信用评级"), data="standing:desk")


def campaign_desk(label: Text | None = None) -> Button:
    """Budgets of campaigns that wait for the operator."""
    return Button(label or t("活动预算"), data="campaign_approvals:list")


def applications(label: Text | None = None) -> Button:
    """Who has applied to be a merchant, for the operator."""
    return Button(label or t("入驻申请"), data="applications:list:0")


def merchant_desk(label: Text, merchant_id: int) -> Button:
    """A merchant as the operator sees it."""
    return Button(label, data=f"operator:merchant:{merchant_id}")


def certification(label: Text, merchant_id: int) -> Button:
    """A merchant's certificates and standing, for the operator."""
    return Button(label, data=f"certification:open:{merchant_id}")


def application(label: Text, merchant_id: int) -> Button:
    """What a merchant wrote and sent when it applied, for the operator."""
    return Button(label, data=f"applications:open:{merchant_id}")


def closes(label: Text | None = None) -> Button:
    """The weeks that were closed, for the operator."""
    return Button(label or t("周结算"), data="closes:list:0")


def extensions(label: Text | None = None) -> Button:
    """Deadlines extended, for the operator."""
    return Button(label or t("延期"), data="extensions:list")


def breakage(label: Text | None = None) -> Button:
    """What members let run out, for the operator."""
    return Button(label or t("过期积分"), data="breakage:open:0:0")


def covers(label: Text | None = None) -> Button:
    """Every issuer's cover, for the operator."""
    return Button(label or t("保证金"), data="cover:list:0")


def cover_desk(label: Text, merchant_id: int) -> Button:
    """One issuer's cover, for the operator."""
    return Button(label, data=f"cover:open:{merchant_id}")


def disputes(label: Text | None = None) -> Button:
    """Disputes that wait for the operator."""
    return Button(label or t("结算异议"), data="disputes:list:0")


def dispute(label: Text, dispute_id: int) -> Button:
    """One dispute, for the operator."""
    return Button(label, data=f"disputes:open:{dispute_id}")


def rule_approvals(label: Text | None = None) -> Button:
    """Rules that merchants propose and that wait for the operator."""
    return Button(label or t("规则审批"), data="rule_approvals:list:0")


def rule_approval(label: Text, rule: str) -> Button:
    """One proposed rule by its name, for the operator."""
    return Button(label, data=f"rule_approvals:open:{rule}")
