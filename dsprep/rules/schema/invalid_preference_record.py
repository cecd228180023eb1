"""SCH014 invalid-preference-record."""

from __future__ import annotations

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class InvalidPreferenceRecord(SchemaFaultRule):
    """A preference record of the wrong shape.

    ## What it does
    Looks at records that were clearly meant to be preference records, whatever the target, as they have one of the
    keys: OpenAI's `input`, `preferred_output` and `non_preferred_output`, or TRL's `prompt`, `chosen` and `rejected`
    (the prompt may be left to the messages with which both answers begin). Reports missing keys, the names of an older
    specification (`preferred_completion`), answers that are not one message of the assistant, that are empty, or that
    hold images where text alone is taken, and a mixture of texts and lists of messages. Where the target takes
    preference records alone, every other record is reported, with what it lacks.

    ## Why it matters
    A backend refuses the file, or trains on half of a pair.

    ## Example
    ```json
    {"input": {"messages": [{"role": "user", "content": "Who wrote Emma?"}]},
     "preferred_output": [{"role": "assistant", "content": "Jane Austen."}]}
    ```
    Use instead:
    ```json
    {"input": {"messages": [{"role": "user", "content": "Who wrote Emma?"}]},
     "preferred_output": [{"role": "assistant", "content": "Jane Austen."}],
     "non_preferred_output": [{"role": "assistant", "content": "Some novelist."}]}
    ```

    ## Fix
    None: what is missing is not known.

    ## Source
    OpenAI's guide to direct preference optimization,
    https://developers.openai.com/api/docs/guides/direct-preference-optimization; TRL, "Dataset formats and types",
    https://huggingface.co/docs/trl/dataset_formats
    """

    meta = RuleMeta(
        code="SCH014",
        name="invalid-preference-record",
        severity=Severity.ERROR,
        message="{problem}",
        summary="a DPO record of the wrong shape",
    )
