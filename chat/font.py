"""The font that printed cards are lettered in, so that they look the same wherever they are made."""

from __future__ import annotations

from pathlib import Path

FONT_FILE = Path(__file__).parent / "fonts" / "wqy-microhei.ttc"
