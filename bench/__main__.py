"""`python3 run.py bench [NAME] [--json FILE]`."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import click

from bench.figures import Figure, save, show
from bench.stage import stage

GROUPS = {
    "ledger.read": "reads",
    "ledger": "ledger",
    "expire": "night",
    "import": "lines",
    "turn": "turns",
    "rules": "rules",
    "intake": "intake",
    "api": "api",
    "redeem.hot": "rush",
    "book": "booking",
    "family": "family",
    "catalog.search": "finding",
    "catalog.list": "listing",
}


@click.command()
@click.argument("name", default="")
@click.option("--json", "path", type=click.Path(path_type=Path), help="figures as JSON")
@click.option(
    "--till", type=click.Path(path_type=Path, exists=True), help="import: a till export to take instead of the slice"
)
@click.option("--kills", default=1000, help="soak: how many kills")
def main(name: str, path: Path | None, till: Path | None, kills: int) -> None:
    """Take the figures whose names begin with NAME."""
    if name == "soak":
        from bench import soak

        raise SystemExit(soak.main(kills))

    def wanted(figure: str) -> bool:
        return figure == name or figure.startswith(f"{name}." if name else "")

    figures: list[Figure] = []
    with stage() as at:
        for prefix, module in GROUPS.items():
            if name and not (name.startswith(prefix) or prefix.startswith(name)):
                continue
            given = {"till": till} if module == "lines" else {}
            figures += asyncio.run(importlib.import_module(f"bench.{module}").run(at, wanted, **given))
    if not figures:
        raise click.UsageError(f"no figure is called {name!r}")
    show(figures)
    if path:
        save(figures, path)


main()
