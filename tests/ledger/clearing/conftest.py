"""The stage for clearing, on a fresh database."""

from __future__ import annotations

import pytest

from tests.conftest import Database
from tests.ledger.redeeming.stage import Stage


@pytest.fixture
async def stage(database: Database) -> Stage:
    """A coalition with two currencies and three merchants."""
    return await Stage(database.engine).set_up()
