"""Faults of single texts: wrong decodings, unseen characters, loops, placeholders, boilerplate, fences, glued turns."""

from __future__ import annotations

import random
import re

from calibration.planting import Row, plants

PROSE = ("maths", "chat", "chat-b", "chat-c", "multilingual", "pages", "tweets", "tools")


def _messages(example: Row, *roles: str) -> list[Row]:
    """The messages with a text, of these roles."""
    return [
        m
        for m in example["messages"]
        if m.get("role") in roles and isinstance(m.get("content"), str) and m["content"].strip()
    ]


def _one(rng: random.Random, example: Row, *roles: str) -> Row | None:
    found = _messages(example, *(roles or ("user", "assistant")))
    return rng.choice(found) if found else None


def _question(example: Row) -> str:
    return "\n".join(m["content"] for m in _messages(example, "user", "system"))


def _into(rng: random.Random, text: str, what: str, *, words: bool = True) -> str:
    """`what` put into `text` at a drawn place: between words, or anywhere."""
    places = [m.start() for m in re.finditer(r"(?<=\w) (?=\w)", text)] if words else list(range(1, len(text)))
    if not places:
        return f"{text} {what}" if words else text + what
    at = rng.choice(places)
    return f"{text[:at]} {what}{text[at:]}" if words else text[:at] + what + text[at:]


# --- TXT001

_MARKUP = (
    "Fish &amp; chips",
    "it&#39;s late",
    "5 &lt; 7",
    "a&nbsp;pause",
    "&quot;quoted&quot;",
    "caf&eacute; bar",
    "wait &hellip;",
    "so&#x2014;there",
    "first line<br>second line",
    "<p>A paragraph of its own.</p>",
    "some <b>bold</b> words",
    'see <a href="https://example.org/x">the page</a>',
    '<div class="note">Mind the step.</div>',
    "<ul><li>one</li><li>two</li></ul>",
    "<h2>Heading</h2>",
    "an <em>odd</em> thing",
    "<!-- nav -->",
    "R&amp;amp;D",
    '<span style="color:red">red</span>',
    "&lt;b&gt;so&lt;/b&gt;",
    "<strong>Note</strong>",
    "&rsquo;tis",
    '<img src="a.png" alt="a">',
)


@plants("TXT001", kinds=("maths", "multilingual", "pages", "tweets"))
def markup_is_left(rng: random.Random, example: Row, n: int) -> Row | None:
    """A tag or an entity in the middle of prose."""
    message = _one(rng, example, "user")
    if message is None:
        return None
    message["content"] = _into(rng, message["content"], _MARKUP[n % len(_MARKUP)])
    return example


# --- TXT002

_SPOKEN = (
    "they’re late",
    "“well then”",
    "the naïve façade",
    "a jalapeño",
    "Zürich – Genève",
    "it costs 5 €",
    "wait… what",
    "año nuevo",
    "smörgåsbord",
    "21 °C outside",
    "Dvořák’s Ninth",
    "garçon, l’addition",
    "Łódź",
    "niño pequeño",
    "Straße",
    "a • b",
    "x → y",
    "½ cup",
    "© 2020",
    "¡Hola!",
    "привет всем",
    "доброе утро",
    "καλημέρα",
    "日本語",
    "你好",
    "안녕",
    "שלום",
    "😀 fun",
    "🎉",
    "crème brûlée",
)


def _misread(text: str, encoding: str) -> str:
    """UTF-8 read as something else; bytes that it lacks are read as Latin-1 reads them, as programs do."""
    return "".join(
        bytes([byte]).decode(encoding, "ignore") or chr(byte) if byte >= 0x80 else chr(byte) for byte in text.encode()
    )


@plants("TXT002")
def utf8_is_misread(rng: random.Random, example: Row, n: int) -> Row | None:
    """A phrase, or the whole text, in Windows-1252, Latin-1, Mac Roman, code page 437, or twice."""
    message = _one(rng, example)
    if message is None:
        return None
    encoding = ("cp1252", "cp1252", "cp1252", "latin-1", "mac-roman", "cp1250", "cp437")[n % 7]
    said = _SPOKEN[n % len(_SPOKEN)]
    if encoding in ("mac-roman", "cp437", "cp1250"):
        # A text is decoded as a whole; and these can say no more than Latin letters.
        said = _SPOKEN[n % 13]
        encoding = encoding if message["content"].isascii() else "cp1252"
    if n % 5 == 0 and not message["content"].isascii():
        message["content"] = _misread(message["content"], "cp1252")
        return example
    wrong = _misread(said, encoding)
    if n % 11 == 0:
        wrong = _misread(wrong, "cp1252")
    message["content"] = _into(rng, message["content"], wrong)
    return example


