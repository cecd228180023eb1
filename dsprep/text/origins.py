"""Where parts of a chat form stand in the record that it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Places(Mapping[str, str]):
    """Where parts of the chat form stand in the record. `begins` maps pointers of the chat form to pointers of the
    record; what lies below the one lies below the other, by the same path. `exact` are places of which that is not so,
    so that nothing is known of what is in them but what `begins` and `exact` say of it. `beside` are parts of the
    record that are none of the chat form: they are found, and not listed."""

    begins: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)
    exact: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, pointer: str) -> str:
        if pointer in self.exact:
            return self.exact[pointer]
        head = pointer
        while head:
            for known in (self.begins, self.beside):
                if head in known:
                    return known[head] + pointer[len(head) :]
            if head in self.exact:
                # What the part was made of is another shape: all that is known is where that stands.
                return self.exact[head]
            head = head.rpartition("/")[0]
        raise KeyError(pointer)

    def __iter__(self) -> Iterator[str]:
        yield from self.begins
        yield from self.exact

    def __len__(self) -> int:
        return len(self.begins) + len(self.exact)
