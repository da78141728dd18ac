"""Workers killed with SIGKILL under load: what was acknowledged is there, what was not can be asked again, all once."""

from __future__ import annotations

import pytest

from tests.conftest import Database
from tests.ledger.points import worker
from tests.ledger.points.builders import make_currencies
from tests.ledger.points.kills import survive


@pytest.mark.slow
async def test_twenty_kills_lose_nothing_and_double_nothing(database: Database) -> None:
    await make_currencies(database.engine)
    found = await survive(database.url, kills=20, seed=20, audit_every=10)
    assert found.nothing_happened, found
    assert found.kills == 20
    # The kills fell into work: much was acknowledged, and some of what had begun was not.
    unfinished = [name for name in found.begun if not found.acknowledged.issuperset(worker.keys_of(name))]
    assert len(found.acknowledged) > 200 and len(unfinished) >= 20
    # Everything that began was finished in the end, each key once, and nothing else was written.
    assert found.entries == worker.MEMBERS + sum(len(worker.keys_of(name)) for name in found.begun)
