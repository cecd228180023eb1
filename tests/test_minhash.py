"""Near-duplicates: word shingles, signatures and clusters, held to plain definitions and to another implementation."""

from __future__ import annotations

import pickle
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import combinations
from typing import Any, cast

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsprep.folds.signatures import NearOptions, NearRule, SignatureFold, near_clusters
from dsprep.model.batch import Batch
from dsprep.model.location import Location
from dsprep.model.record import Example, Record
from dsprep.model.rule import Rows, RuleContext
from dsprep.rules.duplicates.near_duplicate import NearDuplicate
from dsprep.rules.leakage.near_overlap import NearOverlap
from dsprep.text import clusters
from dsprep.text.clusters import Units, alike, components, leaders, similarities
from dsprep.text.minhash import BANDS, PERMUTATIONS, agreement, band_keys, signatures
from dsprep.text.normal import FORMS, TEXTS, canonical, fold, fold_all
from dsprep.text.shingles import Shingles, chunks, distinct, shingles, word_hashes

# The same words as `text.shingles`, said as a pattern.
WORD = re.compile(
    "[\u3040-\u9fff\u0e00-\u0eff\u1000-\u10bf\u1780-\u17ff\U00010000-\U0010ffff]"
    "|[+/<>=%^&|~$]+"
    "|(?:[a-z0-9_]|[\u00c0-\u0dff\u0f00-\u0fff\u10c0-\u177f\u1800-\u1fff\ua000-\uefff])+"
)


def words(text: str) -> list[bytes]:
    out: list[bytes] = []
    for word in WORD.findall(fold(text).decode()):
        data = word.encode()
        out += [data[i : i + 64] for i in range(0, len(data), 64)]
    return out


def shingle_set(text: str) -> set[tuple[bytes, ...]]:
    found = words(text)
    if len(found) < 5:
        return {tuple(found)} if found else set()
    return {tuple(found[i : i + 5]) for i in range(len(found) - 4)}


def jaccard(a: set[Any], b: set[Any]) -> float:
    return len(a & b) / len(a | b) if a or b else 0.0


def chat(question: str, answer: str, system: str = "") -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": [{"role": "system", "content": system}, *messages] if system else messages}


def _asked(text: str, system: str = "") -> dict[str, Any]:
    """A chat whose question is the first word of `text`, and the rest of it the answer."""
    question, _, answer = text.partition(" ")
    return chat(question, answer, system)


def batch_of(rows: Sequence[dict[str, Any]], ordinals: Sequence[int]) -> Batch:
    return Batch(
        source=0,
        path="data.jsonl",
        records=[Record(i, i + 1, 0, b"", rows[i]) for i in ordinals],
        examples=[Example(rows[i], rows[i]["messages"], split=rows[i].get("split")) for i in ordinals],
    )


class MemoryRows(Rows):
    """Rows of one source that lie in memory."""

    @property
    def dataset(self) -> Location:
        return Location("data.jsonl")

    def __init__(self, rows: Sequence[dict[str, Any]], at_once: int = 100) -> None:
        self.rows, self.at_once, self.read = rows, at_once, 0

    def locate(self, keys: Sequence[int] | NDArray[np.uint64]) -> list[Location]:
        return [Location("data.jsonl", int(key) + 1) for key in keys]

    def batches(self, keys: NDArray[np.uint64]) -> Iterator[Batch]:
        wanted = keys.tolist()
        assert wanted == sorted(set(wanted)), "keys must be sorted and unique"
        self.read += len(wanted)
        for i in range(0, len(wanted), self.at_once):
            yield batch_of(self.rows, wanted[i : i + self.at_once])


def clusters_of(rows: Sequence[dict[str, Any]], parts: Sequence[Sequence[int]]) -> dict[int, int]:
    fold_ = SignatureFold()
    state = fold_.empty()
    for part in parts:
        state = fold_.merge(state, fold_.map(batch_of(rows, part)))
    row, cluster = near_clusters(state, MemoryRows(rows))
    return dict(zip(row.tolist(), cluster.tolist(), strict=True))


@cache
def vocabulary() -> tuple[str, ...]:
    drawn = random.Random(5)
    return tuple("".join(drawn.choices("abcdefghijklmnop", k=drawn.randint(2, 9))) for _ in range(3000))


