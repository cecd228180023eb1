"""Counting tokens, offline: how many a text has, where the n-th one begins, and the counts of a batch as features.

The vocabularies of `cl100k_base` and `o200k_base` come out of the installed package rs-bpe, which also counts, twice as
fast as tiktoken and in linear time on any text. tiktoken stays the reference: `reference_encoding` builds its Encoding
from the same vocabulary after checking it against tiktoken's own SHA-256, and a test proves that both count the same.
Its other encodings work where their files already lie in its cache. Nothing here ever downloads anything.

Text is counted as ordinary text throughout (tiktoken's `disallowed_special=()`): `<|endoftext|>` in a text is the
characters it is made of, as it is for a trainer that does not trust its data.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsprep.model.batch import Batch, Feature
from dsprep.model.finding import Severity
from dsprep.model.rule import RuleContext
from dsprep.model.target import Limit

#: What a chat message costs beyond its texts, what a `name` adds, and what primes the reply. From OpenAI's cookbook,
#: "How to count tokens with tiktoken" (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken).
PER_MESSAGE: Final = 3
PER_NAME: Final = 1
PER_EXAMPLE: Final = 3

#: Encodings whose vocabulary rs-bpe carries: the number of its ordinary tokens, by the name of the encoding.
_BUNDLED: Final[Mapping[str, int]] = {"cl100k_base": 100_256, "o200k_base": 199_998}
#: Encodings that differ from a bundled one in special tokens alone, which ordinary text has none of.
_SAME_TEXT: Final[Mapping[str, str]] = {"o200k_harmony": "o200k_base"}

_SHORT: Final = 64
_LONGEST_REMEMBERED: Final = 32_768
_MEMO_CHARACTERS: Final = 2_000_000

_PIECE: Final = 16_384
_LONGEST_PIECE: Final = 131_072
#: The patterns of all encodings end a match between a letter or digit and a space, whatever stands around them: no
#: alternative goes from one to the other, and what looks ahead (`\s+(?!\S)`, contractions) needs white space before it
#: or an apostrophe after it. So the tokens of a text are those of its pieces when it is cut there.
_SAFE_CUT: Final = re.compile(r"[A-Za-z0-9](?= )")


class VocabularyMissing(LookupError):  # noqa: N818
    """An encoding's vocabulary is not on this machine. The message says which file, and where it was looked for."""


class UnknownEncoding(LookupError):  # noqa: N818
    """No encoding has that name. The message lists those there are."""


class TokenCounter:
    """Counts the tokens of one encoding. Get one from `token_counter`, which keeps it for the process."""

    def __init__(
        self, encoding: str, count: Callable[[str], int], ids: Callable[[str], list[int]], decode: _Decode
    ) -> None:
        self.encoding = encoding
        self._count = count
        self._ids = ids
        self._decode = decode
        self._memo: dict[str, int] = {}
        self._room = _MEMO_CHARACTERS

    def __call__(self, text: str) -> int:
        """The number of tokens of `text`, special tokens taken as ordinary text.

        Lone surrogates count as U+FFFD, as with tiktoken: they have no UTF-8 form.
        """
        try:
            return self._count(text)
        except UnicodeEncodeError:
            return self._count(mended(text))

    def remembered(self, text: str) -> int:
        """The same, from memory if `text` came before. For texts that repeat: roles, system prompts, tools, labels.

        The memory is emptied when it holds two million characters, so it cannot grow with the data.
        """
        tokens = self._memo.get(text)
        if tokens is None:
            tokens = self(text)
            if len(text) <= _LONGEST_REMEMBERED:
                self._room -= len(text)
                if self._room < 0:
                    self._memo.clear()
                    self._room = _MEMO_CHARACTERS
                self._memo[text] = tokens
        return tokens

    def offset(self, text: str, tokens: int) -> int:
        """How many characters of `text` its first `tokens` tokens cover; a character cut through is not covered.

        Exact, except in a run of more than 131,072 characters in which no space follows a letter or digit: it is
        worked on in pieces of that length, and each seam may shift the result by a token.
        """
        if tokens <= 0:
            return 0
        start = 0
        for piece in pieces(mended(text)):
            inside = self._count(piece)
            if inside > tokens:
                covered = self._decode(self._ids(piece)[:tokens])
                return start + len(covered.decode("utf-8", "ignore"))
            tokens -= inside
            start += len(piece)
        return min(start, len(text))


