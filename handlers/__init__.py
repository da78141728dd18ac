"""One file per thing a person does in chat. Each declares a `feature` (chat/feature.py) whose callbacks return screens.

Files here never import each other: a button to another's screen comes from `chat/doors.py`, `desk_doors` or `operator_doors`, a
screen that several show lives in `chat/`. The edge finds every `feature` by itself.
"""