def planted(n: int, seed: int, length: tuple[int, int] = (30, 200)) -> list[str]:
    """`n` texts, of which about a third are earlier ones with words changed, left out or put in."""
    drawn = random.Random(seed)
    out: list[list[str]] = []
    for _ in range(n):
        if out and drawn.random() < 0.35:
            text = list(drawn.choice(out))
            for _ in range(drawn.randint(0, 1 + len(text) // 25)):
                place = drawn.randrange(len(text))
                text[place : place + drawn.randint(0, 2)] = drawn.choices(vocabulary(), k=drawn.randint(0, 2))
            out.append(text)
        else:
            out.append(drawn.choices(vocabulary(), k=drawn.randint(*length)))
    return [" ".join(text) for text in out]


# --- folding -----------------------------------------------------------------------------------------------------


def folded_plainly(text: str) -> bytes:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).encode("utf-8", "surrogatepass")


TEXTS_OF_ALL_KINDS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000"),
        st.sampled_from("AaZz09_+<=, .ßİﬁÅ한ｶﾞ日本。ไทย🙂\x00\ud800\xad\u200b\u0301"),
    ),
    max_size=60,
)


@given(st.lists(TEXTS_OF_ALL_KINDS, max_size=8))
def test_folding_is_nfkc_casefold_and_single_spaces(texts: list[str]) -> None:
    assert [fold(text) for text in texts] == [folded_plainly(text) for text in texts]
    assert fold_all(texts) == [fold(text) for text in texts]


def test_long_texts_fold_piece_by_piece_to_the_same() -> None:
    text = "Ein Wörtchen ﬁ\u0301ndet\u3000Å " * 400
    assert fold(text) == folded_plainly(text)


def test_a_run_of_combining_marks_does_not_take_quadratic_time() -> None:
    # Python needs hours to bring this to NFKC as a whole.
    assert len(fold("a" + "\u0301\u0323" * 1_000_000)) > 1_000_000


@given(TEXTS_OF_ALL_KINDS)
def test_canonical_json_never_fails(text: str) -> None:
    assert canonical({"b": [text, 2**80, -(2**70), 1.5, None], "a": {"z": 1, text: 0}})


def test_canonical_json_tells_apart_and_does_not_heed_order() -> None:
    assert canonical({"a": 1, "b": "\ud800"}) == canonical({"b": "\ud800", "a": 1})
    assert canonical({"a": "\ud800"}) != canonical({"a": "\udfff"})
    assert canonical({"a": 2**70}) != canonical({"a": float(2**70)})
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert canonical(deep) is None


# --- shingles ----------------------------------------------------------------------------------------------------


@given(st.lists(TEXTS_OF_ALL_KINDS.filter(lambda text: "\ud800" not in text), max_size=6))
def test_words_are_those_of_the_pattern(texts: list[str]) -> None:
    texts = [text for text in texts if not any(0xD800 <= ord(c) <= 0xDFFF for c in text)]
    hashes, counts = word_hashes([fold(text) for text in texts])
    expected = [words(text) for text in texts]
    assert counts.tolist() == [len(found) for found in expected]
    flat = [word for found in expected for word in found]
    seen: dict[bytes, int] = {}
    for word, number in zip(flat, hashes.tolist(), strict=True):
        assert seen.setdefault(word, number) == number
    assert len(set(seen.values())) == len(seen)


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), max_size=8), st.integers(0, 2**32))
def test_shingles_are_runs_of_five_words(lengths: list[int], seed: int) -> None:
    drawn = random.Random(seed)
    texts = [" ".join(drawn.choices(["a", "bb", "日", "+", "dddddddddd"], k=n)) for n in lengths]
    found = shingles([fold(text) for text in texts])
    assert found.counts.tolist() == [max(len(words(t)) - 4, min(len(words(t)), 1)) for t in texts]
    sets = [set(found.hashes[a:b].tolist()) for a, b in zip(found.offsets, found.offsets[1:], strict=False)]
    for (a, one), (b, two) in combinations(zip(texts, sets, strict=True), 2):
        assert jaccard(one, two) == jaccard(shingle_set(a), shingle_set(b))