_Decode = Callable[[list[int]], bytes]


@cache
def token_counter(encoding: str) -> TokenCounter:
    """The counter of `encoding`, loaded on first use (about 50 ms) and kept.

    Raises UnknownEncoding or VocabularyMissing.
    """
    bundled = _bundled_tokenizer(_SAME_TEXT.get(encoding, encoding))
    if bundled is not None:
        return TokenCounter(encoding, bundled.count, bundled.encode, bundled.bpe().decode_tokens)
    reference = reference_encoding(encoding)

    def count(text: str) -> int:
        # tiktoken's time on a run without a break grows faster than the run: pieces keep it linear.
        if len(text) <= _LONGEST_PIECE:
            return len(reference.encode_ordinary(text))
        return sum(len(reference.encode_ordinary(piece)) for piece in pieces(text))

    return TokenCounter(encoding, count, reference.encode_ordinary, reference.decode_bytes)


@cache
def reference_encoding(encoding: str) -> Any:
    """tiktoken's `Encoding` of that name, built without a download.

    Its definition (pattern, special tokens, hash) is tiktoken's own; only the loader that it calls is ours: the
    vocabulary comes from rs-bpe, or from tiktoken's cache if the file is there, and must have the SHA-256 that tiktoken
    expects. Raises UnknownEncoding or VocabularyMissing.
    """
    import tiktoken
    from tiktoken_ext import openai_public  # type: ignore[import-untyped]

    known = openai_public.ENCODING_CONSTRUCTORS
    if encoding not in known:
        raise UnknownEncoding(f"there is no encoding {encoding!r}; known are {', '.join(sorted(known))}")

    def ranks_of(url: str, expected_hash: str | None = None) -> dict[bytes, int]:
        return _ranks(_vocabulary_file(encoding, url, expected_hash or ""))

    def ranks_of_pair(vocab_bpe_file: str, encoder_json_file: str, **hashes: Any) -> dict[bytes, int]:
        _cached(encoding, vocab_bpe_file, hashes["vocab_bpe_hash"])
        _cached(encoding, encoder_json_file, hashes["encoder_json_hash"])
        load: Callable[..., dict[bytes, int]] = openai_public.data_gym_to_mergeable_bpe_ranks
        return load(vocab_bpe_file, encoder_json_file, **hashes)

    # The constructors find their loaders, and each other, among their module's globals. Running copies of them over a
    # changed copy of those globals swaps the loader for this call alone; patching the module would be seen by others.
    names: dict[str, Any] = dict(vars(openai_public))
    for name, constructor in known.items():
        names[name] = FunctionType(constructor.__code__, names, name)
    names.update(load_tiktoken_bpe=ranks_of, data_gym_to_mergeable_bpe_ranks=ranks_of_pair)
    return tiktoken.Encoding(**names[encoding]())


def model_encoding(model: str) -> str | None:
    """The encoding that OpenAI's `model` uses, by tiktoken's table, or None if the table does not know the model.

    A fine-tuned model's name (`ft:gpt-4o-mini:…`) and a target's (`openai:gpt-4o`) name their base model.
    """
    from tiktoken.model import encoding_name_for_model

    provider, _, rest = model.partition(":")
    candidates = [model] if provider == "ft" or not rest else [rest, model]
    for name in candidates:
        try:
            return encoding_name_for_model(name)
        except KeyError:
            continue
    return None


