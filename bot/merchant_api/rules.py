"""The merchant's own rules: read, and proposed. What is proposed waits for an operator where the programme wants it so."""

from __future__ import annotations

from pydantic import ValidationError
from sqlalchemy import text

from bot.merchant_api import problems
from bot.merchant_api.calls import Call
from bot.merchant_api.models import RuleIn, RuleOut, RulesOut
from chat import rule_news
from ledger.earning import rulebook
from ledger.earning.rules.documents import RULE
from ledger.earning.rules.version import RuleVersion
from ledger.programme import Programme

_WHOSE = text("SELECT merchant_id FROM accrual_rule WHERE code = :code LIMIT 1")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('rule-code:' || :code, 0))")
_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")


async def page(call: Call, asked: None) -> RulesOut:
    """The merchant's rules in force today, and those that wait."""
    in_force = await rulebook.in_force(call.tx, call.merchant.id, call.at.today)
    waiting = await rulebook.proposals(call.tx, call.merchant.id)
    own = [_said(version, "approved") for version in in_force if version.merchant_id == call.merchant.id]
    return RulesOut(rules=[*own, *(_said(each.version, each.state) for each in waiting)])


async def put(call: Call, asked: RuleIn) -> RuleOut:
    """Propose the next version of a rule.

    Raises:
        Problem 422: the document is no rule, or ends before it begins. 409: another merchant's, or the programme's, has the code.
        `RuleBeginsInThePast`.
    """
    code = call.path["code"]
    try:
        rule = RULE.validate_python(asked.document)
    except ValidationError as error:
        raise problems.no_document(error, asked.document) from None
    if asked.valid_to is not None and asked.valid_to < asked.valid_from:
        raise problems.ends_before_it_begins()
    await call.tx.execute(_LOCK, {"code": code})
    whose = (await call.tx.execute(_WHOSE, {"code": code})).first()
    if whose is not None and whose.merchant_id != call.merchant.id:
        raise problems.code_of_another()
    programme = Programme.model_validate(await call.tx.scalar(_PROGRAMME))
    made = await rulebook.propose(
        call.tx,
        code=code,
        merchant_id=call.merchant.id,
        rule=rule,
        valid_from=asked.valid_from,
        valid_to=asked.valid_to,
        made_by=call.key.actor,
        at=call.at.now,
        today=call.at.today,
        needs_approval=programme.rules_need_approval,
    )
    if made.state == "proposed":
        call.tells += await rule_news.waiting(call.tx, made.version, call.merchant, programme, today=call.at.today)
    return _said(made.version, made.state)


def _said(version: RuleVersion, state: str) -> RuleOut:
    return RuleOut(
        code=version.code,
        version=version.version,
        state=state,
        document=version.rule.model_dump(mode="json", exclude_defaults=True) | {"kind": version.rule.kind},
        valid_from=version.valid_from,
        valid_to=version.valid_to,
    )