def test_shingles_do_not_depend_on_the_texts_around() -> None:
    texts = [fold(text) for text in ("", "one", "日本語のテキストです。", *planted(20, 1), "x" * 300, "é" * 90)]
    together = shingles(texts)
    for i, text in enumerate(texts):
        alone = shingles([text]).hashes
        assert np.array_equal(alone, together.hashes[together.offsets[i] : together.offsets[i + 1]])


def test_chinese_and_japanese_have_words() -> None:
    assert word_hashes([fold("今天天气很好，我们去公园。")])[1].tolist() == [11]
    assert word_hashes([fold("東京タワーは、高い！")])[1].tolist() == [8]
    assert word_hashes([fold("Привет, мир! naïve café")])[1].tolist() == [4]


def test_signs_carry_meaning_and_punctuation_does_not() -> None:
    texts = ["what is 3+5 now?", "What is 3<5 now", "what is 3 + 5 -- now!"]
    a, b, c = (set(shingles([fold(text)]).hashes.tolist()) for text in texts)
    assert a == c
    assert not a & b


def test_texts_apart_share_nothing() -> None:
    text = fold("describe this picture in one short sentence")
    found = shingles([text, text, text], np.array([0, 7, 7], np.uint64))
    sets = [set(found.hashes[a:b].tolist()) for a, b in zip(found.offsets, found.offsets[1:], strict=False)]
    assert not sets[0] & sets[1]
    assert sets[1] == sets[2]


