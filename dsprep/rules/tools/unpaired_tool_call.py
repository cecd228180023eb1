"""TOL001 unpaired-tool-call."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from dsprep.folds.tools import ToolRule
from dsprep.model.batch import Batch
from dsprep.model.chat import role_group, shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Example
from dsprep.model.rule import RuleMeta
from dsprep.text.tool_use import Call, Reply, ToolUse


class _Problem(NamedTuple):
    pointer: str
    says: str
    related: str | None = None


class UnpairedToolCall(ToolRule):
    """A tool call has no reply, or a reply has no call.

    ## What it does
    Follows the calls of each assistant message to the tool messages after it, by `tool_call_id`; calls and replies
    without ids are paired in their order, a `function_call` with the function message of its name. Reports calls
    without a reply before the conversation goes on, replies without a call, second replies to one call, and replies
    that come after another message.

    A conversation may end on calls that nobody answers: then the calls are what is learnt. Only targets that demand
    replies have that reported. Targets that hand messages to a chat template may have calls that are written into the
    text: for them replies without an id are taken as they come.

    ## Why it matters
    Backends refuse the file: each call must be followed by a reply to it. A model that is trained on such data by other
    ways learns to go on without the result, or to answer from a result that it never asked for.

    ## Example
    The answer comes before the result:
    ```json
    {"messages": [{"role": "user", "content": "Weather in Bergen?"},
                  {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
                                                        "function": {"name": "weather", "arguments": "{}"}}]},
                  {"role": "assistant", "content": "It rains."}]}
    ```

    ## Fix
    None: what the tool said is not known.

    ## Source
    OpenAI's API: "An assistant message with 'tool_calls' must be followed by tool messages responding to each
    'tool_call_id'"; mistral-common, the validation of tool messages. OpenAI's fine-tuning guide, whose example of
    function calling ends on the call.
    """

    meta = RuleMeta(
        code="TOL001",
        name="unpaired-tool-call",
        severity=Severity.ERROR,
        message="{problem}",
        summary="a call without its reply, or a reply without its call",
    )

    def look(self, batch: Batch, i: int, example: Example, use: ToolUse) -> Iterator[Finding]:
        if not use.calls and not use.replies:
            return
        target = self.context.target
        pairing = _Pairing(strict=target.strict, final=target.calls_need_replies)
        for problem in pairing.problems(example, use):
            yield self.there(batch, i, problem.pointer, args={"problem": problem.says}, related=problem.related)


class _Pairing:
    """Calls and replies of one conversation. `strict` is for backends that want every reply to name its call, `final`
    for those that want replies at the end, too."""

    def __init__(self, *, strict: bool, final: bool) -> None:
        self.strict = strict
        self.final = final
        #: Calls of the last message that called, by their number, and those numbers by id and by name.
        self.waiting: dict[int, Call] = {}
        self.by_id: dict[str | None, deque[int]] = {}
        self.by_name: dict[str | None, deque[int]] = {}
        self.replied = False
        #: Calls that got no reply before the conversation went on, by id, and one of those that did.
        self.left: dict[str | None, deque[Call]] = {}
        self.done: dict[str | None, Call] = {}
        self.found: list[_Problem] = []

    def problems(self, example: Example, use: ToolUse) -> list[_Problem]:
        """What is wrong, in order of place."""
        calls: dict[int, list[Call]] = {}
        for call in use.calls:
            calls.setdefault(call.message, []).append(call)
        replies = {reply.message: reply for reply in use.replies}
        for j, message in enumerate(example.messages):
            if j in replies and j not in calls:
                self._reply(replies[j])
                continue
            self._close()
            if j in calls and _may_call(message):
                self._open(calls[j])
        if self.replied or self.final:
            self._close()
        for call in itertools.chain.from_iterable(self.left.values()):
            self.found.append(_Problem(call.pointer, f"no reply to the call of `{_call_name(call)}`{_by_id(call.id)}"))
        return sorted(self.found, key=lambda problem: _order(problem.pointer))

    def _open(self, calls: list[Call]) -> None:
        self.waiting = dict(enumerate(calls))
        self.by_id, self.by_name = {}, {}
        for number, call in self.waiting.items():
            self.by_id.setdefault(call.id, deque()).append(number)
            self.by_name.setdefault(call.name, deque()).append(number)

    def _close(self) -> None:
        for call in self.waiting.values():
            self.left.setdefault(call.id, deque()).append(call)
        self.waiting = {}
        self.replied = False

    def _reply(self, reply: Reply) -> None:
        self.replied = True
        number = self._meant(reply) if self.waiting else None
        if number is not None:
            call = self.waiting.pop(number)
            self.done.setdefault(call.id, call)
            return
        place = f"/messages/{reply.message}"
        if reply.id is None or reply.legacy:
            if self.waiting:
                # Which call it answers is not said, or another; but surely it answers one of them.
                call = self.waiting.pop(next(iter(self.waiting)))
                said = "the reply does not say which call it answers: it has no `tool_call_id`"
                if reply.legacy:
                    said = f"a reply of `{shown(reply.name or '?', 40)}`, but `{_call_name(call)}` was called"
                self.found.append(_Problem(place, said, call.pointer))
            elif self.strict:
                self.found.append(_Problem(place, "a reply without a call before it"))
            return
        late, again = self.left.get(reply.id), self.done.get(reply.id)
        if late:
            call = late.popleft()
            self.done.setdefault(call.id, call)
            if self.strict:
                said = f"the reply to the call of `{_call_name(call)}`{_by_id(call.id)} comes after another message"
                self.found.append(_Problem(place, said, call.pointer))
        elif again is not None:
            said = f"a second reply to the call of `{_call_name(again)}`{_by_id(again.id)}"
            self.found.append(_Problem(place, said, again.pointer))
        elif self.strict or self.waiting or self.left or self.done:
            said = f"a reply to a call{_by_id(reply.id)}, which is not there"
            self.found.append(_Problem(f"{place}/tool_call_id", said))

    def _meant(self, reply: Reply) -> int | None:
        """The number of the call, among those that wait, that `reply` answers."""
        if reply.legacy:
            named = self._first(self.by_name.get(reply.name))
            return next(iter(self.waiting)) if named is None and not self.strict and reply.name is None else named
        if reply.id is not None:
            same = self._first(self.by_id.get(reply.id))
            # Calls of some formats have no ids, though their replies have.
            return self._first(self.by_id.get(None)) if same is None and not self.strict else same
        if self.strict and len(self.by_id.get(None, ())) < len(self.waiting):
            return None
        named = self._first(self.by_name.get(reply.name)) if reply.name is not None else None
        return next(iter(self.waiting)) if named is None else named

    def _first(self, numbers: deque[int] | None) -> int | None:
        """The first of `numbers` whose call still waits."""
        while numbers and numbers[0] not in self.waiting:
            numbers.popleft()
        return numbers[0] if numbers else None


def _may_call(message: object) -> bool:
    """Whether calls in `message` are meant as such; those of other roles are left to other rules."""
    role = message.get("role") if isinstance(message, dict) else None
    return isinstance(role, str) and role_group(role) in ("assistant", "other")


def _call_name(call: Call) -> str:
    return shown(call.called, 40)


def _by_id(name: str | None) -> str:
    return "" if name is None else f" with the id {shown(name, 40)!r}"


def _order(pointer: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in pointer.split("/")]