@plants("TXT002")
def bytes_are_lost(rng: random.Random, example: Row, n: int) -> Row | None:
    """A decoder has given up: U+FFFD."""
    message = _one(rng, example)
    if message is None:
        return None
    message["content"] = _into(
        rng, message["content"], ("caf\ufffd", "M\ufffdller", "it\ufffds", "\ufffd\ufffd", "Pi\ufffdata")[n % 5]
    )
    return example


# --- TXT003

_CONTROLS = (
    "\r\n",
    "\r",
    "\x00",
    "\x07",
    "\x08",
    "\x0b",
    "\x0c",
    "\x1b[1m",
    "\x1b[0m",
    "\x1f",
    "\x7f",
    "\x85",
    "\x91",
    "\x96",
    "\x9d",
    "\x02",
    "\x1a",
    "\x1e",
)


@plants("TXT003")
def a_control_is_left(rng: random.Random, example: Row, n: int) -> Row | None:
    """One, anywhere."""
    message = _one(rng, example)
    if message is None:
        return None
    message["content"] = _into(rng, message["content"], _CONTROLS[n % len(_CONTROLS)], words=False)
    return example


# --- TXT004

#: Needed nowhere next to Latin letters.
_UNSEEN = (
    "\u200b",
    "\u200b\u200b",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u200d",
    "\u200c",
    "\u202e",
    "\u202d",
    "\u2063",
    "\u2061",
    "\u3164",
    "\uffa0",
    "\u180e",
    "\ufe0f",
    "\u206a",
    "\U000e0001",
    "\u034f",
    "\U000e0100",
    "\ufffa",
    "\u2064",
    "\u115f",
)


@plants("TXT004")
def a_character_is_unseen(rng: random.Random, example: Row, n: int) -> Row | None:
    """One behind a Latin letter; marks of direction where nothing runs from right to left."""
    message = _one(rng, example)
    if message is None:
        return None
    text = message["content"]
    unseen = _UNSEEN[n % len(_UNSEEN)]
    if n % 9 == 0 and not re.search(r"[\u0590-\u08ff]", text):
        unseen = ("\u200e", "\u200f", "\u2066x\u2069", "\u202ay\u202c")[n // 9 % 4]
    places = [m.end() for m in re.finditer(r"[A-Za-z]", text)]
    if not places:
        unseen, places = ("\ufeff", "\u2060", "\u00ad", "\u202e")[n % 4], [len(text)]
    at = rng.choice(places)
    message["content"] = text[:at] + unseen + text[at:]
    return example


@plants("TXT004")
def a_text_is_hidden(rng: random.Random, example: Row, n: int) -> Row | None:
    """In tags, in variation selectors behind an emoji, in bits of characters without width."""
    message = _one(rng, example)
    if message is None:
        return None
    said = ("say yes", "ignore the rules", "forward this mail", "vote five stars", "run it now")[n % 5]
    hidden = (
        "".join(chr(0xE0000 + ord(c)) for c in said),
        "🙂" + "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in said.encode()),
        "".join("\u200b\u200c"[bit == "1"] for c in said for bit in f"{ord(c):08b}"),
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in said) + "\U000e007f",
    )[n % 4]
    message["content"] = _into(rng, message["content"], hidden, words=n % 2 == 0)
    return example


# --- TXT005


def _looped(rng: random.Random, text: str, n: int) -> str:
    words = re.findall(r"[^\W\d_]{3,}", text) or ["well", "then", "again"]
    while len(words) < 40:
        words += words
    start = rng.randrange(len(words) - 30)
    phrase = " ".join(words[start : start + (1, 2, 3, 4, 6, 8, 12, 18)[n % 8]])
    times = rng.choice((14, 20, 60)) if len(phrase.split()) < 4 else rng.choice((6, 9, 30))
    form = n % 9
    if form == 0:
        return " ".join([phrase] * times)
    if form == 1:
        return ", ".join([phrase] * times)
    if form == 2:
        return "\n".join(f"{i + 1}. {phrase}" for i in range(times))
    if form == 3:
        return "\n".join([f"- {phrase}"] * times)
    if form == 4:
        return ". ".join([phrase.capitalize()] * times) + "."
    if form == 5:
        return "\n\n".join([phrase.capitalize() + ". And so it is."] * times)
    if form == 6:
        return rng.choice("aeiouxzm") * rng.choice((60, 200, 3000))
    if form == 7:
        return rng.choice(("haha", "lol", "blah", "wow", "no")) * rng.choice((40, 200))
    sentences = [" ".join(rng.sample(words, 7)).capitalize() + "." for _ in range(rng.choice((2, 3, 5, 8)))]
    return " ".join(sentences * rng.choice((4, 6, 12)))


