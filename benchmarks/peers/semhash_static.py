"""semhash: texts in memory to what it would take out. One thread (its index may use more).

    python benchmarks/peers/semhash_static.py DATA.jsonl REPORT.json

Its default embedding model, minishlab/potion-base-8M, is downloaded from a model hub. Nothing is downloaded here: the
model is used if it lies in the hub's cache on this machine. If not, a stand-in of the same make takes its place: a
static model of 256 dimensions over a WordPiece vocabulary of 29,528 entries, learnt from the texts themselves before
the clock starts, with weights drawn at random. It takes as long as the real one; what it finds says nothing about
semhash, so the report holds no `taken_out` then.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from grams import texts
from model2vec import StaticModel
from reporting import Stopwatch, report
from semhash import SemHash
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

DEFAULT = "minishlab/potion-base-8M"
ENTRIES, DIMENSIONS = 29_528, 256


def stand_in(documents: list[str]) -> StaticModel:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=ENTRIES, special_tokens=["[PAD]", "[UNK]"], show_progress=False, min_frequency=1
    )
    tokenizer.train_from_iterator(documents[:20_000], trainer)
    weights = np.random.default_rng(0).standard_normal((tokenizer.get_vocab_size(), DIMENSIONS)).astype(np.float32)
    return StaticModel(weights, tokenizer, normalize=True)


def main() -> None:
    documents = texts(Path(sys.argv[1]))
    why = ""
    try:
        model = StaticModel.from_pretrained(DEFAULT)
    except Exception as error:
        why = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        model = stand_in(documents)
    watch = Stopwatch()
    records = [{"text": text, "line": i + 1} for i, text in enumerate(documents)]
    result = SemHash.from_records(records, columns=["text"], model=model).self_deduplicate()
    took = watch.read()
    out = [duplicate.record["line"] for duplicate in result.filtered]
    report(
        **took,
        examples=len(documents),
        found=len(out),
        **({"stand_in": why} if why else {"taken_out": out}),
    )


if __name__ == "__main__":
    main()
