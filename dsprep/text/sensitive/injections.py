"""Texts that give orders to whatever model reads them."""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from dsprep.model.batch import Batch
from dsprep.text.code_spans import code_spans
from dsprep.text.many_words import ManyWords
from dsprep.text.sensitive.spots import holding
from dsprep.text.turn_bytes import TURN_BYTES

#: Every phrase in other letters, or with letters of its own, holds one of these.
_FOREIGN: Final = (
    "инструкц", "указани", "команд", "інструкц", "вказівк", "指令", "指示", "提示", "命令", "プロンプト",
    "지시", "지침", "명령", "프롬프트", "تعليمات", "أوامر", "دستور", "निर्देश", "הוראות", "hướng dẫn", "yönerge",
    "talimat", "consignes",
)  # fmt: skip

_VERB: Final = r"(?:ignore|disregard|forget|discard|(?:do not|don['’]t|stop|never) (?:follow(?:ing)?|obey(?:ing)?))"
_ALL: Final = r"(?:(?:all|any|every|of|the|your|these|those|and|both|absolutely|completely)\s+){0,4}"
_BEFORE: Final = (
    r"(?:(?:previous(?:ly)?|prior|above|earlier|preceding|foregoing|initial|original|past|former|system|given)"
    r"\s*(?:,|/|and|or)?\s*){1,3}"
)
_ORDERS: Final = r"(?:instructions?|prompts?|directives?|directions)"
#: Instructions on a subject are those of a manual, not of a prompt.
_SUBJECT: Final = re.compile(
    r"\s{1,3}(?:about|regarding|concerning|on|for|from|in|of|given (?:to|by))\s{1,3}(?!(?:this|the|your|our)?\s?"
    r"(?:entire |whole |current )?"
    r"(?:system|prompt|conversation|chat|context|developer|session|above|everything))\w+",
    re.IGNORECASE,
)
_MACHINE: Final = re.compile(
    r"\b(?:AI|LLM|GPT|chat ?bot|language model|assistant|system prompt|you are (?:now|an?)|instead|and (?:say|output"
    r"|print"
    r"|reply|respond|reveal|tell|write|pretend|act))\b",
    re.IGNORECASE,
)


#: Who may do it is not ordered to, and who tells of it orders nothing.
_TOLD: Final = re.compile(
    r"\b(?:can|may|could|might|would|will|cannot|can['’]t|shouldn['’]t|safely|court|jury|judge|they|he|she|we"
    r"|they['’]ll|to just)"
    r"\s+(?:also\s+|just\s+|then\s+|simply\s+)?\Z",
    re.IGNORECASE,
)


