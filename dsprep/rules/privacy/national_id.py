"""PII004 national-id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from pydantic import Field, field_validator

from dsprep.folds.sensitive import SensitiveRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.rule import FixAvailability, RuleMeta, RuleOptions
from dsprep.text.sensitive.identifiers import KINDS, SHAPES_OF, national_id_spots
from dsprep.text.sensitive.spots import SHAPES, Spot, holding
from dsprep.text.turn_bytes import TURN_BYTES


class NationalIdOptions(RuleOptions):
    kinds: tuple[str, ...] = Field(KINDS, description="which numbers to look for")

    @field_validator("kinds")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted({*value} - {*KINDS}):
            raise ValueError(f"no such kind: {', '.join(unknown)}; there are {', '.join(KINDS)}")
        return value


class NationalId(SensitiveRule):
    """A text holds a number by which a state or a bank knows a person.

    ## What it does
    Finds bank accounts (IBAN), social security numbers (US, with hyphens, or near the letters SSN), and numbers of
    persons, taxpayers and patients of some fifty countries, each with its check digits, dates and areas as
    python-stdnum knows them. Where these let one number in ten or twenty pass, or where there are none, a word must
    stand near that names the number (`DNI`, `PESEL`, `Steuer-ID` …); where the usual form is a check in itself, none is
    needed (IBAN, `123.456.789-09` in Brazil, `85.07.30-033.28` in Belgium, CURP, codice fiscale, the identity numbers
    of China and Korea, NIR). `kinds` narrows it. Reports and JSON show no more of each than its first four and last two
    characters.

    Left alone are numbers printed in documentation and on specimens. Passports and driving licences are not looked for:
    nothing tells their numbers from others. Arguments of tool calls are looked at, too.

    ## Why it matters
    With such a number and a name somebody can be impersonated. A model can give away what it was trained on.

    ## Example
    ```json
    {"role": "user", "content": "Please pay to DE02 1203 0000 0000 2020 51."}
    ```

    ## Fix
    Unsafe. `[IBAN]`, `[SSN]` or `[NATIONAL_ID]` takes the place of each number. With `--redact pseudonym` it is a
    number of the same form that no check lets through, the same one for the same number throughout the data. `--diff`,
    files of rejected rows and the file of changes that `--fix` leaves show the text as it was.

    ## Source
    python-stdnum; ISO 13616 for IBAN; the US Social Security Administration for areas that are not given out.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="PII004",
        name="national-id",
        severity=Severity.WARNING,
        message="numbers of persons or accounts in the text: {what} ({kinds})",
        summary="A text holds a number by which a state or a bank knows a person.",
        fix=FixAvailability.ALWAYS,
    )
    Options = NationalIdOptions

    def suspects(self, batch: Batch) -> Iterable[int]:
        return holding(batch.get(TURN_BYTES), batch.get(SHAPES), SHAPES_OF)

    def spots(self, text: str) -> Iterator[Spot]:
        return national_id_spots(text, self.options.kinds)
