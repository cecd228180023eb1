"""LNG001 unexpected-language."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, KeyedRule, Rows, RuleMeta, RuleOptions
from dsprep.text.language import LANGUAGE, LANGUAGES, careful_reading, language_name, language_number, prose, prose_of
from dsprep.text.language_names import asks_for_language
from dsprep.text.sensitive.showing import beginning

#: A few examples are no main language, whatever share of a small data set they are.
_FEWEST = 3
_EXCERPT = 80
#: What asks for a language stands within so many characters of a text.
_INSTRUCTIONS = 20_000

#: After so many examples of one foreign language, nearly all of them confirmed, the fast detector has proved itself on
#: it: confirming the rest one by one would take minutes and hold no surprise.
_PROOF = 1_000
_PROVED = 0.9


class UnexpectedLanguageOptions(RuleOptions):
    languages: tuple[str, ...] = Field(
        (), description="the languages to expect, ISO 639 codes such as `en`; by default the data's main ones"
    )
    min_share: float = Field(
        0.05, gt=0, le=1, description="a main language has at least this share of what the commonest one has"
    )

    @field_validator("languages")
    @classmethod
    def _known(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        for code in languages:
            if language_number(code) < 0:
                raise ValueError(f"{code!r} cannot be detected; use ISO 639 codes such as en, de or zh")
        return languages


class UnexpectedLanguage(KeyedRule):
    """An example is in another language than the rest.

    ## What it does
    Guesses the language of what user and assistant say in each example, and reports those in none of `languages`. By
    default these are the data's own main languages: the commonest one, and those with at least 5 % (`min_share`) as
    many examples as it has, and three at least. So data in a dozen languages has a dozen main ones. The finding says
    which they are.

    Two detectors must agree on the language, and each be sure of it. Code, markup, formulas and addresses are left out;
    texts of less than about 40 letters (14 Chinese characters) are not judged, nor are those that mix languages, or in
    which the system prompt or a user asks for the language, or speaks of languages, in another one. When 1,000 examples
    of one language have been confirmed by both, the fast detector alone judges the rest, more strictly.

    ## Why it matters
    A few answers in another language, left over in scraped or machine-translated data, are enough for a model to
    change its language now and then.

    ## Example
    Among English examples:
    ```json
    {"role": "assistant", "content": "Lo siento, pero no puedo ayudarle con esa pregunta en este momento."}
    ```

    ## Fix
    None. Name all the languages that the data should have in `languages`, or take the examples out.

    ## Source
    fastText, "Language identification" (model lid.176); Nakatani Shuyo, language-detection.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="LNG001",
        name="unexpected-language",
        severity=Severity.WARNING,
        message="{language}, where {expected} is expected",
        summary="An example is in another language than the rest.",
    )
    Options = UnexpectedLanguageOptions

    def emit(self, batch: Batch) -> Columns | None:
        languages = batch.get(LANGUAGE)
        known = languages >= 0
        return {"row": batch.keys[known], "lang": languages[known].astype(np.uint8)}

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        expected = self._expected(columns["lang"])
        doubtful = ~np.isin(columns["lang"], expected)
        if not doubtful.any():
            return
        codes = sorted(LANGUAGES[number] for number in expected)
        told = " or ".join(map(language_name, codes))
        tried: Counter[int] = Counter()
        agreed: Counter[int] = Counter()
        for batch in rows.batches(columns["row"][doubtful]):
            for i, example in enumerate(batch.examples):
                if example is None:
                    continue
                number = int(columns["lang"][np.searchsorted(columns["row"], batch.keys[i])])
                text = prose(example)
                proved = tried[number] >= _PROOF and agreed[number] >= _PROVED * tried[number]
                reading = careful_reading(text, confirm=not proved)
                if not proved:
                    tried[number] += 1
                    agreed[number] += reading is not None and reading.language == LANGUAGES[number]
                if reading is None or reading.language in codes or _is_asked_for(batch, i, reading.language):
                    continue
                yield self.at(
                    batch,
                    i,
                    args={
                        "language": language_name(reading.language),
                        "code": reading.language,
                        "expected": told,
                        "expected_codes": codes,
                        "probability": round(reading.fast, 2),
                        "excerpt": beginning(text, _EXCERPT),
                    },
                )

    def _expected(self, languages: NDArray[np.uint8]) -> list[int]:
        """The numbers of the languages to expect, ascending."""
        if self.options.languages:
            return sorted({language_number(code) for code in self.options.languages})
        counts = Counter(languages.tolist())
        most = max(counts.values(), default=0)
        # Of the commonest, not of all: of twenty equally common languages none would have a twentieth of a rest.
        fewest = max(_FEWEST, self.options.min_share * most)
        return sorted(number for number, count in counts.items() if count == most or count >= fewest)


def _is_asked_for(batch: Batch, row: int, language: str) -> bool:
    """Whether the system prompt or a user names the language that an example is in, or speaks of languages; in that
    language itself, it is no wish for it."""
    turns = batch.turns
    some = range(bisect_left(turns.row, row), bisect_right(turns.row, row))
    for text in (turns.text[turn][:_INSTRUCTIONS] for turn in some if turns.role[turn] != "assistant"):
        if asks_for_language(text, language):
            reading = careful_reading(prose_of(text))
            if reading is None or reading.language != language:
                return True
    return False
