"""LNG002 answer-language-mismatch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dsprep.folds.suspects import Suspects, SuspectsRule, suspects
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta, RuleOptions
from dsprep.text.language import UNKNOWN, careful_reading, language_name, prose_of, quick_reading
from dsprep.text.language_names import asks_for_language
from dsprep.text.scripts import main_script
from dsprep.text.sensitive.showing import beginning

#: Characters of each text that are looked at. A question has its instruction at its start or at its end.
_HEAD: Final = 300
#: Shorter texts (characters; of Chinese and the like) have no language that can be told.
_SHORT, _SHORT_UNSPACED = 30, 12
#: What asks for a language stands within so many characters of what was said before the answer.
_INSTRUCTIONS: Final = 20_000
#: Of more suspects than this, first a sample is read with care, to see whether they are rare at all.
_SAMPLE: Final = 1_000
#: So many signs of code at the beginning of an answer: it is code.
_CODE: Final = 8
#: Scripts that several languages are written in, and how many short words a question and an answer share if they are in
#: one of them. Any other script says which language it is, as well as need be.
_OF_SEVERAL: Final = {"latin": 3, "cyrillic": 2, "arabic": 2, "devanagari": 2}
#: What is counted: exchanges of which both texts are long enough.
_COMPARED: Final = 0
_EXCERPT: Final = 80

#: Two languages that even two detectors take for each other on a few sentences.
_ALIKE: Final = ({"no", "da"}, {"cs", "sk"}, {"bg", "mk"}, {"hr", "sl"}, {"hi", "mr", "ne"}, {"af", "nl"}, {"id", "tl"})


class AnswerLanguageMismatchOptions(RuleOptions):
    max_share: float = Field(
        0.15,
        gt=0,
        le=1,
        description="nothing is reported if more than this share of the answers is in another language than asked in",
    )


class _Exchange(NamedTuple):
    """The last answer of an example, as an index of `Batch.turns`, the question that it answers, and what others than
    the assistant said: the first `known` of these texts stand before the answer."""

    answer: int
    question: str
    others: list[str]
    known: int

    @property
    def before(self) -> str:
        """What was said before the answer, as one text, as far as it may hold an instruction."""
        return "\n".join(self.others[: self.known])[:_INSTRUCTIONS]


class AnswerLanguageMismatch(SuspectsRule):
    """The answer is in another language than the question.

    ## What it does
    Compares the language of the last answer of each conversation with that of the question before it, and reports those
    that differ, as long as they are rare: at most 15 % (`max_share`) of the answers. In a data set of translations, or
    one whose answers are always in English, a difference is what is wanted, and nothing is reported.

    Both texts must be long enough, about 40 letters of prose (14 Chinese characters); code, markup, formulas and
    addresses are left out. Two detectors must agree on either language and be sure of it. Nothing is said of an answer
    in a language that a part of the question is in, or that the system prompt or a user names (`in French`), nor where
    somebody speaks of translation or of languages.

    ## Why it matters
    A model that is trained on a few answers in the wrong language switches language now and then, which users notice
    before anything else. Such answers come from mixed sources, and from models that slipped when the data was made.

    ## Example
    ```json
    {"role": "user", "content": "¿Cuál es la mejor época del año para plantar tomates en el huerto?"}
    {"role": "assistant", "content": "The best time to plant tomatoes is in spring, after the last frost has passed."}
    ```

    ## Fix
    None: translate the answer, or take the example out.

    ## Source
    Marchisio et al., Understanding and Mitigating Language Confusion in LLMs, 2024, https://arxiv.org/abs/2406.20052
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="LNG002",
        name="answer-language-mismatch",
        severity=Severity.WARNING,
        message="the answer is in {answer}, the question in {question}",
        summary="the answer is in another language than the question, where that is rare",
    )
    Options = AnswerLanguageMismatchOptions

    def map(self, batch: Batch) -> Suspects:
        turns = batch.turns
        found: list[int] = []
        compared = 0
        for row, exchange in _exchanges(batch).items():
            answer, question = turns.text[exchange.answer], exchange.question
            if len(answer) < _SHORT_UNSPACED or len(question) < _SHORT_UNSPACED:
                continue
            compared += 1
            if _plainly_alike(question, answer):
                continue
            said = quick_reading(answer)
            asked = quick_reading(question) if said != UNKNOWN else UNKNOWN
            if asked not in (said, UNKNOWN) and not asks_for_language(exchange.before):
                found.append(row)
        return suspects({_COMPARED: compared}, {"row": batch.keys[found]})

    def finish(self, state: Suspects, rows: Rows) -> Iterator[Finding]:
        columns = state.columns(rows)
        if not columns:
            return
        keys = columns["row"]
        most = self.options.max_share * state.counts[_COMPARED]
        if len(keys) > _SAMPLE:
            # Reading with care takes milliseconds: a thousand of them, evenly spread, say how many are to be expected.
            some = keys[:: len(keys) // _SAMPLE]
            if sum(1 for _ in self._confirmed(some, rows)) * len(keys) > most * len(some):
                return
        found = list(self._confirmed(keys, rows))
        if len(found) <= most:
            yield from found

    def _confirmed(self, keys: NDArray[np.uint64], rows: Rows) -> Iterator[Finding]:
        for batch in rows.batches(keys):
            turns = batch.turns
            for row, exchange in _exchanges(batch).items():
                text = turns.text[exchange.answer]
                languages = _mismatch(exchange.question, text, exchange.before)
                if languages is not None:
                    asked, said = languages
                    args = {
                        "answer": language_name(said),
                        "answer_code": said,
                        "question": language_name(asked),
                        "question_code": asked,
                        "excerpt": beginning(text, _EXCERPT),
                    }
                    yield self.at(batch, row, turns.pointer(exchange.answer), args=args)


def _exchanges(batch: Batch) -> dict[int, _Exchange]:
    """The last exchange of each example that has one, by its index in the batch."""
    turns = batch.turns
    out: dict[int, _Exchange] = {}
    row = -1
    question = -1
    before: list[str] = []
    for turn, (at, role) in enumerate(zip(turns.row, turns.role, strict=True)):
        if at != row:
            row, question, before = at, -1, []
        if role == "assistant":
            if question >= 0:
                out[row] = _Exchange(turn, turns.text[question], before, len(before))
        else:
            before.append(turns.text[turn])
            if role == "user":
                question = turn
    return out


def _plainly_alike(question: str, answer: str) -> bool:
    """Whether two texts are in one language beyond doubt, or one of them is too short or code: nearly all exchanges of
    a data set in one language are, and detecting languages would cost ten times as much."""
    answer, question = answer[:_HEAD], question[:_HEAD]
    if (_english(answer) or sum(map(answer.count, "(){}=;")) >= _CODE) and _english(question):
        return True
    script = main_script(answer)
    if script != main_script(question):
        return not script
    if script not in _OF_SEVERAL or len(answer) < _SHORT or len(question) < _SHORT:
        return True
    # Short words are those that hold a sentence together, and no two languages share many of them.
    shared = {word for word in answer.lower().split() if len(word) <= 4 and word[0].isalpha()}
    return len(shared.intersection(question.lower().split())) >= _OF_SEVERAL[script]


def _english(text: str) -> bool:
    """Whether `text`, the beginning of one, has a word that only English texts have, as far as that can be said."""
    return (
        " the " in text
        or " and " in text
        or " of " in text
        or " with " in text
        or " you" in text
        or " that " in text
        or " this " in text
        or text.startswith(("The ", "What ", "How ", "Which "))
    )


def _mismatch(question: str, answer: str, before: str) -> tuple[str, str] | None:
    """The language of the question and that of the answer, if they differ and nobody asked for it."""
    said = careful_reading(prose_of(answer))
    asked = _asked_in(question) if said is not None else None
    if asked is None or said is None or asked == said.language:
        return None
    if any({asked, said.language} <= group for group in _ALIKE):
        return None
    if asks_for_language(before, said.language):
        return None
    for part in _parts(question):
        reading = careful_reading(part)
        if reading is not None and reading.language == said.language:
            return None
    return asked, said.language


def _asked_in(question: str) -> str | None:
    """The language of a question; a short one is in English if it has words that only English has."""
    reading = careful_reading(prose_of(question))
    if reading is not None:
        return reading.language
    return "en" if question.isascii() and _english(question[:_HEAD]) else None


def _parts(question: str) -> Iterator[str]:
    """What may be the instruction in a question that quotes a text: its first and its last sentences and lines."""
    lines = [line for line in question.split("\n") if line.strip()]
    yield prose_of(question[: _HEAD // 2])
    yield prose_of(question[-_HEAD // 2 :])
    yield prose_of(question[-_HEAD:])
    yield prose_of(lines[0])
    yield prose_of(lines[-1])
