"""PII003 payment-card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from dsprep.folds.sensitive import SensitiveRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.rule import FixAvailability, RuleMeta
from dsprep.text.sensitive.cards import SHAPES_OF, card_spots
from dsprep.text.sensitive.spots import SHAPES, Spot, holding
from dsprep.text.turn_bytes import TURN_BYTES


class PaymentCard(SensitiveRule):
    """A text holds the number of a payment card.

    ## What it does
    Finds numbers with the prefix and length of a card network (Visa, Mastercard, American Express, Discover, JCB,
    Diners Club, UnionPay, Maestro) and a right check digit, in one run or in groups. Reports and JSON show no more of
    each than its first four and last two digits.

    Left alone are the numbers that networks and payment services publish for tests (`4242 4242 4242 4242`, `4111 1111
    1111 1111` and some hundred others); numbers that a word before them says to be of an order, a parcel, an invoice or
    the like; pieces of longer numbers; and, unless a word such as `card` stands near, numbers in sums and those of 13
    or 14 digits in one run, as a time in milliseconds and an article number have. Arguments of tool calls are
    looked at, too.

    ## Why it matters
    A model can give away what it was trained on. Card numbers outside of what PCI DSS lays down for them are a breach
    in themselves.

    ## Example
    ```json
    {"role": "user", "content": "My card is 4539 1488 0343 6467, expiring 04/27."}
    ```

    ## Fix
    Unsafe. `[CARD]` takes the place of each number. With `--redact pseudonym` it is a test number of the same kind of
    card, the same one for the same number throughout the data; there are few of them, so many cards share one.
    `--diff`, files of rejected rows and the file of changes that `--fix` leaves show the text as it was.

    ## Source
    ISO/IEC 7812-1; test numbers as Stripe, Adyen, Braintree, PayPal and Worldpay document them.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="PII003",
        name="payment-card",
        severity=Severity.ERROR,
        message="payment card numbers in the text: {what} ({kinds})",
        summary="A text holds the number of a payment card.",
        fix=FixAvailability.ALWAYS,
    )

    def suspects(self, batch: Batch) -> Iterable[int]:
        return holding(batch.get(TURN_BYTES), batch.get(SHAPES), SHAPES_OF)

    def spots(self, text: str) -> Iterator[Spot]:
        return card_spots(text)
