"""SEC001 api-key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from dsprep.folds.sensitive import SensitiveRule
from dsprep.model.batch import Batch
from dsprep.model.finding import Severity
from dsprep.model.rule import FixAvailability, RuleMeta
from dsprep.text.sensitive.credentials import RUN, api_key_spots
from dsprep.text.sensitive.spots import Spot, long_tokens


class ApiKey(SensitiveRule):
    """A text holds an API key or an access token.

    ## What it does
    Finds keys by the formats of their providers (AWS, Anthropic, Azure, Databricks, DigitalOcean, GitHub, GitLab,
    Google, Hugging Face, npm, OpenAI, PyPI, SendGrid, Slack, Stripe, Twilio and some thirty more), JSON Web Tokens
    whose header and payload are JSON, webhooks of Slack and Discord, and strings that look drawn by lot (letters and
    digits, 20 characters or more, high entropy) where they are assigned to a name such as `api_key`, `secret`, `token`
    or `password`, or stand behind `Bearer`. Reports and JSON show no more of each than its first four and last two
    characters.

    Placeholders are left alone (`sk-xxxx…`, `YOUR_API_KEY`, `AKIAIOSFODNN7EXAMPLE`, `<token>`), and so are UUIDs,
    hashes, identifiers made of words, and strings that are assigned to nothing. Short passwords are not found.
    Arguments of tool calls are looked at, too. Nothing is sent anywhere to find out whether a key still works.

    ## Why it matters
    Whoever gets the data, or the model to repeat it, can use the key. Revoke it: taking it out of the data does not
    help where the data has been.

    ## Example
    ```json
    {"role": "user", "content": "It fails: client = Client(api_key=\\"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\\")"}
    ```

    ## Fix
    Unsafe. `[API_KEY]` takes the place of each, with `--redact pseudonym`, too. `--diff`, files of rejected rows and
    the file of changes that `--fix` leaves show the text as it was.

    ## Source
    The providers' documentation; detect-secrets for JSON Web Tokens, entropy and strings that count up.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="SEC001",
        name="api-key",
        severity=Severity.ERROR,
        message="keys or tokens in the text: {what} ({kinds})",
        summary="A text holds an API key or an access token.",
        fix=FixAvailability.ALWAYS,
    )

    def suspects(self, batch: Batch) -> Iterable[int]:
        return long_tokens(batch, RUN)

    def spots(self, text: str) -> Iterator[Spot]:
        return api_key_spots(text)