def known_encoding(name: str) -> str:
    """The encoding of that name, or that of the model of that name. Raises UnknownEncoding."""
    if name in _BUNDLED or name in _SAME_TEXT:
        return name
    found = model_encoding(name)
    if found is not None:
        return found
    import tiktoken

    known = tiktoken.list_encoding_names()
    if name not in known:
        listed = ", ".join(sorted(known))
        raise UnknownEncoding(f"there is no encoding {name!r}, nor a model of that name; encodings are {listed}")
    return name


def token_limit(context: RuleContext, override: int | None) -> Limit:
    """The most tokens an example may have: `override` if the user gave one, else the target's."""
    return context.target.max_tokens if override is None else Limit(value=override, source="option limit")


def limit_severity(context: RuleContext, severity: Severity, limit: Limit, code: str) -> Severity:
    """How bad it is to be beyond `limit`: an unverified one only warns, unless the user set the rule's severity."""
    if limit.unverified and code not in context.severities and severity is Severity.ERROR:
        return Severity.WARNING
    return severity


def mended(text: str) -> str:
    """`text` with surrogate pairs joined and lone surrogates replaced by U+FFFD, as tiktoken does."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def pieces(text: str) -> Iterator[str]:
    """`text` cut where no token straddles, into pieces of 16,384 characters or a little more.

    Where a run offers no such place it is cut every 131,072 characters all the same.
    """
    start = 0
    while len(text) - start > _PIECE:
        cut = _SAFE_CUT.search(text, start + _PIECE, start + _LONGEST_PIECE)
        end = cut.end() if cut is not None else start + _LONGEST_PIECE
        if end >= len(text):
            break
        yield text[start:end]
        start = end
    yield text[start:]


@dataclass(frozen=True, slots=True)
class MessageTokens:
    """The tokens of a batch by message, in reading order: columns of one length, one entry for each message that is an
    object.

    `row` is the index of the example in the batch, `message` that of the message in it (int32). `tokens` is all that
    the message costs, `content` the part of it that is text or calls (int32), `trained` whether it is learnt: an
    assistant's, with a weight other than 0. `tools` has one entry per example of the batch: the tokens of its tools
    (int32).
    """

    row: NDArray[np.int32]
    message: NDArray[np.int32]
    tokens: NDArray[np.int32]
    content: NDArray[np.int32]
    trained: NDArray[np.bool_]
    tools: NDArray[np.int32]


def message_tokens(encoding: str) -> Feature[MessageTokens]:
    """The tokens of each message. A message costs 3, the tokens of each text in it (its content, its role, any other
    member that is a string), and 1 more for a name. Members that are objects or lists (tool calls) count as compact
    JSON; of content in parts the texts count, images do not; numbers do not."""

    def compute(batch: Batch) -> MessageTokens:
        return _message_tokens(batch, token_counter(encoding))

    return Feature(("message-tokens", encoding), compute)


def token_counts(encoding: str) -> Feature[NDArray[np.int32]]:
    """The tokens of each example, int32: those of its messages and tools, and 3 that prime the reply. 0 where the
    record is no conversation."""

    def compute(batch: Batch) -> NDArray[np.int32]:
        parts = batch.get(message_tokens(encoding))
        counts = np.bincount(parts.row, weights=parts.tokens, minlength=len(batch)).astype(np.int32) + parts.tools
        present = np.fromiter((example is not None for example in batch.examples), np.bool_, len(batch))
        return np.where(present, counts + np.int32(PER_EXAMPLE), np.int32(0)).astype(np.int32)

    return Feature(("token-counts", encoding), compute)


def trained_tokens(encoding: str) -> Feature[NDArray[np.int32]]:
    """The tokens of each example that are learnt, int32: content and calls of assistant messages of weight other than
    0, without what frames them."""

    def compute(batch: Batch) -> NDArray[np.int32]:
        parts = batch.get(message_tokens(encoding))
        learnt = np.where(parts.trained, parts.content, 0)
        return np.bincount(parts.row, weights=learnt, minlength=len(batch)).astype(np.int32)

    return Feature(("trained-tokens", encoding), compute)


def _message_tokens(batch: Batch, counter: TokenCounter) -> MessageTokens:
    rows: list[int] = []
    numbers: list[int] = []
    tokens: list[int] = []
    contents: list[int] = []
    trained: list[bool] = []
    tools = np.zeros(len(batch), np.int32)
    remembered = counter.remembered
    for i, example in enumerate(batch.examples):
        if example is None:
            continue
        for declared in (example.tools, example.record.get("functions")):
            if declared:
                tools[i] += remembered(_serialised(declared))
        for j, message in enumerate(example.messages):
            if type(message) is not dict:
                continue
            role = message.get("role")
            repeats = role == "system" or role == "developer"
            frame = PER_MESSAGE
            content = 0
            for key, value in message.items():
                kind = type(value)
                if kind is str:
                    n = remembered(value) if repeats or len(value) <= _SHORT else counter(value)
                    if key == "content":
                        content += n
                    else:
                        frame += n + PER_NAME if key == "name" else n
                elif kind is list or kind is dict:
                    if key == "content" and kind is list:
                        content += sum(map(counter, _texts(value)))
                    elif key == "tool_calls" or key == "function_call":
                        content += counter(_serialised(value))
                    elif value:
                        frame += counter(_serialised(value))
            rows.append(i)
            numbers.append(j)
            tokens.append(frame + content)
            contents.append(content)
            trained.append(role == "assistant" and not _is_zero(message.get("weight")))
    return MessageTokens(
        np.array(rows, np.int32),
        np.array(numbers, np.int32),
        np.array(tokens, np.int32),
        np.array(contents, np.int32),
        np.array(trained, np.bool_),
        tools,
    )


def _texts(content: list[Any]) -> Iterator[str]:
    for part in content:
        text = part.get("text") if type(part) is dict else part
        if type(text) is str:
            yield text


def _is_zero(weight: Any) -> bool:
    return type(weight) in (int, float) and weight == 0


def _serialised(value: Any) -> str:
    """`value` as compact JSON; the empty text if it is nested too deeply to write."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (RecursionError, ValueError, TypeError):
        return ""


