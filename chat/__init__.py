"""How the bot speaks, without Telegram: screens, words, turns, features.

words      `t()` marks a text; a `Speaker` renders it in one language (Chinese is the source, English comes from the PO)
screen     what a person sees: lines, buttons, perhaps a picture
turn       one key, one transaction, one outcome: what a feature may touch
feature    how a file in `handlers/` declares its commands, taps, steps and deep links
refusals   the wording of every `Refusal`
receipts   the notice of every earn, burn and return (M13), used by handlers and jobs alike
tables     keys, dialogues, outbox
"""