class _Phrase(NamedTuple):
    """A pattern; `subject` says whether a subject behind it makes it harmless. What it matches holds, in small letters,
    one of `anchors`, and, if there are any, one of `others`: that is tested first."""

    pattern: str
    anchors: tuple[str, ...]
    others: tuple[str, ...] = ()
    subject: bool = False


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when it is first needed, as most runs need few of them."""
    return re.compile(pattern, re.IGNORECASE)


def _phrase(pattern: str, anchors: str, others: str = "", *, subject: bool = False) -> _Phrase:
    return _Phrase(
        pattern,
        tuple(anchors.split("|")),
        tuple(others.split("|")) if others else (),
        subject,
    )


_GAP: Final = r"\s+(?:[^\W\d_]+\s+){0,4}?"
_PHRASES: Final = (
    _phrase(
        rf"\b{_VERB}\s+{_ALL}{_BEFORE}(?:user\s+|system\s+)?{_ORDERS}\b",
        "instruct|prompt|directi",
        "ignor|disregard|forget|discard|follow|obey",
        subject=True,
    ),
    _phrase(
        rf"\b{_VERB}\s+{_ALL}{_ORDERS}\s+(?:(?:that\s+)?(?:you\s+(?:were|have been|['’]ve been|had|have|received|got)"
        r"|(?:were\s+)?given to you|came before|precede)|above\b|before (?:this|that)|up to (?:now|this))",
        "instruct|prompt|directi",
        "ignor|disregard|forget|discard|follow|obey",
    ),
    _phrase(
        rf"\b(?:{_VERB}|override|bypass)\s+(?:all\s+|any\s+)?(?:of\s+)?"
        r"(?:the\s+(?:system|developer)(?:['’]s)?\s+(?:prompts?|instructions?|directives?)|your\s+(?:(?:previous"
        r"|prior|current|own|original|initial|safety|ethical|content|internal|system|security)\s+){0,3}"
        r"(?:instructions?|prompts?|programming|guidelines|guardrails|restrictions|directives?|policies|policy|filters"
        r"|safety (?:rules|training|protocols|measures)))\b",
        "ignore|overrid|instruct|prompt|directi",
        "your|the system|the developer",
        subject=True,
    ),
    _phrase(
        r"\b(?:ignore|disregard|forget)\s+(?:(?:everything|anything|all)(?: of)?\s+(?:that\s+(?:is\s+|was\s+)?"
        r"|said\s+|written\s+)?)?"
        r"(?:the\s+|this\s+)?(?:above|before this|previous(?:ly)?|so far|until now)(?:\s+(?:text|input|content"
        r"|conversation|task|request))?"
        r"\s*(?:,|;|\.|\band\b|\bthen\b)\s*(?:instead,?\s+|just\s+|please\s+|now,?\s+|only\s+)?"
        r"(?:say|print|output|reply|respond|answer|write|tell|translate|reveal|repeat|return|give|show|do|act"
        r"|pretend|follow|send)\b",
        "ignore|disregard|forget everything",
        "above|before this|previous|so far|until now",
    ),
    _phrase(
        r"\bforget\s+(?:everything|all(?: of)? (?:that|this|the above|what))\s+(?:(?:that\s+)?(?:you(?:['’]ve"
        r"|\s+have|\s+were)?"
        r"\s+(?:been\s+)?(?:told|instructed|programmed|trained|learn(?:ed|t))|came before|i(?:['’]ve)? (?:told"
        r"|instructed) you|above|before this)"
        r"|and (?:act|pretend|become|start|follow))",
        "forget everything|instruct|prompt",
        "forget",
    ),
    _phrase(
        r"\byou are now\s+(?:in\s+|entering\s+|running in\s+)?(?:a\s+|an\s+)?(?:DAN\b|STAN\b|DUDE\b|(?:unrestricted"
        r"|uncensored"
        r"|unfiltered|jailbroken|unlimited|unbound|evil|amoral)\b|(?:developer|sudo"
        r"|jailbreak|unrestricted) mode|free (?:from|of) (?:all\s+)?(?:restrictions|rules|limitations|guidelines))",
        "you are now",
    ),
    _phrase(
        r"\b(?:act|behave|respond|answer|reply|pretend(?: to be)?|role-?play)\s+(?:as\s+)?(?:DAN\b(?![ -]?(?:brown"
        r"|[a-z]\w+"
        r"son))|an? (?:AI|assistant|model|chatbot) (?:with(?:out)?|that has|with no) (?:no |any )?(?:restrictions"
        r"|rules|filters"
        r"|limitations|ethics|guidelines)|(?:if|though) you (?:have|had|are under) no (?:restrictions|rules"
        r"|guidelines|limits"
        r"|filters|ethical))",
        "restrictions|anything now|prompt",
        "dan|restrict|rules|filters|limit|ethic|guidelines",
    ),
    _phrase(r"\bDAN\b.{0,40}\bdo anything now\b|\bdo anything now\b.{0,40}\bDAN\b", "anything now"),
    _phrase(
        r"\b(?:enable|activate|enter|switch (?:in)?to|you(?:['’]re| are) in)\s+(?:the\s+)?(?:developer|jailbreak|DAN"
        r"|god) mode\b.{0,80}\b(?:policy|policies|restrict|filter|rules|uncensored|answer|ChatGPT|AI|assistant|model)",
        "developer mode|anything now",
        "mode",
    ),
    _phrase(
        r"\b(?:reveal|print|repeat|output|show|display|leak|disclose|expose|send|give|tell)\s+(?:me\s+|us\s+|back\s+"
        r"|out\s+)?"
        r"(?:all of\s+)?your\s+(?:(?:full|entire|complete|exact|initial|hidden|original|secret|own|internal|current"
        r"|whole)\s+){0,3}"
        r"(?:system\s+(?:prompt|message|instructions?)|(?:hidden|initial|original|secret|internal) (?:instructions?"
        r"|prompt)|prompt\b(?! (?:response|reply|attention|action)))",
        "prompt|instruct|system message",
        "your",
    ),
    _phrase(
        r"<\s?/?\s?system(?:[ _-]?(?:prompt|message|note|override|instructions?|update|reminder))?\s?/?>"
        r"(?=.{0,300}?\b(?:you\b|your\b|ignore|assistant|"
        r"must\b|AI\b|model\b|instructions?\b|reply|respond))",
        "<system",
    ),
    _phrase(
        r"\[\s?(?:system|admin|developer)[ _-](?:override|instruction|prompt|message|note|command|update)s?\s?\]",
        "overrid|instruct|prompt",
        "[",
    ),
    _phrase(
        r"\bSYSTEM (?:OVERRIDE|INSTRUCTION|UPDATE|NOTE TO (?:AI|ASSISTANT))S?\s?:",
        "overrid|instruct|ai assistant",
        "system",
    ),
    _phrase(
        r"\b(?:note|attention|important|message|instructions?|notice|reminder|memo)\s*(?:to|for)?:?\s+(?:(?:to|for"
        r"|all|any|the|an?)\s+){0,3}"
        r"(?:AI|LLMs?|(?:large )?language models?|chatbots?|AI (?:assistants?|agents?|models?|systems?|crawlers?"
        r"|readers?)|ChatGPT|GPT-?4?)"
        r"(?:s)?\s*(?:(?:that|who|which)\s+(?:is|are|may be)\s+)?(?:reading|processing|summari[sz]ing|parsing"
        r"|scraping|evaluating|reviewing|visiting"
        r"|indexing|:)",
        "ai assistant|language model|instruct",
    ),
    _phrase(
        r"\bif you(?:['’]re| are)\s+an?\s+(?:AI|LLM|(?:large )?language model|chatbot|AI (?:assistant|model|agent"
        r"|crawler))\b[^.\n]{0,60}?[,:]?\s+"
        r"(?:please\s+|then\s+|you (?:must|should)\s+|always\s+)?(?:ignore|say|respond|output|include|reply|do not"
        r"|stop|mention|recommend|rate|add|insert|begin|start|end|tell|give|write)\b",
        "ai assistant|language model|if you are an ai",
    ),
    # German, Dutch, Scandinavian
    _phrase(
        r"\b(?:ignorier(?:e|en|t)?|vergiss|vergessen|missachte|verwirf)(?:\s+Sie)?\s+(?:bitte\s+)?(?:alle\s+"
        r"|sämtliche\s+|jegliche\s+|all\s+)?"
        r"(?:die\s+|deine\s+|Ihre\s+|meine\s+)?(?:vorherigen|bisherigen|obigen|früheren|vorigen|vorangegangenen"
        r"|vorhergehenden|ursprünglichen"
        r"|obenstehenden|vorherige|bisherige|obige|frühere)\s+(?:Anweisungen|Instruktionen|Befehle|Vorgaben|Prompts?"
        r"|Regeln)",
        "anweisung|instru|prompt",
        "ignor|vergiss|vergessen|missachte|verwirf",
    ),
    _phrase(
        r"\b(?:negeer|vergeet)\s+(?:a\.?u\.?b\.?\s+)?(?:al(?:le)?\s+)?(?:de\s+|je\s+|uw\s+)?(?:vorige|eerdere"
        r"|voorgaande|bovenstaande)\s+(?:instructies|prompts?)",
        "instru|prompt",
        "negeer|vergeet",
    ),
    _phrase(
        r"\b(?:ignorer(?:a|er)?|glöm|glem|bortse från|se bort fra)\s+(?:alla\s+|alle\s+)?(?:de\s+|dine\s+|dina\s+)?"
        r"(?:tidigare|tidligere|föregående|foregående|forrige)\s+instru\w+",
        "instru",
        "ignor|gl|bort",
    ),
    # Romance
    _phrase(
        r"\b(?:ignore[zr]?|oublie[zr]?|ne (?:tiens|tenez) pas compte|fais abstraction|faites abstraction)\s+(?:de\s+"
        r"|s['’]il vous plaît\s+)?"
        r"(?:toutes?\s+)?(?:les|des|tes|vos|mes)\s+(?:(?:instructions|consignes|directives|prompts?)\s+"
        r"(?:précédentes?|antérieures?|ci-dessus"
        r"|initiales|reçues|données|système)|précédentes\s+(?:instructions|consignes|directives))",
        "consigne|instru|directi|prompt",
        "ignor|oubli|compte|abstraction",
    ),
    _phrase(
        r"\b(?:ignor[ae]d?|olvid[ae]d?|omit[ae]|desestim[ae]|haz caso omiso de|hag[ao] caso omiso de)\s+(?:por"
        r" favor\s+)?(?:tod[ao]s\s+)?"
        r"(?:las|tus|sus|mis|los)\s+(?:(?:instrucciones|indicaciones|órdenes|directrices|prompts?)\s+(?:anteriores"
        r"|previ[ao]s|precedentes|iniciales"
        r"|de arriba|recibidas|del sistema)|anteriores\s+instrucciones)",
        "instru|prompt",
        "ignor|olvid|omit|desestim|caso omiso",
    ),
    _phrase(
        r"\b(?:ignor[ea]|esqueça|esquece|desconsider[ea])\s+(?:por favor\s+)?(?:tod[ao]s\s+)?(?:as\s+|suas\s+"
        r"|os\s+)?(?:suas\s+|tuas\s+)?"
        r"(?:instruções|orientações|diretrizes|prompts?)\s+(?:anteriores|prévi[ao]s|acima|iniciais|precedentes"
        r"|recebidas|do sistema)",
        "instru|prompt",
        "ignor|esque|desconsider",
    ),
    _phrase(
        r"\b(?:ignora(?:te)?|dimentica(?:te)?|trascura(?:te)?|non tenere conto del(?:le)?)\s+(?:tutt[ei]\s+)?"
        r"(?:le\s+|i\s+)?(?:tue\s+)?"
        r"(?:(?:istruzioni|indicazioni|direttive|prompt)\s+(?:precedenti|di cui sopra|iniziali|sopra|ricevute|di"
        r" sistema)|precedenti\s+istruzioni)",
        "istruzion|prompt",
        "ignor|dimentica|trascura|non tenere",
    ),
    # Slavic, Turkish, Indonesian, Vietnamese
    _phrase(
        r"\b(?:z?ignoruj(?:cie)?|zapomnij o|pomiń)\s+(?:wszystk\w+\s+)?(?:poprzedni\w+|wcześniejsz\w+"
        r"|powyższ\w+)\s+instrukcj\w+",
        "instruk",
        "ignoruj|zapomnij|pomi",
    ),
    _phrase(
        rf"\b(?:про)?игнорируй(?:те)?{_GAP}(?:предыдущ|прежн|вышеуказанн|вышестоящ|предшествующ)\w+\s+(?:инструкц"
        rf"|указани|команд)\w+"
        rf"|\b(?:забудь(?:те)?|не обращай(?:те)? внимания на){_GAP}(?:предыдущ|прежн|вышеуказанн)\w+\s+(?:инструкц"
        rf"|указани|команд)\w+"
        rf"|\b(?:ігноруй(?:те)?|проігноруй(?:те)?|забудь(?:те)?){_GAP}попередні\w*\s+(?:інструкц|вказівк|команд)\w+",
        "инструкц|указани|команд|інструкц|вказівк",
        "гнору|гнорир|забудь|не обращай",
    ),
    _phrase(
        r"\b(?:önceki|yukarıdaki)\s+(?:bütün\s+|tüm\s+)?(?:talimat|yönerge)\w*\s+(?:\w+\s+){0,2}?(?:yok\s?say"
        r"|görmezden gel|unut|dikkate alma)\w*",
        "talimat|yönerge",
    ),
    _phrase(
        r"\b(?:abaikan|lupakan)\s+(?:semua\s+|seluruh\s+)?(?:instruksi|prompt)\s+(?:yang\s+)?(?:sebelumnya|di atas"
        r"|sebelum ini)",
        "instru|prompt",
        "abaikan|lupakan",
    ),
    _phrase(
        r"\b(?:bỏ qua|phớt lờ|quên)\s+(?:\w+\s+){0,3}?(?:hướng dẫn)\s+(?:\w+\s+){0,2}?(?:trước|ở trên)", "hướng dẫn"
    ),
    # East and South Asian, Semitic, Persian
    _phrase(
        r"(?:忽略|无视|無視|忘记|忘掉|忘記|忽視|忽视|不要理会|请无视)[^。\n「」“”]{0,12}?(?:之前|以上|先前|前面|上述"
        r"|此前|以前|上面|前述)[^。\n]{0,8}?(?:指令|指示|提示|命令)",
        "指令|指示|提示|命令",
    ),
    _phrase(
        r"(?:以前|これまで|上記|前|先|今まで|それまで)の?[^。\n]{0,12}?(?:指示|命令|指令|プロンプト)[^。\n]{0,10}?"
        r"(?:無視し|無視せ|忘れて|忘れろ)",
        "指示|命令|指令|プロンプト",
        "無視|忘れ",
    ),
    _phrase(
        r"(?:이전|위의|앞선|지금까지|앞의)[^.\n]{0,12}?(?:지시|명령|지침|프롬프트)[^.\n]{0,10}?(?:무시하|무시해|잊어"
        r"|잊으)",
        "지시|지침|명령|프롬프트",
    ),
    _phrase(
        r"(?:تجاهل|انس[َى]?|تجاهلي|تجاهلوا)\s[^.\n]{0,16}?(?:التعليمات|تعليماتك|الأوامر|أوامرك)\s[^.\n]{0,10}?"
        r"(?:السابقة|أعلاه)",
        "تعليمات|أوامر",
    ),
    _phrase(
        r"(?:دستورات|دستورالعمل[\u200c ]?های|دستورهای)\s[^.\n]{0,10}?(?:قبلی|پیشین|بالا)[^.\n]{0,10}?(?:نادیده بگیر"
        r"|فراموش کن)",
        "دستور",
    ),
    _phrase(r"(?:पिछले|पूर्व|ऊपर|पहले)[^।\n]{0,16}?निर्देश[^।\n]{0,20}?(?:अनदेखा|अनदेखी|नज़रअंदाज़|नजरअंदाज|भूल जा)", "निर्देश"),
    _phrase(r"(?:התעלם|התעלמי|שכח|התעלמו)\s[^.\n]{0,12}?(?:ההוראות|הוראות)\s[^.\n]{0,10}?(?:הקודמות|לעיל)", "הוראות"),
)

_ANCHORS: Final = tuple(sorted({anchor for phrase in _PHRASES for anchor in phrase.anchors}))
_ASCII_ANCHORS: Final = tuple(anchor for anchor in _ANCHORS if anchor.isascii())
#: In small letters; every phrase in Latin letters holds one of these pieces of `instruct`, `anweisung`, `directions`
#: and so on, or the word `prompt`, which is too short to be searched for with them.
_PIECES: Final = ManyWords(
    piece.encode()
    for piece in (
        "instruc", "instruç", "instruk", "truzion", "nweisun", "directi", "are now",
        "hing now", "per mode", "<system", "overrid", "get every", "disrega", "riction", "age mod", "ai assi",
        "e an ai", "ignore ",
    )
)  # fmt: skip

#: What is written about such texts names them.
_ABOUT: Final = re.compile(
    r"prompt[ -]?(?:injection|leak|hack)|jailbreak(?:ing|s| attack| attempt| prompt| technique)|red[ -]?team"
    r"|adversarial"
    r"|OWASP|instruction hierarchy|LLM security|AI safety|injection (?:attack|attempt)|提示注入|注入攻击"
    r"|プロンプトインジェクション"
    r"|프롬프트 (?:인젝션|주입)|инъекци|inyecci[oó]n|inje[cç][aã]o|injection de prompt",
    re.IGNORECASE,
)
_QUOTE: Final = re.compile(r"[\"'“„«「『‘`‹][^\"'“”„«»「」『』‘’`‹›\n]{0,24}\Z")


class Order(NamedTuple):
    """Where a text gives orders."""

    start: int
    end: int


def may_order(batch: Batch) -> list[int]:
    """The texts of a batch that are worth to look at, ascending."""
    joined = batch.get(TURN_BYTES)
    lowered = joined.data.lower()
    found = {*joined.at(_PIECES.offsets(lowered)), *holding(joined, lowered, [b"prompt"])}
    texts = batch.turns.text
    found.update(i for i, text in enumerate(texts) if not text.isascii() and any(word in text for word in _FOREIGN))
    return sorted(found)


def is_about_orders(text: str) -> bool:
    """Whether a text names the attack that such orders are."""
    return _ABOUT.search(text) is not None


def first_order(text: str, *, quoted: bool = False) -> Order | None:
    """The first place where `text` gives orders to a model, in prose; None if there is none. Words in quotation marks
    count only if `quoted`."""
    spans: list[tuple[int, int]] | None = None
    first: Order | None = None
    lowered = text.lower()
    anchors = _ASCII_ANCHORS if text.isascii() else _ANCHORS
    present = {anchor for anchor in anchors if anchor in lowered}
    for phrase in _PHRASES:
        if present.isdisjoint(phrase.anchors) or (phrase.others and not any(word in lowered for word in phrase.others)):
            continue
        for match in _compiled(phrase.pattern).finditer(text):
            start, end = match.span()
            if first is not None and start >= first.start:
                break
            if phrase.subject and _SUBJECT.match(text, end) and not _MACHINE.search(text, end, end + 120):
                continue
            if _TOLD.search(text, max(0, start - 24), start):
                continue
            if not quoted:
                if _QUOTE.search(text, max(0, start - 26), start):
                    continue
                spans = code_spans(text) if spans is None else spans
                if any(a <= start < b for a, b in spans):
                    continue
            first = Order(start, end)
            break
    return first
