"""SCH002 missing-messages."""

from __future__ import annotations

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class MissingMessages(SchemaFaultRule):
    """A record has no `messages`, and no other format that is known.

    ## What it does
    Reports objects without the key `messages` that are not in another known format either (prompt and completion,
    Alpaca, ShareGPT: `legacy-format` reports those), and names the keys that they have.

    ## Why it matters
    Without messages there is no conversation to train on, and backends refuse the file.

    ## Example
    ```json
    {"text": "Great phone!", "sentiment": "positive"}
    ```
    Use instead:
    ```json
    {"messages": [{"role": "user", "content": "Great phone!"}, {"role": "assistant", "content": "positive"}]}
    ```

    ## Fix
    None by itself. `dsprep convert --to chat` with `--user` and `--assistant` says which keys become which message.

    ## Source
    OpenAI's API reference, the chat format of fine-tuning input; its cookbook, "Data preparation and analysis for chat
    model fine-tuning", checks the same.
    """

    meta = RuleMeta(
        code="SCH002",
        name="missing-messages",
        severity=Severity.ERROR,
        message="no `messages`; the record has {keys}",
        summary="no `messages`",
    )
