"""SCH011 mixed-formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dsprep.folds.keyed import place
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.location import Location
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule, Rows, RuleMeta
from dsprep.text.preference import OPENAI, TRL


@dataclass(frozen=True, slots=True)
class Seen:
    """The records of one format in one file: how many, and the first of them."""

    count: int
    key: int
    first: Location

    def merged(self, other: Seen) -> Seen:
        """The records of both; neither operand is changed."""
        earlier = min(self, other, key=lambda seen: seen.key)
        return Seen(self.count + other.count, earlier.key, earlier.first)


#: By file and format.
State = Mapping[tuple[str, str], Seen]

#: Which target takes preference records of that format.
_TAKEN_BY = {OPENAI: "openai-dpo", TRL: "trl"}


class MixedFormats(FoldRule[State]):
    """The records of a file are of different formats, or of one that the target cannot take.

    ## What it does
    Counts the records of each file by format: chat, preference (OpenAI's shape, and TRL's), prompt and completion,
    Alpaca, ShareGPT, Mistral, Vertex AI, Bedrock (two of them), ChatML, Llama 2 and Llama 3. One finding per file with
    more than one of them, with the first place of each but the commonest. Preference records are reported, in one
    finding per file as well, if the target takes no such records. Objects in no known format do not count:
    missing-messages reports them.

    ## Why it matters
    A file goes to one trainer, which reads one format. Others it refuses, or reads what it knows of them: of preference
    data the answer alone, and not what it was preferred to. Mostly two exports were put together by mistake.

    ## Example
    ```json
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    {"prompt": "Hi", "chosen": "Hello.", "rejected": "What?"}
    ```

    ## Fix
    None by itself. `legacy-format` converts what says the same in chat; `dsprep convert --to chat` keeps the chosen
    answer of preference records alone, and says that the other one is lost.

    ## Source
    TRL, "Dataset formats and types", https://huggingface.co/docs/trl/dataset_formats; Together's guide to fine-tuning
    data, which says that a file that fits two formats is refused.
    """

    meta = RuleMeta(
        code="SCH011",
        name="mixed-formats",
        severity=Severity.ERROR,
        message="{problem}",
        summary="records of different formats in one file, or of one that the target cannot take",
    )

    def empty(self) -> State:
        return {}

    def map(self, batch: Batch) -> State:
        rows: dict[str, list[int]] = {}
        for i, example in enumerate(batch.examples):
            if example is not None:
                rows.setdefault(example.format, []).append(i)
        return {
            (batch.path, name): Seen(len(found), batch.key(found[0]), batch.location(found[0]))
            for name, found in rows.items()
        }

    def merge(self, a: State, b: State) -> State:
        both = {key: a[key].merged(b[key]) for key in a if key in b}
        return {**a, **b, **both}

    def moved(self, state: State, shift: Shift) -> State:
        return {
            (shift.new.path, name): Seen(seen.count, shift.key(seen.key), shift.location(seen.first))
            for (_, name), seen in state.items()
        }

    def finish(self, state: State, rows: Rows) -> Iterator[Finding]:
        files: dict[str, list[tuple[str, Seen]]] = {}
        for (path, name), seen in sorted(state.items(), key=lambda item: item[1].key):
            files.setdefault(path, []).append((name, seen))
        for path, known in files.items():
            known.sort(key=lambda item: -item[1].count)
            here = Location(path)
            taken = self.context.target.preferences is not None
            refused = [] if taken else [name for name, _ in known if name in _TAKEN_BY]
            if len(known) == 1 and not refused:
                continue
            counted = ", ".join(
                f"{seen.count:,} {name}" + (f" (the first: {place(seen.first, here)})" if number else "")
                for number, (name, seen) in enumerate(known)
            )
            if len(known) > 1:
                problem = f"records of different formats: {counted}"
            else:
                problem = f"{counted} record{'s' if known[0][1].count > 1 else ''}: prompts with two answers to compare"
            if refused:
                problem += f"; {self.context.target.name} takes no preference records, --target "
                problem += f"{_TAKEN_BY[refused[0]]} does"
            yield self.finding(
                here,
                args={"problem": problem, "formats": {name: seen.count for name, seen in known}},
                related=[seen.first for _, seen in known[1:]],
                rows=sum(seen.count for _, seen in known[1:]) or known[0][1].count,
            )
