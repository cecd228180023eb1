"""SEC002 private-key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from dsprep.folds.sensitive import SensitiveRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.rule import FixAvailability, RuleMeta
from dsprep.text.sensitive.credentials import PRIVATE_KEY_MARKS, private_key_spots
from dsprep.text.sensitive.spots import Spot, holding
from dsprep.text.turn_bytes import TURN_BYTES


class PrivateKey(SensitiveRule):
    """A text holds a private key.

    ## What it does
    Finds private keys in PEM form (RSA, EC, DSA, OpenSSH, PKCS #8, encrypted or not, PGP), whole or cut off, with real
    line ends or `\\\\n` in their place, and key files of PuTTY. Reports and JSON show nothing of what is inside.

    Left alone are blocks without the body of a key (`...`, `MIIE… your key here`), and public keys and certificates.
    Arguments of tool calls are looked at, too.

    ## Why it matters
    Whoever gets the data, or the model to repeat it, can log in or sign with the key. Replace it: taking it out of the
    data does not help where the data has been.

    ## Example
    ```json
    {"role": "user", "content": "-----BEGIN EC PRIVATE KEY-----\\nMHcCAQEEIA5r…\\n-----END EC PRIVATE KEY-----"}
    ```

    ## Fix
    Unsafe. `[PRIVATE_KEY]` takes the place of the block, with `--redact pseudonym`, too. `--diff`, files of rejected
    rows and the file of changes that `--fix` leaves show the text as it was.

    ## Source
    RFC 7468 (PEM); the documentation of OpenSSH and PuTTY.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="SEC002",
        name="private-key",
        severity=Severity.ERROR,
        message="a private key in the text ({kinds})",
        summary="A text holds a private key.",
        fix=FixAvailability.ALWAYS,
    )

    def suspects(self, batch: Batch) -> Iterable[int]:
        joined = batch.get(TURN_BYTES)
        return holding(joined, joined.data, PRIVATE_KEY_MARKS)

    def spots(self, text: str) -> Iterator[Spot]:
        return private_key_spots(text)
