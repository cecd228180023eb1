"""SEC004 url-credentials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from dsprep.folds.sensitive import SensitiveRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.rule import FixAvailability, RuleMeta
from dsprep.text.sensitive.credentials import URL_BYTES, url_credential_spots
from dsprep.text.sensitive.spots import Spot
from dsprep.text.turn_bytes import TURN_BYTES


class UrlCredentials(SensitiveRule):
    """A URL in a text holds a user and a password.

    ## What it does
    Finds `scheme://user:password@host` in the texts of messages: web pages, databases, queues, repositories. Reports
    and JSON show nothing of user and password.

    Left alone are names that stand for them (`username:password@`, `$USER:$PASS@`, `{user}:{password}@`, `<token>`),
    the passwords that programs come with (`postgres:postgres@`, `guest:guest@`), and hosts that everybody has
    (`localhost`) or nobody (`example.com`). Arguments of tool calls are looked at, too.

    ## Why it matters
    Whoever gets the data, or the model to repeat it, can log in. Change the password: taking it out of the data does
    not help where the data has been.

    ## Example
    ```json
    {"role": "user", "content": "postgres://billing:Tr4verse-91@db.acme-shop.net:5432/orders times out"}
    ```

    ## Fix
    Unsafe. User and password are removed, with the `@` behind them: `postgres://db.acme-shop.net:5432/orders`.
    `--diff`, files of rejected rows and the file of changes that `--fix` leaves show the text as it was.

    ## Source
    RFC 3986, section 3.2.1: user information with a password is deprecated.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="SEC004",
        name="url-credentials",
        severity=Severity.ERROR,
        message="user and password in a URL ({kinds})",
        summary="A URL in a text holds a user and a password.",
        fix=FixAvailability.ALWAYS,
    )

    def suspects(self, batch: Batch) -> Iterable[int]:
        return batch.get(TURN_BYTES).holding(URL_BYTES)

    def spots(self, text: str) -> Iterator[Spot]:
        return url_credential_spots(text)