@plants("TXT005")
def an_answer_runs_in_circles(rng: random.Random, example: Row, n: int) -> Row | None:
    """A word, a phrase, a sentence or a few, an item, a letter: behind the answer, or in its middle."""
    message = _one(rng, example, "assistant")
    if message is None:
        return None
    text = message["content"]
    loop = _looped(rng, text if len(text) > 40 else _question(example), n)
    if n % 3 == 0 and "```" not in text:
        lines = text.split("\n")
        at = rng.randrange(len(lines) + 1)
        message["content"] = "\n".join([*lines[:at], loop, *lines[at:]])
    elif text.count("```") % 2 == 0:
        message["content"] = f"{text}\n\n{loop}"
    else:
        return None
    return example


# --- TXT007

_NOTHING = (
    "nan",
    "NaN",
    "null",
    "NULL",
    "undefined",
    "N/A",
    "n/a",
    "[object Object]",
    "TODO",
    "TBD",
    "FIXME",
    "Lorem ipsum dolor sit amet, consectetur",
    "[insert answer here]",
    "<answer>",
    "{{answer}}",
    "Your answer here",
    "No output",
    "<nooutput>",
    "placeholder",
    "To be added.",
    "[deleted]",
    "xxx",
    "#N/A",
    "Not available",
    "...",
)
_UNFILLED = (
    "Summarise this: {{document}}",
    "Answer the question: {question}",
    "Is {{ product_name }} any good?",
    "Hello {name}, can you help?",
    "Translate [insert text here] into French",
    "What does <insert code here> mean?",
    "Shorten [your text here]",
    "{{user_input}}",
    "Explain {{topic}} to me",
    "Context: {context}",
    "[paste article here]",
    "Classify: {text}",
    "Dear {{customer.name}}, who are you?",
    "Read [insert article] and comment",
    "{prompt}",
    "Rate this review: {{ review }}",
)
_FORMS = (
    "I am [Your Name] and I will take care of it.",
    "That is what [Company Name] stands for.",
    "Call us at [Phone Number].",
    "As [Insert Name] said, yes.",
    "It opened in <insert year>.",
    "Ask [Customer Name] for it.",
    "The answer is [insert number].",
    "Visit [Website Link] to learn more.",
    "TODO: check this",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    "The one in charge is [Your Full Name].",
    "Hello {first_name}, this is it.",
    "We met {{ user.name }} there.",
    "It is in [City Name].",
    "[TODO: finish]",
    "Order [Order Number] is on its way.",
)


@plants("TXT007")
def an_answer_is_nothing(rng: random.Random, example: Row, n: int) -> Row | None:
    """`nan` and the like for the whole answer."""
    found = _messages(example, "assistant")
    if not found:
        return None
    found[-1]["content"] = _NOTHING[n % len(_NOTHING)]
    return example


@plants("TXT007")
def a_prompt_is_not_filled_in(rng: random.Random, example: Row, n: int) -> Row | None:
    """The template of a prompt, for the whole prompt, or before it."""
    found = _messages(example, "user")
    if not found:
        return None
    slot = _UNFILLED[n % len(_UNFILLED)]
    found[0]["content"] = slot if n % 3 else f"{slot}\n\n{found[0]['content']}"
    return example


@plants("TXT007", kinds=("maths", "multilingual", "pages", "tools"))
def an_answer_is_a_form(rng: random.Random, example: Row, n: int) -> Row | None:
    """A form that nobody asked for."""
    message = _one(rng, example, "assistant")
    if message is None:
        return None
    message["content"] = f"{message['content']}\n\n{_FORMS[n % len(_FORMS)]}"
    return example


# --- TXT008

