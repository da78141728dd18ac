"""Surveys of a few taps: questions as a merchant types them, answers as choices, and what they come to.

One line a question: what is asked, a question mark, the choices with slashes between them::

    多久来一次?每周/每月/第一次来
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal

QUESTIONS_MOST = 5
CHOICES_MOST = 6
ASKS_LONGEST = 120
CHOICE_LONGEST = 30


@dataclass(eq=False)
class QuestionUnreadable(Refusal):
    """This line (from 1) has no question mark, fewer than two choices, more than `choices_most`, or is too long."""

    line: int
    choices_most: int


@dataclass(eq=False)
class TooManyQuestions(Refusal):
    """A survey has 1 to `most` questions."""

    most: int


@dataclass(eq=False)
class AnswersDontFit(Refusal):
    """A survey is answered with one choice a question."""

    questions: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the choices."""

    asks: str
    choices: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As the activity stores it."""
        return {"asks": self.asks, "choices": list(self.choices)}


def read(said: str) -> tuple[Question, ...]:
    """The questions that a merchant typed. `TooManyQuestions` → `QuestionUnreadable` for the first line that is none."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not 1 <= len(lines) <= QUESTIONS_MOST:
        raise TooManyQuestions(QUESTIONS_MOST)
    return tuple(_question(line, number) for number, line in enumerate(lines, 1))


def _question(line: str, number: int) -> Question:
    asks, mark, rest = re.split(r"([??])", line, maxsplit=1) if re.search(r"[??]", line) else (line, "", "")
    choices = tuple(" ".join(choice.split()) for choice in re.split(r"[/／]", rest) if choice.strip())
    fits = 2 <= len(choices) <= CHOICES_MOST and all(len(choice) <= CHOICE_LONGEST for choice in choices)
    if not mark or not asks.strip() or len(asks) > ASKS_LONGEST or not fits or len(set(choices)) < len(choices):
        raise QuestionUnreadable(number, CHOICES_MOST)
    return Question(f"{asks.strip()}{mark}", choices)


def check(questions: Sequence[Question], answers: Sequence[int]) -> None:
    """`AnswersDontFit` unless there is one choice of each question."""
    fits = len(questions) == len(answers) and all(
        0 <= answer < len(question.choices) for question, answer in zip(questions, answers, strict=False)
    )
    if not fits:
        raise AnswersDontFit(len(questions))


_RESULTS = text(
    "SELECT a.ordinality::integer - 1 AS question, a.value::integer AS choice, count(*)::integer AS people"
    " FROM activity_part p, jsonb_array_elements_text(p.answers) WITH ORDINALITY AS a(value, ordinality)"
    " WHERE p.activity_id = :activity GROUP BY 1, 2"
)


async def results(tx: AsyncConnection, activity_id: int, questions: Sequence[Question]) -> list[list[int]]:
    """How many people chose what: a list of choices per question. Who chose is nobody's to see."""
    counted = [[0] * len(question.choices) for question in questions]
    for row in await tx.execute(_RESULTS, {"activity": activity_id}):
        counted[row.question][row.choice] = row.people
    return counted
