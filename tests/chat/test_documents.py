"""Receipt numbers: a shop's own are shown, those made for an award at the till are not."""

from __future__ import annotations

import pytest

from chat.documents import given
from ledger.earning.awards import document_of


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        ("20261111-0093", "20261111-0093"),
        ("back-20261111-0093", "20261111-0093"),
        (document_of("v9JdoUBp"), None),
        (f"back-{document_of('v9JdoUBp')}", None),
    ],
)
def test_only_what_a_shop_gave_is_shown(document: str, shown: str | None) -> None:
    assert given(document) == shown
