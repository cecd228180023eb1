"""SET003 too-large."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from dsprep.folds.sizes import SizesRule, SizeState
from dsprep.folds.splits import ordered
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta, RuleOptions
from dsprep.model.target import Limit


class TooLargeOptions(RuleOptions):
    """Options of too-large."""

    max_bytes: int | None = Field(
        None, ge=1, description="The most bytes of one split; without it, the target's limit."
    )
    max_rows: int | None = Field(None, ge=1, description="The most rows of one split; without it, the target's limit.")


class TooLarge(SizesRule):
    """A split has more bytes or rows than the target takes in one file.

    ## What it does
    Adds up the bytes of the records of each split as they are in the source, line ends included, and counts its rows:
    a job takes one file per split. A limit that is unverified only warns. Data that is to be converted can become
    larger than it is.

    ## Why it matters
    The upload, or the job, is refused.

    ## Example
    600,000,000 bytes of training data for `openai`, which takes 536,870,912.

    ## Fix
    None by machine. Drop duplicates and rows that teach nothing new, or take a sample.

    ## Source
    The target's file names it: `source` and `as_of` of `max_file_bytes` and `max_rows` in `rules/targets/`. For
    OpenAI: <https://github.com/openai/openai-openapi>, "Individual files can be up to 512 MB".
    """

    meta = RuleMeta(
        code="SET003",
        name="too-large",
        severity=Severity.ERROR,
        message="{split} has {amount:,} {unit}; {target} takes at most {limit:,}",
        summary="more bytes or rows than the target takes",
        about=("split", "unit"),
    )

    Options = TooLargeOptions

    def finish(self, state: SizeState, rows: Rows) -> Iterator[Finding]:
        target = self.context.target
        for unit, limit, amounts in (
            ("bytes", _limit(self.options.max_bytes, "max_bytes") or target.max_file_bytes, state.bytes),
            ("rows", _limit(self.options.max_rows, "max_rows") or target.max_rows, state.rows),
        ):
            if limit is None:
                continue
            for split in ordered(amounts):
                if amounts[split] <= limit.value:
                    continue
                yield self.finding(
                    rows.dataset,
                    args={
                        "split": split,
                        "amount": amounts[split],
                        "unit": unit,
                        "limit": limit.value,
                        "target": target.name,
                        "source": limit.source,
                        "unverified": limit.unverified,
                    },
                    severity=self.under([limit]),
                    rows=state.rows[split],
                )


def _limit(value: int | None, option: str) -> Limit | None:
    return None if value is None else Limit(value=value, source=f"option {option}")