def _bundled_tokenizer(encoding: str) -> Any:
    """rs-bpe's tokenizer of `encoding`, or None if the package is not installed or does not have it."""
    if encoding not in _BUNDLED:
        return None
    try:
        from rs_bpe.bpe import openai
    except ImportError:
        return None
    return getattr(openai, encoding)()


def _vocabulary_file(encoding: str, url: str, sha256: str) -> bytes:
    """The vocabulary in tiktoken's file format: from rs-bpe if it has the one with that hash, else from the cache."""
    name = url.rsplit("/", 1)[-1].removesuffix(".tiktoken")
    tokenizer = _bundled_tokenizer(name)
    if tokenizer is not None:
        decode = tokenizer.bpe().decode_tokens
        data = b"".join(b"%b %d\n" % (b64encode(decode([i])), i) for i in range(_BUNDLED[name]))
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
    return _cached(encoding, url, sha256)


def _cached(encoding: str, url: str, sha256: str) -> bytes:
    """The file that tiktoken downloaded from `url` some time ago, from where tiktoken keeps such files."""
    directory = next(
        (os.environ[name] for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR") if name in os.environ),
        os.path.join(tempfile.gettempdir(), "data-gym-cache"),
    )
    # An empty name switches tiktoken's cache off. The cache's file names are SHA-1 by tiktoken's choice.
    path = Path(directory, hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest())
    if directory and path.is_file():
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
    raise VocabularyMissing(
        f"the vocabulary of {encoding} is not on this machine: rs-bpe does not carry it, and {url} is not in tiktoken's"
        f" cache ({directory or 'switched off'}); dsprep downloads nothing, so load the encoding once with tiktoken"
        f" while online, or choose {' or '.join(_BUNDLED)}"
    )


def _ranks(data: bytes) -> dict[bytes, int]:
    """tiktoken's file format: a line per token, base64 of its bytes, a space, its rank."""
    ranks = {}
    for line in data.splitlines():
        token, rank = line.split()
        ranks[b64decode(token)] = int(rank)
    return ranks
