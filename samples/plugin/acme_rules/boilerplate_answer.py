"""ACM001 boilerplate-answer."""

from collections.abc import Iterator

from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, DropRow, Fix
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta, RuleOptions


class BoilerplateOptions(RuleOptions):
    phrases: tuple[str, ...] = Field(("as an ai language model",), description="What to look for, in small letters.")


class BoilerplateAnswer(ExampleRule):
    """An answer holds a phrase by which another model speaks of itself.

    ## What it does
    Looks for the `phrases` in the assistant's texts; case does not matter.

    ## Why it matters
    The model learns to say that it is somebody else.

    ## Example
    `As an AI language model, I cannot taste coffee.`

    ## Fix
    Drops the row. Unsafe, as every fix that drops rows.

    ## Source
    Our own answers of last year.
    """

    meta = RuleMeta(
        code="ACM001",
        name="boilerplate-answer",
        severity=Severity.WARNING,
        message="the assistant says {phrase!r}",
        summary="a phrase by which another model speaks of itself",
        fix=FixAvailability.ALWAYS,
    )
    Options = BoilerplateOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        for turn, role in enumerate(turns.role):
            if role != "assistant":
                continue
            text = turns.text[turn]
            folded = text.casefold()
            for phrase in self.options.phrases:
                if (at := folded.find(phrase)) >= 0:
                    yield self.at(
                        batch,
                        turns.row[turn],
                        turns.pointer(turn),
                        args={"phrase": phrase, "excerpt": text[at : at + 80]},
                        fix=Fix(Applicability.UNSAFE, (DropRow(),)),
                    )
