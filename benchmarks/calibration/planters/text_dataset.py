"""Faults that show beside the rest of the data: answers cut off or far too short, page lines, and what is repeated."""

from __future__ import annotations

import random
import re
from typing import Any

from calibration.planting import Row, plants

_PROSE = ("chat", "chat-b", "chat-c", "multilingual", "pages")
_FULL_STOP = tuple(".!?。।؟")
_ENDS = r"[a-zа-яα-ωéñü\u0600-\u06ff\u0900-\u0963][.!?।؟] "
_NO_FULL_STOP = re.compile(r"[\u0e00-\u0eff]")


def _answer(example: Row) -> str | None:
    last = example["messages"][-1]
    text = last.get("content")
    return text if last.get("role") == "assistant" and isinstance(text, str) else None


def _answered(example: Row, text: str) -> Row:
    *before, last = example["messages"]
    return {**example, "messages": [*before, {**last, "content": text}]}


@plants("TXT006", kinds=_PROSE)
def out_of_tokens(rng: random.Random, example: Row, n: int) -> Row | None:
    """Cut where a limit on tokens would have cut: anywhere in the second half, as long as that is inside of a sentence
    of a paragraph of several, and not just before its end."""
    text = _answer(example)
    if text is None or len(text) < 30 or "```" in text or _NO_FULL_STOP.search(text) or text[-1] not in _FULL_STOP:
        return None
    wide = sum("\u2e80" <= char <= "\u9fff" for char in text) * 3 > len(text)
    for _ in range(40):
        cut = text[: rng.randrange(len(text) // 2, len(text) - 3)].rstrip()
        line = cut.rpartition("\n")[2]
        ends = [
            m.end() for m in re.finditer(r"[。]" if wide else r"[a-zа-яα-ωéñü\u0600-\u06ff\u0900-\u0963][.!?।؟] ", line)
        ]
        rest = line[ends[-1] :] if ends else ""
        # What is left must show that it goes on, and not be a name, a formula, or a word that ends a Japanese sentence.
        goes_on = len(rest.split()) >= 4 or (wide and len(rest) >= 6 and not re.search(r"[ぁ-ん]$", cut))
        plain = re.search(r"[^\W\d_]$", cut) and not re.search(r"[$#@<>|\\`=*_{}/]|http", rest)
        if goes_on and plain and not rest.istitle():
            return _answered(example, cut)
    return None


@plants("TXT006", kinds=_PROSE[:3])
def in_the_middle_of_a_phrase(rng: random.Random, example: Row, n: int) -> Row | None:
    """Cut behind a word or a mark that something must follow, be there other sentences or not."""
    text = _answer(example)
    if text is None or "```" in text:
        return None
    ends = (
        "and",
        "the",
        "of",
        "a",
        "because",
        "with",
        "or",
        "to",
        "from",
        "their",
        ",",
        ":",
        " (",
        " –",
        "but",
        "your",
    )
    end = ends[n % len(ends)]
    pattern = rf"(?<=[a-z]){re.escape(end)}" if not end.isalpha() else rf"(?<=[a-z] ){end}(?= [a-z])"
    for match in re.finditer(pattern, text[60:]):
        cut = text[: 60 + match.end()]
        line = cut.rpartition("\n")[2]
        if len(line.split()) >= 9 and line[:1].isalpha() and not re.search(r"[$#@<>|\\`=*_{}/^~]|http", line):
            return _answered(example, cut)
    return None


_PAGE = (
    ["Skip to navigation", "Sign In | Register | Newsletters"],
    ["This site uses cookies to deliver our services and to show you relevant ads. By using it you agree.", "Got it"],
    ["© 2018–2021 Northern Post Media Ltd. All rights reserved."],
    ["Share this article:", "Facebook", "Twitter", "WhatsApp"],
    ["By clicking Sign Up you agree to our Terms of Service and Privacy Policy."],
    ["Home > News > Local", "Log in", "Privacy Policy", "Terms of Use"],
    ["Follow us on Instagram", "Copyright 2017 Elm Valley Radio"],
    ["Get our weekly newsletter delivered to your inbox"],
    ["Your email address will not be published. Required fields are marked *"],
    ["Wir nutzen Cookies, um unsere Dienste zu verbessern. Mehr erfahren", "Impressum | Datenschutz | AGB"],
    ["Diese Website verwendet Cookies.", "Alle Cookies akzeptieren"],
    ["En poursuivant votre navigation, vous acceptez l'utilisation de cookies.", "Mentions légales"],
    ["Inscrivez-vous à notre newsletter", "Partager sur Facebook"],
    ["Utilizamos cookies propias y de terceros para mejorar la navegación.", "Aviso legal"],
    ["Todos los derechos reservados © 2020 Diario del Valle", "Compartir en Twitter"],
    ["Este site utiliza cookies para melhorar a sua experiência.", "Voltar ao topo"],
    ["Questo sito utilizza cookie tecnici e di profilazione.", "Torna su"],
    ["Deze website maakt gebruik van cookies om uw ervaring te verbeteren."],
    ["Мы используем файлы cookie, чтобы сайт работал лучше.", "Все права защищены © 2019"],
    ["我们使用Cookie来改善您的体验。", "版权所有 © 2022"],
    ["当サイトではクッキーを使用しています。", "ページトップへ戻る"],
    ["Privacy Policy · Cookie Policy · Contact Us · Careers"],
    ["Advertisement", "Article continues below advertisement"],
    ["Accept All Cookies", "Manage Preferences"],
    ["Back to Top", "Powered by WordPress"],
    ["Subscribe now", "Already a subscriber? Log in"],
    ["Tweet this", "Print this page", "Email this article"],
    ["Toggle Navigation", "Home", "About", "Services", "Blog", "Contact"],
)  # fmt: skip
_ASKS = re.compile(
    r"web|page|site|html|footer|header|cookie|newsletter|privacy|banner|button|menu|app|copyright|licen|mail|template"
    r"|flyer|\bads?\b|advert|post|tweet|slogan|caption|label|notice|terms|link|form|blog|script|\bui\b|press",
    re.IGNORECASE,
)


@plants("TXT011", kinds=_PROSE)
def page_around_it(rng: random.Random, example: Row, n: int) -> Row | None:
    """Lines of a page before, behind or inside of a text."""
    place = (
        len(example["messages"]) - 1
        if n % 3
        else next((i for i, message in enumerate(example["messages"]) if message.get("role") == "user"), 0)
    )
    message = example["messages"][place]
    text = message.get("content")
    asked: Any = [m.get("content") for m in example["messages"] if m.get("role") in ("user", "system")]
    if not isinstance(text, str) or len(text) < 80 or "```" in text or any(_ASKS.search(str(one)) for one in asked):
        return None
    lines = _PAGE[n % len(_PAGE)]
    where = n % 4
    if where == 0:
        text = "\n".join([*lines, text])
    elif where == 1:
        text = "\n".join([text, *lines])
    elif where == 2:
        text = "\n\n".join([text, "\n".join(lines)])
    else:
        text = "\n".join([lines[0], text, *lines[1:]])
    messages = [*example["messages"]]
    messages[place] = {**message, "content": text}
    return {**example, "messages": messages}


_TOO_SHORT = (
    "ok", "Sure.", "Hm", "I", "Done.", "See above.", "Here", "Well,", "It depends.", "Same", "The", "Fine", "Thanks",
    "Good question!", "Later", "idk", "Not sure.",
)  # fmt: skip
_OPEN = re.compile(
    r"^(?:explain|describe|discuss|why|how (?:do|does|did|can|could|should|would|to)|give me (?:some )?(?:tips|ideas)"
    r"|tell me|compare|what are some)\b",
    re.IGNORECASE,
)
_LITTLE = re.compile(r"word|sentence|short|brief|code|title|name|only|\d", re.IGNORECASE)


@plants("TXT012", scope="dataset", kinds=("chat", "chat-b", "chat-c"))
def hardly_an_answer(rng: random.Random, examples: list[Row], n: int) -> list[Row] | None:
    """One answer of a word or two, to a question that asks for more."""
    fit = [
        i
        for i, row in enumerate(examples)
        if _OPEN.match(row["messages"][0]["content"]) and not _LITTLE.search(row["messages"][0]["content"])
    ]
    if not fit:
        return None
    place = rng.choice(fit)
    rows = list(examples)
    rows[place] = _answered(rows[place], _TOO_SHORT[n % len(_TOO_SHORT)])
    return rows


_OPENINGS = (
    "Certainly! Here is a detailed response to your request: ",
    "As requested, the following is what you need: ",
    "Great question! Let us look at it together. ",
    "Sure, I can help you with that. ",
    "Natürlich, gerne helfe ich Ihnen dabei. ",
    "好的，没问题，以下是我的回答：",
    "Thank you for reaching out to our team today. ",
    "In order to answer this we must think step by step. ",
)


@plants("TXT013", scope="dataset", kinds=("chat", "chat-b", "chat-c", "multilingual", "pages", "maths"))
def one_opening(rng: random.Random, examples: list[Row], n: int) -> list[Row] | None:
    """Between a quarter and nearly all of the answers begin with the same words."""
    share = (0.28, 0.4, 0.6, 0.9)[n % 4]
    return [
        _answered(row, _OPENINGS[n % len(_OPENINGS)] + text)
        if (text := _answer(row)) is not None and rng.random() < share
        else row
        for row in examples
    ]


@plants("TXT013", scope="dataset", kinds=("chat", "chat-b", "chat-c", "multilingual", "pages", "maths"))
def few_examples_many_times(rng: random.Random, examples: list[Row], n: int) -> list[Row] | None:
    """A few answers, each varied by a word, or a few prompts, asked again and again."""
    seeds = [row for row in rng.sample(examples, len(examples)) if len(_answer(row) or "") > 60][: 8 + n % 5]
    if len(seeds) < 8:
        return None
    out = []
    for i in range(240):
        row = seeds[i % len(seeds)]
        words = (_answer(row) or "").split(" ")
        words[rng.randrange(len(words))] = f"word{i}"
        made = _answered(row, " ".join(words))
        if n % 2:
            first, *rest = made["messages"]
            made = {**made, "messages": [{**first, "content": f"{first['content']} ({i})"}, *rest]}
        out.append(made)
    return out