def test_a_long_word_is_hashed_in_linear_time() -> None:
    assert word_hashes([b"a" * 5_000_000])[1].tolist() == [-(-5_000_000 // 64)]


# --- signatures --------------------------------------------------------------------------------------------------


def test_estimates_are_as_good_as_datasketchs() -> None:
    drawn = np.random.default_rng(11)
    errors: dict[str, list[float]] = {"ours": [], "theirs": []}
    for size in (8, 40, 200):
        for share in (0.3, 0.6, 0.8, 0.9, 0.97):
            for _ in range(12):
                both = max(1, round(size * share))
                pool = drawn.choice(2**32, 2 * size - both, replace=False).astype(np.uint32)
                a, b = pool[:size], pool[size - both :]
                exact = both / (2 * size - both)
                signed = signatures(Shingles(np.concatenate([a, b]), np.array([0, size, 2 * size])))
                errors["ours"].append(float((signed[0] == signed[1]).mean()) - exact)
                theirs = [MinHash(PERMUTATIONS, hashfunc=int) for _ in range(2)]
                for minhash, members in zip(theirs, (a, b), strict=True):
                    minhash.update_batch(members.tolist())
                errors["theirs"].append(theirs[0].jaccard(theirs[1]) - exact)
    ours, datasketch = (np.array(errors[name]) for name in ("ours", "theirs"))
    assert abs(ours.mean()) < 0.01
    assert np.abs(ours).mean() < 1.2 * np.abs(datasketch).mean()


def test_a_text_without_words_has_an_empty_signature() -> None:
    signed = signatures(shingles([b"", b"a b c d e f", b"", b"...", b"a b c d e f"]))
    assert not signed[[0, 2, 3]].any()
    assert np.array_equal(signed[1], signed[4])


def test_signatures_do_not_depend_on_the_block() -> None:
    texts = [fold(text) for text in planted(700, 3, (0, 300))]
    whole = signatures(shingles(texts))
    pieces = [signatures(shingles(texts[piece])) for piece in chunks(texts, 5_000)]
    assert np.array_equal(whole, np.concatenate(pieces))


@pytest.mark.parametrize(("permutations", "bands"), [(128, 32), (128, 16), (96, 32), (64, 64), (100, 4)])
def test_equal_bands_have_equal_keys(permutations: int, bands: int) -> None:
    drawn = np.random.default_rng(2)
    signed = drawn.integers(0, 3, (200, permutations), dtype=np.uint8)
    keys = band_keys(signed, bands)
    width = permutations // bands
    assert keys.shape == (200, bands)
    for band in range(bands):
        part = signed[:, band * width : (band + 1) * width]
        _, ours = np.unique(keys[:, band], return_inverse=True)
        _, exact = np.unique(part, axis=0, return_inverse=True)
        assert len(set(zip(ours.tolist(), exact.ravel().tolist(), strict=True))) == len(set(ours.tolist()))


# --- clusters ----------------------------------------------------------------------------------------------------


def held_to_brute_force(texts: Sequence[str], threshold: float = 0.8) -> tuple[set[Any], set[Any], float]:
    """Pairs that we find, pairs that there are, and the largest error of a similarity."""
    folded = [fold(text) for text in texts]
    every = shingles(folded)

    def load(units: Units) -> Shingles:
        return distinct(shingles([folded[i] for i in units.tolist()]))

    found = alike(signatures(every), every.counts, partial(similarities, load=load), threshold=threshold, bands=BANDS)
    ours = dict(zip(zip(found.left.tolist(), found.right.tolist(), strict=True), found.similarity, strict=True))
    sets = [shingle_set(text) for text in texts]
    exact = {
        (i, j): similarity
        for (i, a), (j, b) in combinations(enumerate(sets), 2)
        if min(len(a), len(b)) >= threshold * max(len(a), len(b)) > 0 and (similarity := jaccard(a, b)) >= threshold
    }
    error = max((abs(similarity - jaccard(sets[i], sets[j])) for (i, j), similarity in ours.items()), default=0.0)
    return set(ours), set(exact), error


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_precision_and_recall_against_brute_force(seed: int) -> None:
    ours, exact, error = held_to_brute_force(planted(900, seed))
    assert len(exact) > 150
    assert len(ours & exact) >= 0.99 * len(ours)
    assert len(ours & exact) >= 0.99 * len(exact)
    assert error < 1e-9


def test_short_texts_against_brute_force() -> None:
    ours, exact, error = held_to_brute_force(planted(1500, 4, (3, 20)))
    assert len(exact) > 100
    assert len(ours & exact) >= 0.99 * len(ours)
    assert len(ours & exact) >= 0.99 * len(exact)
    assert error < 1e-9


def test_templates_do_not_explode_and_clusters_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    # 30,000 texts that share 70 words and differ in 10: every pair of them shares bands.
    drawn = random.Random(7)
    template = drawn.choices(vocabulary(), k=70)
    texts = []
    for _ in range(30_000):
        text = list(template)
        text[20:20] = drawn.choices(vocabulary(), k=5)
        text[60:60] = drawn.choices(vocabulary(), k=5)
        texts.append(" ".join(text))
    texts += [f"{text} indeed" for text in texts[:500]]
    compared = 0
    count = agreement

    def counting(signed: Any, left: Any, right: Any) -> Any:
        nonlocal compared
        compared += len(left)
        return count(signed, left, right)

    monkeypatch.setattr(clusters, "agreement", counting)
    folded = [fold(text) for text in texts]
    signed, sizes = _signed(folded)
    found = alike(signed, sizes, partial(similarities, load=_loader(folded)), threshold=0.8, bands=BANDS)
    assert compared < 300 * len(texts)
    assert len(found) < 40 * len(texts)
    label = components(len(texts), found.left, found.right)
    together = sum(int(label[i] == label[30_000 + i]) for i in range(500))
    assert together >= 495


def _signed(folded: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    found = [shingles(folded[piece]) for piece in chunks(folded)]
    return np.concatenate([signatures(one) for one in found]), np.concatenate([one.counts for one in found])


def _loader(folded: Sequence[bytes]) -> Callable[[Units], Shingles]:
    return lambda units: distinct(shingles([folded[i] for i in units.tolist()]))


def test_similarities_do_not_depend_on_how_many_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    folded = [fold(text) for text in planted(400, 9)]
    signed, _ = _signed(folded)
    drawn = np.random.default_rng(3)
    left, right = drawn.integers(0, 400, (2, 3000))
    whole = similarities(left, right, _loader(folded))
    monkeypatch.setattr(clusters, "_AT_ONCE", 700)
    assert np.array_equal(similarities(left, right, _loader(folded)), whole)
    some = agreement(signed, left, right) / PERMUTATIONS
    assert np.abs(some - whole).mean() < 0.03


@given(st.integers(1, 30), st.data())
def test_components_are_those_of_a_walk(n: int, data: st.DataObject) -> None:
    node = st.integers(0, n - 1)
    edges = data.draw(st.lists(st.tuples(node, node), max_size=40))
    near: dict[int, set[int]] = {i: set() for i in range(n)}
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    expected = []
    for i in range(n):
        seen, todo = {i}, [i]
        while todo:
            new = near[todo.pop()] - seen
            seen |= new
            todo += new
        expected.append(min(seen))
    left, right = (np.array([edge[k] for edge in edges], np.int64) for k in (0, 1))
    assert components(n, left, right).tolist() == expected


@given(st.integers(2, 20), st.data())
def test_nobody_is_given_up_for_one_that_he_is_not_like(n: int, data: st.DataObject) -> None:
    node = st.integers(0, n - 1)
    edges = sorted(data.draw(st.sets(st.tuples(node, node).filter(lambda e: e[0] < e[1]), max_size=40)))
    priority = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), np.int64)
    left, right = (np.array([edge[k] for edge in edges], np.int64) for k in (0, 1))
    kept = leaders(n, left, right, [priority]).tolist()
    for i, leader in enumerate(kept):
        assert kept[leader] == leader
        if leader != i:
            assert (min(i, leader), max(i, leader)) in edges
            assert (priority[leader], leader) < (priority[i], i)
    staying = {i for i in range(n) if kept[i] == i}
    assert not any(a in staying and b in staying for a, b in edges)


# --- the fold ----------------------------------------------------------------------------------------------------


def test_clusters_of_examples_are_those_of_brute_force() -> None:
    texts = planted(600, 12)
    rows = [_asked(text, "Be brief.") for text in texts]
    rows += [chat("Hi", ""), {"messages": []}, _asked(texts[3].upper())]
    found = clusters_of(rows, [range(len(rows))])
    sets = [shingle_set(text) for text in texts]
    linked = [(i, j) for (i, a), (j, b) in combinations(enumerate(sets), 2) if jaccard(a, b) >= 0.8]
    left, right = (np.array([pair[k] for pair in linked], np.int64) for k in (0, 1))
    assert [found[i] for i in range(600)] == components(600, left, right).tolist()
    assert found[600] == 600
    assert 601 not in found
    assert found[602] == found[3], "equal but for case and the system prompt"


@settings(deadline=None, max_examples=15)
@given(st.randoms(use_true_random=False))
def test_the_partition_into_batches_does_not_matter(drawn: random.Random) -> None:
    rows = [_asked(text) for text in planted(80, 21, (8, 40))]
    expected = clusters_of(rows, [range(len(rows))])
    order = list(range(len(rows)))
    cuts = sorted(drawn.sample(order, drawn.randint(1, 20)))
    parts = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    drawn.shuffle(parts)
    assert clusters_of(rows, parts) == expected


def test_rules_that_share_signatures_compare_them_once() -> None:
    context = RuleContext(target=cast(Any, None), encoding="cl100k_base")
    rows = [_asked(text) for text in planted(300, 30)]
    for row in rows[200:]:
        row["split"] = "validation"
    near: list[NearRule] = [NearDuplicate(context), NearOverlap(context)]
    state = pickle.loads(pickle.dumps(near[0].map(batch_of(rows, range(300)))))
    memory = MemoryRows(rows)
    assert near[0].fold_key == near[1].fold_key
    assert list(near[0].finish(state, memory))
    once = memory.read
    assert list(near[1].finish(state, memory))
    near_clusters(state, memory)
    assert memory.read == once
    assert list(near[1].finish(pickle.loads(pickle.dumps(state)), memory))
    assert memory.read == 2 * once
    other = NearOverlap(context, NearOptions.model_validate({"permutations": 64, "bands": 16}))
    assert other.fold_key != near[1].fold_key


def test_bands_must_divide_the_permutations() -> None:
    with pytest.raises(ValueError, match="30 bands do not divide 128 permutations"):
        NearOptions.model_validate({"bands": 30})


def test_texts_read_again_are_those_of_the_forms() -> None:
    rows = [chat("A  question?", "An ÄNSWER", "sys"), chat("", ""), {"messages": [3, {"role": 1}, {"content": [1]}]}]
    batch = batch_of(rows, range(3))
    texts, forms = batch.get(TEXTS), batch.get(FORMS)
    assert texts.near == forms.near == [fold("A question? An änswer"), b" ", b"  "]
    assert np.array_equal(texts.index, forms.index)
    assert np.array_equal(texts.apart, forms.apart)
