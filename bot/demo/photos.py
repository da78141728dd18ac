"""Pictures of the demo's offers: drawn as SVG, kept beside it as PNG.

python -m bot.demo.photos      draw the PNGs again from the SVGs
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files("bot.demo") / "photos"))


@cache
def photo(name: str) -> bytes:
    """The PNG of this name. `KeyError` where there is none."""
    path = FOLDER / f"{name}.png"
    if path.parent != FOLDER or not path.is_file():
        raise KeyError(name)
    return path.read_bytes()


def redraw() -> list[str]:
    """Draw every SVG of the folder as PNG; gives their names."""
    from resvg_py import svg_to_bytes

    names = sorted(path.stem for path in FOLDER.glob("*.svg"))
    for name in names:
        drawn = svg_to_bytes(svg_string=(FOLDER / f"{name}.svg").read_text("utf-8"))
        (FOLDER / f"{name}.png").write_bytes(bytes(drawn))
    return names


if __name__ == "__main__":
    print(*redraw())
