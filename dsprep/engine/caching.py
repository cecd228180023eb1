"""What is known of shards from earlier runs: their states, kept by what is in them and by what made the states of it.

A shard is known if its bytes are, and everything that decides what is made of them: rules and options, target, the way
the source is read, code and libraries. Where it stands is not part of that: states are moved to where it stands now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsprep.engine.fingerprints import Fingerprint, UnknowableError, code_of, own_code, surroundings
from dsprep.engine.pipeline import Pipeline
from dsprep.engine.store import Store, log
from dsprep.model.moving import Place, Shift
from dsprep.model.source import InputError, Shard, Source

#: With fewer bytes of input than this, finding out what is known takes as long as working it out.
WORTH_KEEPING = 1 << 20


class Result(Protocol):
    """What is made of a shard. `errors` make it unfit to be kept; `kept` is how many bytes the cache has of it."""

    errors: list[Any]
    kept: int

    def moved(self, shift: Shift, movers: Mapping[str, Any]) -> Any | None:
        """The result for the same rows at another place, None if that cannot be told. `movers` are the rules and folds
        by the keys of their states."""
        ...


T = TypeVar("T", bound=Result)


class Known(Generic[T]):
    """What is known of the shards of a run of `task` over the sources of `pipeline`.

    `parts` are what decides the result besides the pipeline. Raises UnknowableError if it cannot be told whether
    earlier results would be the same, and InputError if a source cannot be read.
    """

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        task: Callable[[Shard], T],
        parts: Sequence[Any],
        movers: Mapping[str, Any],
    ) -> None:
        self.store = store
        self.sources = pipeline.sources
        self.task = task
        self.movers = movers
        self.found = self.made = 0
        self._room = store.limit
        prints = Fingerprint()
        made_by = prints.of(*parts, pipeline.repair)
        read_by = [
            prints.of(type(source), dict(source.reading), source.split, normaliser)
            for source, normaliser in zip(pipeline.sources, pipeline.normalisers, strict=True)
        ]
        try:
            #: The code of plugins that took part: path to digest.
            self.code = code_of(prints.packages)
        except OSError as error:
            raise UnknowableError(f"the code of a plugin cannot be read: {error}") from error
        self._settings = prints.of(made_by, self.code, own_code(), surroundings())
        self._keys = [prints.of(self._settings, key) for key in read_by]

    def get(self, shard: Shard) -> T | None:
        """What was made of this shard, as if it had been made just now; None if that is not known."""
        result = self._moved(shard) if shard.digest else None
        self.found += result is not None
        self.made += result is None
        return result

    def _moved(self, shard: Shard) -> T | None:
        source = self.sources[shard.source]
        key = _key(source, self._keys[shard.source], shard)
        entry: tuple[Place, T] | None = self.store.get(_KIND, key)
        if entry is None:
            return None
        place, result = entry
        shift = Shift(place, place_of(source, shard))
        moved: T | None = result.moved(shift, self.movers) if shift else result
        if moved is not None:
            self._room -= self.store.size(_KIND, key)
        return moved

    def making(self) -> MakeAndKeep[T]:
        """The task for workers, whose items are those of `asked`. What it makes is to be shown to `noted`."""
        return MakeAndKeep(self.task, self.store, list(zip(self.sources, self._keys, strict=True)))

    def asked(self, shard: Shard) -> tuple[Shard, bool]:
        """What to ask of a worker: a shard, and whether to keep the result. A run that is larger than the cache keeps
        as much as fits, rather than putting out what it will ask for itself the next time."""
        return shard, bool(shard.digest) and self._room > 0

    def noted(self, result: T) -> None:
        """Count what a worker has kept."""
        self._room -= result.kept

    def close(self) -> None:
        """The end of the run. What it has used is newer now than what it has not, so only now room may be made."""
        log.info("%s: %d of %d shards were known", self.store.folder, self.found, self.found + self.made)
        if self.made:
            self.store.trim()

    def memo(self) -> StoredMemo:
        """What the rules of this run may remember for the next one over the same files."""
        files = sorted((source.display, source.split or "") for source in self.sources)
        return StoredMemo(self.store, Fingerprint().of(self._settings, files))


@dataclass
class MakeAndKeep(Generic[T]):
    """The task of a worker: makes the result of a shard, and keeps it. `sources` are those of the run, with the keys of
    what is made of them. Picklable if the task is."""

    task: Callable[[Shard], T]
    store: Store
    sources: Sequence[tuple[Source, bytes]]

    def __call__(self, item: tuple[Shard, bool]) -> T:
        shard, keep = item
        result = self.task(shard)
        source, key = self.sources[shard.source]
        if keep and not result.errors and _unchanged(source, shard):
            result.kept = self.store.put(_KIND, _key(source, key, shard), (place_of(source, shard), result))
        return result


class StoredMemo:
    """See `model.rule.Memo`; `key` says whose memory it is."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key

    def get(self, name: str) -> dict[str, NDArray[Any]] | None:
        """See `model.rule.Memo.get`."""
        found: dict[str, NDArray[Any]] | None = self._store.get("memo", self._named(name))
        return found

    def put(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """See `model.rule.Memo.put`."""
        # A copy in memory: what is put may be a view of a larger array, or lie in a temporary file.
        self._store.put("memo", self._named(name), {name: np.array(column) for name, column in arrays.items()})

    def _named(self, name: str) -> bytes:
        return Fingerprint().of(self._key, name)


_KIND = "shard"


def _key(source: Source, key: bytes, shard: Shard) -> bytes:
    """The key of what is made of `shard`; `key` is that of all that is made of its source."""
    own = [shard.digest, shard.end - shard.start, shard.start == 0, shard.faults]
    if not source.movable:
        own += [shard.start, shard.ordinal, shard.line, shard.rows]
    return hashlib.sha256(key + Fingerprint().of(*own)).digest()


def place_of(source: Source, shard: Shard) -> Place:
    """Where `shard` of `source` stands."""
    return Place(source.index, source.display, shard.ordinal, shard.line, shard.start)


def _unchanged(source: Source, shard: Shard) -> bool:
    """Whether the bytes of `shard` are those that it was planned with: the file may have been written to since."""
    try:
        return source.digest(shard) == shard.digest
    except InputError:
        return False
