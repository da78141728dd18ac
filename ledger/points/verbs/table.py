"""Which needs and which decision belong to each command. A new verb is a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.points import commands as c
from ledger.points.verbs import due, issue, move, spend, undo
from ledger.points.working import Need, Working

VERBS: dict[type[c.Command], tuple[Callable[[Any], list[Need]], Callable[[Working, Any], c.Receipt]]] = {
    c.Accrue: (issue.needs_accrue, issue.accrue),
    c.OpenBalance: (issue.needs_accrue, issue.accrue),
    c.Adjust: (issue.needs_adjust, issue.adjust),
    c.Release: (due.needs, due.release),
    c.Expire: (due.needs, due.expire),
    c.Hold: (spend.needs_hold, spend.hold),
    c.Burn: (spend.needs_burn, spend.burn),
    c.Void: (spend.needs_void, spend.void),
    c.Give: (spend.needs_give, spend.give),
    c.Transfer: (move.needs_transfer, move.transfer),
    c.HandOver: (move.needs_hand_over, move.hand_over),
    c.Exchange: (move.needs_exchange, move.exchange),
    c.ClawBack: (undo.needs_claw_back, undo.claw_back),
    c.Reinstate: (undo.needs_reinstate, undo.reinstate),
    c.Reverse: (undo.needs_reverse, undo.reverse),
    c.Restore: (undo.needs_restore, undo.restore),
}


def needs_of(command: c.Command) -> list[Need]:
    """The accounts that a command must find loaded."""
    return VERBS[type(command)][0](command)


def decide(ws: Working, command: c.Command) -> c.Receipt:
    """Run one command against the working set: its receipt, the earlier one where the key was used for the same, or a raised
    `Refusal` that has moved nothing of the command's own."""
    earlier = ws.by_key.get(command.key)
    if earlier is not None:
        if earlier.fingerprint != command.fingerprint():
            raise c.KeyReused(command.key)
        return earlier.receipt()
    return VERBS[type(command)][1](ws, command)
