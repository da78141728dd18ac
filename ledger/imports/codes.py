"""Partner codes from a file: into their pools, sealed, each once."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.imports.lines import CodeLine
from ledger.imports.working import Happened, Working
from ledger.redeeming import code_pools
from ledger.redeeming.code_pools import PartnerCode


async def do(working: Working, brought: Sequence[CodeLine]) -> list[Happened]:
    """Keep codes. One that the merchant has brought before, into whichever pool, is left where it is."""
    given = [PartnerCode(line.pool, line.code, line.valid_until) for line in brought]
    kept = await code_pools.add(working.tx, working.vault, working.merchant.id, given)
    return [Happened("already" if made is None else "done", None, made) for made in kept]
