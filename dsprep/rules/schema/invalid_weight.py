"""SCH009 invalid-weight."""

from __future__ import annotations

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleMeta


class InvalidWeight(SchemaFaultRule):
    """A message's weight is neither 0 nor 1, or the message cannot carry one.

    ## What it does
    Reports weights other than the integers 0 and 1 (`true`, `1.0` and `"1"` are none), and weights on messages of a
    role that the target does not train on.

    ## Why it matters
    A weight says whether a message is learnt (1) or only read (0). Backends refuse other values, and a weight on a
    user message does not do what its author hoped.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "hi", "weight": 0},
                  {"role": "assistant", "content": "hello", "weight": 0.5}]}
    ```

    ## Fix
    None: whether the message should be learnt is your decision.

    ## Source
    OpenAI's API reference, the assistant message of chat fine-tuning input: `weight` is 0 or 1.
    """

    meta = RuleMeta(
        code="SCH009",
        name="invalid-weight",
        severity=Severity.ERROR,
        message="weight {weight} of role {role}; it must be the integer 0 or 1, on {roles} messages only",
        summary="a weight other than 0 or 1, or on a message that cannot carry one",
    )
