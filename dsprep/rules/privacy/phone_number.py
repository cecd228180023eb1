"""PII002 phone-number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from pydantic import Field, field_validator

from dsprep.folds.sensitive import SensitiveRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.rule import FixAvailability, RuleMeta, RuleOptions
from dsprep.text.sensitive.phones import NATIONAL_SHAPES, SHAPES_OF, known_regions, phone_spots
from dsprep.text.sensitive.spots import SHAPES, Spot, holding
from dsprep.text.turn_bytes import TURN_BYTES


class PhoneNumberOptions(RuleOptions):
    regions: tuple[str, ...] = Field(
        (),
        description="countries whose numbers are found as they are written there, too, such as `DE` or `GB` (ISO 3166)",
    )

    @field_validator("regions")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        regions = tuple(region.upper() for region in value)
        if regions and (unknown := sorted({*regions} - known_regions())):
            raise ValueError(f"no such region: {', '.join(unknown)}; give ISO 3166 codes of two letters, such as DE")
        return regions


class PhoneNumber(SensitiveRule):
    """A text holds a telephone number.

    ## What it does
    Finds telephone numbers that could have been given out, by the numbering plans that phonenumbers brings along:
    international ones with a plus sign (`+49 30 …`), and North American ones as they are usually written (`(415)
    867-…`, `415-867-…`; with spaces alone only near a word such as `phone`). Numbers as they are written at home in
    other countries look like any others, so you have to name the countries in `regions`. One finding a text; reports
    and JSON show no more of each number than its first four and last two characters.

    Left alone are numbers set aside for films and documents (`555-0100` to `555-0199`, Ofcom's, ACMA's), numbers that
    only count up, and digits that belong to a card, an account or a sum. Numbers of companies and hotlines are numbers
    like others. Arguments of tool calls are looked at, too.

    ## Why it matters
    A model can give away what it was trained on, and the number of a person is personal data, which you need a reason
    to process. A number that the model half remembers rings somebody else.

    ## Example
    ```json
    {"role": "user", "content": "Ring me at +44 20 8743 8000."}
    ```

    ## Fix
    Unsafe. `[PHONE]` takes the place of each number. With `--redact pseudonym` it is a fictional North American number,
    the same one for the same number throughout the data; there are 80,000, so in large data two may share one.
    `--diff`, files of rejected rows and the file of changes that `--fix` leaves show the text as it was.

    ## Source
    libphonenumber's metadata; NANPA, Ofcom, ACMA and Arcep for fictional numbers.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="PII002",
        name="phone-number",
        severity=Severity.WARNING,
        message="telephone numbers in the text: {what}",
        summary="A text holds a telephone number.",
        fix=FixAvailability.ALWAYS,
    )
    Options = PhoneNumberOptions

    def suspects(self, batch: Batch) -> Iterable[int]:
        shapes = SHAPES_OF + NATIONAL_SHAPES if self.options.regions else SHAPES_OF
        return holding(batch.get(TURN_BYTES), batch.get(SHAPES), shapes)

    def spots(self, text: str) -> Iterator[Spot]:
        return phone_spots(text, self.options.regions)
