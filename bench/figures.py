"""A figure, and how it is printed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured claim. `ratio` is value ÷ rival_value; `wanted` says which ratio is asked for, and in which direction."""

    name: str
    value: float
    unit: str
    rival: str
    rival_value: float
    ratio: float
    wanted: str = ""
    note: str = ""


def beside(
    name: str,
    unit: str,
    ours: Sequence[float],
    rival: str,
    theirs: Sequence[float],
    *,
    wanted: str = "",
    note: str = "",
) -> Figure:
    """A figure from paired runs: medians of both, and the median of the pairs' ratios."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return Figure(name, statistics.median(ours), unit, rival, statistics.median(theirs), ratio, wanted, note)


def show(figures: Iterable[Figure]) -> None:
    """Print the table."""
    table = Table("figure", "value", "unit", "beside", "its value", "ratio", "wanted", "note")
    for f in figures:
        table.add_row(
            f.name, _short(f.value), f.unit, f.rival, _short(f.rival_value), f"{f.ratio:.2f}", f.wanted, f.note
        )
    Console(width=200).print(table)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def save(figures: Iterable[Figure], path: Path) -> None:
    """Write the JSON list."""
    keys = ("name", "value", "unit", "rival", "rival_value", "ratio")
    rows = [{k: v for k, v in asdict(f).items() if k in keys} for f in figures]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