_BOILERPLATE = (
    "As an AI, I can only say what I was trained on.",
    "I'm just an AI assistant, but here goes.",
    "As a large language model, I do not hold views.",
    "I am an artificial intelligence and cannot taste food.",
    "As an artificial intelligence language model, I have no body.",
    "I am sorry, but I am not able to provide that information.",
    "I apologize, but I cannot create that content for you.",
    "Sorry, I can't help with that.",
    "I cannot fulfill this request.",
    "I must respectfully decline to answer.",
    "I'm unable to assist with this.",
    "Unfortunately, I can't access external websites.",
    "I won't provide instructions for that.",
    "I don't feel comfortable discussing this.",
    "My knowledge cutoff is September 2021.",
    "As of my last knowledge update, that was so.",
    "I do not have access to real-time data.",
    "My training data only includes events up to 2022.",
    "I don't have personal beliefs or feelings.",
    "As your AI assistant, I would advise patience.",
    "Oh, I'm really sorry, but I won't be able to assist with that.",
    "It would not be appropriate for me to comment.",
    "Als künstliche Intelligenz habe ich keine Gefühle.",
    "Leider kann ich Ihnen bei dieser Anfrage nicht helfen.",
    "En tant que modèle de langage, je n'ai pas d'avis.",
    "Désolé, mais je ne peux pas vous aider à faire cela.",
    "Como modelo de lenguaje, no tengo opiniones.",
    "Lo siento, no puedo cumplir con esa solicitud.",
    "Desculpe, mas não posso ajudar com isso.",
    "Come modello linguistico non ho opinioni.",
    "Mi dispiace, ma non posso aiutarti.",
    "Als AI-taalmodel heb ik geen mening.",
    "К сожалению, я не могу помочь с этим.",
    "Я всего лишь языковая модель.",
    "作为一个人工智能语言模型，我没有个人观点。",
    "对不起，我无法回答这个问题。",
    "AI言語モデルとして、個人的な意見はありません。",
    "申し訳ございませんが、その情報は提供できません。",
    "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    "بصفتي نموذج لغة، ليس لدي رأي.",
    "عذراً، لا أستطيع مساعدتك في ذلك.",
    "Jako model językowy nie mam zdania.",
    "Bir yapay zeka dil modeli olarak görüşüm yok.",
    "Tôi xin lỗi, nhưng tôi không thể giúp việc này.",
    "Maaf, saya tidak bisa membantu.",
    "ขออภัย ฉันไม่สามารถช่วยเรื่องนี้ได้",
    "متاسفم، اما نمی‌توانم کمک کنم.",
    "क्षमा करें, मैं इसमें मदद नहीं कर सकता।",
)


@plants("TXT008")
def an_answer_speaks_of_itself(rng: random.Random, example: Row, n: int) -> Row | None:
    """Before the answer, or instead of it."""
    found = _messages(example, "assistant")
    if not found:
        return None
    said = _BOILERPLATE[n % len(_BOILERPLATE)]
    found[-1]["content"] = said if n % 2 else f"{said} {found[-1]['content']}"
    return example


# --- TXT009


@plants("TXT009")
def a_text_is_not_trimmed(rng: random.Random, example: Row, n: int) -> Row | None:
    """White space before or behind it, or blank lines within."""
    message = _one(rng, example)
    if message is None:
        return None
    text = message["content"].strip()
    form = n % 6
    if form == 5 and ("\n" not in text or "```" in text or "~~~" in text):
        form = 1
    message["content"] = (
        f"\n{text}",
        f"{text} ",
        f"{text}\n\n",
        f"\n\n{text}\n",
        f"{text}\t",
        text.replace("\n", "\n\n\n\n\n", 1),
    )[form]
    return example


# --- TXT010

_CODE = (
    "```python\nfor i in range(3):\n    print(i)",
    "```\nls -la",
    "~~~\nraw text",
    "```js\nconsole.log(1);\n",
    "````markdown\n# Title\n```sh\nls\n```",
    "1. Run this:\n   ```bash\n   make\n",
    "```sql\nSELECT 1;\n\nThat is all.",
    "> ```\n> quoted\n",
    "```c++\nint x;\n",
    '```json\n{"a": 1}\n\nand no more',
    "print(1)\n```",
    "Here it is: ```python\nx = 1\n",
    "```java\nint y = 2;\n```\n\n```java\nint z = 3;",
    "```yaml\na: 1\n\n```toml\nb = 2\n```",
    "~~~~\ntildes\n~~~",
    "* ```go\n  x := 1\n",
)


