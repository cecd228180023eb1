"""PII001 email-address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from pydantic import Field

from dsprep.folds.sensitive import SensitiveRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.rule import FixAvailability, RuleMeta, RuleOptions
from dsprep.text.sensitive.emails import AT_BYTES, email_spots
from dsprep.text.sensitive.spots import Spot
from dsprep.text.turn_bytes import TURN_BYTES


class EmailAddressOptions(RuleOptions):
    allow: tuple[str, ...] = Field(
        (), description="addresses and domains not to report, such as `info@acme.org` or `acme.org`"
    )


class EmailAddress(SensitiveRule):
    """A text holds an e-mail address.

    ## What it does
    Finds e-mail addresses in the texts of messages, one finding a text. Reports and JSON show no more of each than its
    first four and last two characters.

    Left alone are addresses that nobody has: those of `example.com` and the other domains of RFC 2606, placeholders
    (`you@yourdomain.com`, `john.doe@…`), senders that take no answers (`noreply@`). So are logins (`git@github.com:…`,
    `ssh deploy@host`, `https://user@host`) and code (`x@w.to(y)`). A text that holds only addresses of an office
    (`info@`, `support@` …) is an info. Addresses that were written to escape programs (`anna [at] web [dot] de`) are
    not found. Arguments of tool calls are looked at, too.

    ## Why it matters
    A model can give away what it was trained on, and the address of a person is personal data, which you need a reason
    to process.

    ## Example
    ```json
    {"role": "user", "content": "Please write to anna.keller@gmx.de."}
    ```

    ## Fix
    Unsafe. `[EMAIL]` takes the place of each address. With `--redact pseudonym` it is a made-up address under
    example.com, .net or .org, the same one for the same address throughout the data. `--diff`, files of rejected rows
    and the file of changes that `--fix` leaves show the text as it was.

    ## Source
    RFC 5322 (addresses), RFC 2606 and RFC 6761 (reserved domains), RFC 2142 (names of offices).
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="PII001",
        name="email-address",
        severity=Severity.WARNING,
        message="e-mail addresses in the text: {what}",
        summary="A text holds an e-mail address.",
        fix=FixAvailability.ALWAYS,
    )
    Options = EmailAddressOptions

    def suspects(self, batch: Batch) -> Iterable[int]:
        return batch.get(TURN_BYTES).holding(AT_BYTES)

    def spots(self, text: str) -> Iterator[Spot]:
        allowed = {name.lower().lstrip("@") for name in self.options.allow}
        for spot in email_spots(text):
            if not allowed or not ({spot.canonical, spot.canonical.rpartition("@")[2]} & allowed):
                yield spot