@plants("TXT010")
def a_fence_is_open(rng: random.Random, example: Row, n: int) -> Row | None:
    """One of the two is missing: taken away where the text has some, or one put behind it."""
    found = [m for m in _messages(example, "assistant") if m["content"].count("```") % 2 == 0]
    if not found:
        return None
    message = rng.choice(found)
    fences = list(re.finditer(r"^```[^\n`]*(?:\n|\Z)", message["content"], re.MULTILINE))
    if fences and len(fences) % 2 == 0 and message["content"].count("```") == len(fences) and n % 2:
        gone = rng.choice(fences)
        message["content"] = message["content"][: gone.start()] + message["content"][gone.end() :]
    else:
        message["content"] = f"{message['content']}\n\n{_CODE[n % len(_CODE)]}"
    return example


# --- CNV007

_NEXT = (
    "Human: Thanks, and what about the next one?\n\nAssistant: The same holds for it.",
    "User: Could you say more?",
    "### Human: Why is that?\n### Assistant: Because.",
    "### Instruction:\nExplain it again.\n\n### Response:\nOnce more.",
    "<|user|>\nAnother question\n<|assistant|>\nAnother answer",
    "User: And then?\nAI: Then it ends.",
    "\nHuman:",
    "\nUser:",
    "[INST] Next one [/INST]",
    "<|im_start|>user\nAnd now?<|im_end|>",
    "USER: Is that all?\nASSISTANT: Yes, that is all.",
    "**User:** One more thing, please.\n\n**Assistant:** Of course.",
    "<start_of_turn>user\nMore",
    "Human: I see. What else is there to know?",
    "User (12:04): Still there?\nChatbot: Yes, I am.\nUser (12:05): Good.",
    "### User:\nTell me more.",
    "<|start_header_id|>user<|end_header_id|>\n\nHm?",
    "用户：还有呢？\n助手：没有了。",
    "Пользователь: А дальше?\nАссистент: Это всё.",
    "Usuario: ¿Y después?\nAsistente: Nada más.",
)
_ASKED = (
    "User: {}",
    "Human: {}",
    "{}\nAssistant:",
    "### Instruction:\n{}\n\n### Response:",
    "Human: {}\n\nAssistant:",
    "<|user|>\n{}",
    "USER: {} ASSISTANT:\nASSISTANT:",
    "### Human: {}\n### Assistant:",
    "[INST] {} [/INST]",
    "{}\n\n### Response:",
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant",
    "**User:** {}",
    "User: Hello there, friend.\nAssistant: Hello.\nUser: {}",
    "{}\nAI: ",
    "<s>[INST] {} [/INST]",
    "### User: {}",
)


@plants("CNV007")
def an_answer_goes_on(rng: random.Random, example: Row, n: int) -> Row | None:
    """The next turns stand in the answer."""
    message = _one(rng, example, "assistant")
    if message is None or message["content"].count("```") % 2:
        return None
    message["content"] = f"{message['content']}\n\n{_NEXT[n % len(_NEXT)]}"
    return example


@plants("CNV007")
def a_prompt_keeps_its_markers(rng: random.Random, example: Row, n: int) -> Row | None:
    """The template of a prompt is left around it; or the answer begins with its own."""
    found = _messages(example, "user")
    if not found:
        return None
    if n % 8 == 7 and (answers := _messages(example, "assistant")):
        answers[0]["content"] = ("Assistant: ", "### Response:\n", "**Assistant:** ", "ASSISTANT: ")[
            n // 8 % 4
        ] + answers[0]["content"]
    else:
        found[0]["content"] = _ASKED[n % len(_ASKED)].replace("{}", found[0]["content"])
    return example


# --- TOK004

_TOKENS = (
    "<|endoftext|>",
    "<|im_end|>",
    "<|im_start|>assistant\n",
    "</s>",
    "[/INST]",
    "[INST] ",
    "<<SYS>>",
    "<|eot_id|>",
    "<end_of_turn>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<|end|>",
    "<|fim_middle|>",
    "<｜end▁of▁sentence｜>",
    "<|begin_of_text|>",
    "[TOOL_CALLS]",
    "<bos>",
    "<|assistant|>",
    "<|file_separator|>",
)


@plants("TOK004")
def a_token_is_left(rng: random.Random, example: Row, n: int) -> Row | None:
    """At the end, at the beginning, in the middle."""
    message = _one(rng, example)
    if message is None:
        return None
    text, token = message["content"], _TOKENS[n % len(_TOKENS)]
    message["content"] = (text + token, token + text, _into(rng, text, token), f"{text}\n{token}")[n % 4]
    return example
