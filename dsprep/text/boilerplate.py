"""Sentences in which an assistant speaks of itself instead of answering: what it is, what it refuses, what it cannot
know. In English and some thirty other languages.

A phrase is looked for only where one of its anchors stands, a word that it cannot do without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, NamedTuple

from dsprep.text.code_spans import prose_spans
from dsprep.text.quotation import is_quoted

#: A refusal stands at the beginning of an answer; this much of a text is looked at for it.
HEAD: Final = 320

Kind = Literal["refusal", "self-reference", "knowledge limit"]


@dataclass(frozen=True)
class Phrase:
    """A phrase of boilerplate. One of `anchors`, in small letters, is in every text that `pattern` matches."""

    kind: Kind
    anchors: tuple[str, ...]
    source: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when the first anchor is met: most languages never are. Group 1 is the phrase."""
        return re.compile(self.source, re.IGNORECASE)


class Boilerplate(NamedTuple):
    """Where such a sentence stands in a text."""

    kind: Kind
    start: int
    end: int


#: Behind these a refusal begins: at the start of a sentence, or behind a comma and a "but".
_OPENING: Final = (
    r"(?:\A|[.!?。！？:)\n]\s*|[,，;]\s*(?:but |and |so |aber |mais |pero |mas |ma |maar |men |ale |но |但(?:是)?)?\s*)"
    r"[\"“*_>\s]*"
)
_NOT: Final = (
    r"(?:can(?:no|['’])t|can not|could(?: not|n['’]t)|(?:am|['’]m) (?:\w+ ){0,2}?(?:unable|not (?:\w+ )?(?:able|capable"
    r"|allowed|permitted|programmed|designed|equipped|authorized|trained|comfortable|in a position|going))(?: to| of"
    r"| with)?|(?:won['’]t|will not)(?: be able to)?|do(?: not|n['’]t) (?:\w+ )?(?:have (?:the )?(?:ability"
    r"|capability|capacity|means) to"
    r"|feel comfortable|wish to)|must (?:\w+ly )?(?:decline|refuse) to|(?:have|need) to (?:\w+ly )?(?:decline"
    r"|refuse) to)"
)
#: What an assistant is asked to do. To attend, to find, to afford are things that a person cannot do.
_DO: Final = (
    r"(?:help|assist|aid|provid\w+|fulfil\w*|comply|creat\w+|generat\w+|answer|offer\w*|giv(?:e|ing)|writ(?:e|ing)"
    r"|produc\w+|engag\w+|support\w*|discuss\w*|shar(?:e|ing)|complet\w+|perform\w*|access|brows\w+|view|process\w*"
    r"|respond\w*|satisfy|recommend\w*|suggest\w*|facilitat\w+|promot\w+|condon\w+|endors\w+|display|continu\w+"
    r"|accommodat\w+|advis\w+|participat\w+|encourag\w+|do (?:so|that|this)|proceed|execut\w+|mak(?:e|ing) (?:any )?"
    r"(?:jokes?|fun|predictions?|judge?ments?|assumptions?)|tell (?:you|jokes?)|speculat\w+|predict|search|express"
    r"|have (?:personal|feelings|opinions|access|real)|portray|role-?play|pretend|translate|draw|confirm|verify)"
)
_SORRY: Final = (
    r"(?:(?:oh,? )?(?:(?:i am|i['’]m|we['’]re) )?(?:\w+ )?sorry|i (?:\w+ )?apologi[sz]e|(?:my )?apologies|unfortunately"
    r"|regrettably|i regret)[^.!?\n]{0,90}?[,;.:]?\s+(?:but |that |however,? |as )?[^.!?\n]{0,60}?\b"
)
#: Without an apology only what can hardly be said of anything else than the request.
_REQUEST: Final = (
    r"(?:(?:help|assist)(?: (?:you|anyone|users?))?(?: (?:with|in|on|by|to)\b|[.,;])|fulfil\w* (?:your|this|that"
    r"|the|such)"
    r"|comply with|provid(?:e|ing) (?:\w+ ){0,6}?(?:information|instructions?|advice|guidance|assistance|support"
    r"|content"
    r"|answers?|responses?|recommendations?|suggestions?|opinions?|links?|help|details|tips|steps?|summary)\b"
    r"|answer (?:this|that"
    r"|your|the|such|questions?)|(?:creat\w+|generat\w+|writ(?:e|ing)|produc\w+) (?:\w+ ){0,3}?(?:content|images?"
    r"|pictures?"
    r"|material|jokes?|text|that|this|stor(?:y|ies)|such|code|responses?)\b|engag\w+ in|condon\w+|promot\w+|endors\w+"
    r"|participat\w+ in|respond to|brows\w+ the|access (?:the internet|external|real|current|websites?|links?|urls?"
    r"|files"
    r"|images)|facilitat\w+|recommend (?:or|ways)\b|(?:have|express|form|hold) (?:\w+ ){0,2}?(?:personal|feelings"
    r"|opinions|beliefs|emotions"
    r"|preferences))"
)
_A_MODEL: Final = (
    r"(?:(?:large |advanced |pre-?trained |text-based |virtual |digital )*(?:a\.?i\.?|artificial intelligence|llm"
    r"|language model|chatgpt|machine learning model)(?:[ -](?:powered|based|driven|language|assistant|model"
    r"|chat ?bot|bot"
    r"|system|program|tool|entity|engine|llm|virtual|large|text))*)"
)
_PEOPLE: Final = (
    r"(?:researcher|engineer|developer|expert|scientist|student|enthusiast|consultant|professor|specialist|lead"
    r"|architect"
    r"|ethicist|company|start-?up)"
)


def _phrase(kind: Kind, anchors: str, *patterns: str) -> Phrase:
    joined = "|".join(patterns)
    start = _OPENING if kind == "refusal" else ""
    return Phrase(kind, tuple(anchors.split("|")), f"{start}((?:{joined}))")


#: What may stand anywhere in an answer.
ANYWHERE: Final = (
    _phrase(
        "self-reference",
        "n ai|n a.i.|nguage model|ificial intelligence|your ai|chatgpt",
        rf"\bas (?:an? |your )?{_A_MODEL}(?: \(\w+\))?(?:,| [-–—]| i\b| my\b| (?:developed|trained|created|made"
        rf"|designed|built"
        r"|programmed|and|without|that)\b)(?=[^.!?\n]{0,160}\b(?:i|me|my|i['’]m)\b)",
        rf"\bi(?: am|['’]m) (?:\w+ly |just |only |an? |here as an? )*{_A_MODEL}\b(?! {_PEOPLE})(?!['’-]\w)",
    ),
    _phrase(
        "knowledge limit",
        "my knowledge|my training|my last |my latest |my most recent |my current |the knowledge|my database"
        "|my information",
        r"\bmy (?:knowledge|training)(?: data)?(?:['’]s)? cut-? ?off",
        r"\b(?:as of|since|after|until|up to|beyond) (?:my (?:last|latest|most recent|current|knowledge|training)"
        r"|the knowledge)"
        r"[ -](?:knowledge |training |data )?(?:update|training|cut-? ?off|knowledge)",
        r"\bmy (?:last|latest|most recent) (?:knowledge |training |data )?update\b",
        r"\bmy (?:training data|knowledge|knowledge base|training|database|information)(?: \w+)? (?:only )?(?:goes"
        r"|extends"
        r"|includes|(?:is|was) limited to|is current|is up[- ]to[- ]date|only covers|stops|ends|ended|cuts off) ",
    ),
)
#: What stands at the beginning of an answer.
AT_THE_BEGINNING: Final = (
    _phrase(
        "refusal",
        "i cannot|i can't|i can’t|i can not|i could|i am |i'm |i’m |i won|i will not|i do not|i don't|i don’t"
        "|i must |i have to |i need to |i really |i simply |i just |i respectfully |i truly |i also |for me to"
        "|this request|that request|your request|this question|that question|your question|this prompt|that prompt"
        "|your prompt|i currently|i still|i unfortunately|i regretfully|i honestly|i personally",
        rf"{_SORRY}i\b ?(?:\w+ ){{0,2}}?{_NOT}\s+(?:\w+ly )?{_DO}\b",
        rf"{_SORRY}i do(?: not|n['’]t) have (?:\w+ ){{0,2}}?access to\b",
        rf"(?:however,? |but )?i\b ?(?:\w+ly |just )?{_NOT}\s+(?:\w+ly )?{_REQUEST}",
        r"i must (?:\w+ly )?(?:decline|refuse)\b",
        r"i (?:do not|don['’]t) feel comfortable (?:\w+ly )?\w+ing\b",
        r"i respectfully decline\b",
        r"(?:it is|it['’]s|it would be|it would not be|it is not|it['’]s not) (?:not )?(?:un|in)?(?:ethical"
        r"|appropriate|possible"
        r"|acceptable|right)(?: or \w+)? for me to\b",
        r"(?:this|that|your) (?:request|question|prompt) (?:goes against|violates)",
    ),
    _phrase(
        "self-reference",
        "don't have|don’t have|do not have",
        r"\bi (?:do not|don['’]t) have (?:any )?(?:personal (?:\w+ )?(?:opinions?|feelings|emotions|experiences?"
        r"|beliefs?"
        r"|preferences?|thoughts|views)|(?:feelings|emotions|beliefs|thoughts|opinions)(?:,| or"
        r"| and) (?:\w+ )?(?:opinions"
        r"|emotions|feelings|experiences|beliefs|thoughts|consciousness|preferences)|a physical (?:body|form"
        r"|presence))",
    ),
    _phrase(
        "knowledge limit",
        "real-time|real time|realtime|the internet|the web|current events|live data",
        r"\bi (?:do not|don['’]t|cannot|can['’]t|am (?:not able|unable) to"
        r"|lack)(?: currently)?(?: have)?(?: the (?:ability|capability) to)?"
        r" ?(?:access(?: to)?|provide|browse|search)(?: to)?(?: any)? (?:real-? ?time|the internet|the web"
        r"|current events"
        r"|live data)",
        r"\bi (?:do not|don['’]t) have real-? ?time\b",
    ),
    # German
    _phrase(
        "refusal",
        "kann ich|ich kann|darf ich|ich darf",
        r"(?:es tut mir (?:\w+ )?leid|tut mir leid|entschuldigung|leider)[^.!?\n]{0,60}\b(?:kann"
        r"|darf) ich[^.!?\n]{0,120}"
        r"\b(?:nicht|keine?n?)\b",
        r"(?:es tut mir (?:\w+ )?leid|tut mir leid|entschuldigung|leider)[^.!?\n]{0,60}\bich (?:kann"
        r"|darf)\b[^.!?\n]{0,120}"
        r"\b(?:nicht|keine?n?)\b",
        r"ich kann [^.!?\n]{0,80}\bnicht (?:helfen|weiterhelfen|behilflich|beantworten)",
    ),
    _phrase(
        "self-reference",
        "als ki|als ein|als sprachmodell|als ai|als große|als künstlich|als virtuell|ich bin ",
        r"\b(?:als|ich bin(?: nur)?) (?:eine? )?(?:große[rs]? |künstliche[rs]? |virtuelle[rs]? )*(?:ki(?:-\w+)*\b"
        r"|ai-\w+|sprachmodell"
        r"|intelligenz\b)(?! (?:im|ein|die|der|in)\b)",
    ),
    _phrase("knowledge limit", "wissensstand", r"\bmein wissensstand\b"),
    # French
    _phrase(
        "refusal",
        "ne peux|ne suis|ne saurais|ne pourrai",
        r"(?:je suis (?:\w+ )?désolée?|désolée?|je m['’]excuse|malheureusement)[^.!?\n]{0,40}\bje ne (?:peux|suis"
        r"|saurais"
        r"|pourrai)s? (?:malheureusement )?pas\b",
        r"je ne (?:peux|suis) (?:malheureusement )?pas (?:en mesure de )?(?:vous aider|répondre à|fournir|créer"
        r"|générer)",
    ),
    _phrase(
        "self-reference",
        "en tant qu|je suis un",
        r"\b(?:en tant qu(?:e |['’])|je suis )(?:une? )?(?:grand )?(?:modèle (?:de langage|linguistique)|ia\b"
        r"|intelligence"
        r" artificielle|assistant (?:virtuel|ia)\b)",
    ),
    # Spanish
    _phrase(
        "refusal",
        "no puedo|no me es|no estoy",
        r"(?:lo siento|lo lamento|perdón|disculp[ae]|lamentablemente|desafortunadamente)[^.!?\n]{0,50}\bno (?:puedo"
        r"|me es posible"
        r"|estoy (?:en|capacitad))",
        r"no puedo (?:ayudar(?:te|le)|proporcionar|cumplir|responder a)",
    ),
    # Spanish and Portuguese
    _phrase(
        "self-reference",
        "modelo|inteligencia|inteligência| ia |ia,|asistente|assistente",
        r"\b(?:como|soy|sou) (?:un |una |um |uma )?(?:gran )?(?:modelo de (?:lenguaje|linguagem|ia|inteligencia)"
        r"|ia\b|inteligencia"
        r" artificial|inteligência artificial|asistente (?:de ia|virtual)|assistente (?:de ia"
        r"|virtual)),?(?= )(?! (?:para|en|em)\b)",
    ),
    _phrase(
        "refusal",
        "não ",
        r"(?:desculp[ea]|sinto muito|lamento|me desculpe|infelizmente)[^.!?\n]{0,50}\bnão (?:posso|consigo"
        r"|é possível|sou capaz)\b",
        r"não posso (?:ajudar|ajudá|fornecer|cumprir|responder)",
    ),
    # Italian
    _phrase(
        "refusal",
        "non posso|non sono|non mi è",
        r"(?:mi (?:dispiace|spiace)|scusa|purtroppo)[^.!?\n]{0,50}\bnon (?:posso|sono in grado|mi è possibile)\b",
    ),
    _phrase(
        "self-reference",
        "modello|intelligenza|assistente",
        r"\b(?:come|in quanto|essendo(?: un)?|sono(?: solo)?) (?:un['’ ]?)?(?:grande )?(?:modello (?:di linguaggio"
        r"|linguistico|di ia)"
        r"|intelligenza artificiale|assistente (?:virtuale|ai)\b)",
    ),
    # Dutch
    _phrase(
        "refusal",
        "ik kan|kan ik|ik mag",
        r"(?:het spijt me|sorry|helaas)[^.!?\n]{0,30}\b(?:ik kan|kan ik|ik mag)\b[^.!?\n]{0,100}\b(?:niet|geen)\b",
    ),
    _phrase(
        "self-reference",
        "taalmodel|als ai|als een ai|kunstmatige",
        r"\b(?:als|ik ben) (?:een )?(?:groot )?(?:ai\b|ai-\w+|taalmodel|kunstmatige intelligentie)",
    ),
    # Swedish, Danish, Norwegian
    _phrase(
        "refusal",
        " inte |ikke",
        r"(?:jag är ledsen|tyvärr|jeg beklager|beklager|desværre|undskyld|förlåt)[^.!?\n]{0,30}\b(?:kan jag|jag kan"
        r"|jeg kan"
        r"|kan jeg)(?: \w+)? (?:inte|ikke)\b",
    ),
    _phrase(
        "self-reference",
        "språkmodell|sprogmodel|språkmodel|som ai|som en ai",
        r"\bsom (?:en |et |ett )?(?:stor )?(?:ai\b|ai-\w+|språkmodell?|sprogmodel)",
    ),
    # Polish, Czech, Hungarian, Finnish, Romanian
    _phrase(
        "refusal",
        "nie mog|nie jestem|nemohu|nemůžu|nem tudok|en voi|nu pot|nu sunt",
        r"(?:przykro mi|przepraszam|niestety|omlouvám se|je mi líto|bohužel|sajnálom|sajnos|valitettavasti"
        r"|pahoittelen|îmi pare"
        r" rău|din păcate)[^.!?\n]{0,40}\b(?:nie mogę|nie jestem w stanie|nemohu|nemůžu|nem tudok|en voi|nu pot"
        r"|nu sunt în"
        r" măsură)\b",
    ),
    _phrase(
        "self-reference",
        "model j|jazykov|sztuczna|umělá|nyelvi model|kielimalli|model lingvistic|model de limb|limbaj",
        r"\b(?:jako|jestem|jsem) (?:duży |wielki |velký )?(?:model językowy|sztuczna inteligencja|jazykový model"
        r"|umělá inteligence)",
        r"\bnyelvi modellként\b|\bkielimallina\b|\bca (?:un )?model (?:lingvistic|de limb\w+)",
    ),
    # Russian, Ukrainian
    _phrase(
        "refusal",
        "я не ",
        r"(?:извините|простите|к сожалению|мне (?:очень )?жаль|прошу прощения|сожалею|вибачте"
        r"|на жаль)[^.!?\n]{0,40}\bя не"
        r" (?:могу|имею|в состоянии|способ|можу)",
        r"я не (?:могу|можу) (?:помочь вам|помочь с|ответить на|предоставить|выполнить)",
    ),
    _phrase(
        "self-reference",
        "модель|интеллект|ии",
        r"\b(?:как|я(?: —| -)?) (?:всего лишь |просто |большая |нейросетевая )*(?:языковая модель|мовна модель"
        r"|искусственный интеллект"
        r"|ии\b|ии-|модель искусственного)",
    ),
    # Turkish, Indonesian, Vietnamese
    _phrase(
        "refusal",
        "üzgün|özür|maalesef|maaf|không thể",
        r"(?:üzgünüm|özür dilerim|maalesef)[^.!?\n]{0,120}\b\w+(?:amam|emem|am[ıi]yorum|emiyorum|amayaca[gğ][ıi]m"
        r"|emeyece[gğ]im)\b",
        r"(?:mohon )?maaf[^.!?\n]{0,30}\bsaya tidak (?:bisa|dapat|mampu)\b",
        r"(?:tôi )?(?:rất )?(?:xin lỗi|tiếc)[^.!?\n]{0,40}\btôi không thể\b",
    ),
    _phrase(
        "self-reference",
        "dil modeli|yapay zek|model bahasa|kecerdasan|ngôn ngữ|trí tuệ",
        r"\bbir (?:yapay zek[aâ] )?dil modeli(?: olarak|yim)|\bbir yapay zek[aâ](?: asistanı| modeli)? olarak,? ",
        r"\bsebagai (?:sebuah )?(?:model bahasa|kecerdasan buatan)",
        r"\blà một (?:mô hình ngôn ngữ|trí tuệ nhân tạo)",
    ),
    # Chinese
    _phrase(
        "refusal",
        "无法|不能|無法|没有办法|不可以|不会",
        r"(?:很|非常|真的|十分)?(?:抱歉|对不起|對不起|遗憾|遺憾|不好意思)[^。!！?？\n]{0,16}(?:我|作为|作為)[^。!！?？\n]{0,30}"
        r"(?:无法|不能|無法|没有办法|不可以)",
        r"我(?:无法|不能|無法)(?:提供|回答|协助|帮助|满足|生成|協助|幫助)",
    ),
    _phrase(
        "self-reference",
        "作为|作為|我是|我只是|我仅是|我仅仅是",
        r"(?:作为|作為|我(?:只|仅|仅仅)?是)(?:一个|一個|一名|一款|一种|您的)?\s*(?:大型|大|先进的|基于)*\s*(?:ai|人工智能|人工智慧)?\s*(?:语言模型|語言模型"
        r"|(?:ai|人工智能|人工智慧)(?:助手|模型|助理|程序|系统)?(?=[,，、。]|我|没有|並|并|不|,))",
    ),
    # Japanese
    _phrase(
        "refusal",
        "できま|できか|できな|いたしかね",
        r"(?:大変)?(?:申し訳(?:ありません|ございません|ない)|すみません|ごめんなさい|恐れ入ります|残念ながら)[^。!！?？\n]{0,70}"
        r"(?:でき(?:ません|かねます|ない)|いたしかねます)",
    ),
    _phrase(
        "self-reference",
        "言語モデル|人工知能|aiとして|aiなので|aiですので|aiアシ|aiモデ",
        r"(?:ai|人工知能|大規模)?\s*言語モデル(?:として|なので|である|ですので|です)",
        r"(?:私は|わたしは)?(?:ai|人工知能)(?:アシスタント|モデル)?(?:として|なので|ですので)(?=、|私|個人)",
    ),
    # Korean
    _phrase(
        "refusal",
        "없",
        r"(?:죄송(?:하지만|합니다만|합니다|해요)|미안(?:하지만|합니다)|유감스럽게도|안타깝게도)"
        r"[^!?\n]{0,70}수 ?(?:는 |가 )?없",
    ),
    _phrase(
        "self-reference",
        "언어|인공|ai로|ai 비서|ai 모델|ai 어시|ai이|ai 언어",
        r"(?:ai|인공지능|인공 지능|대규모)?\s*언어 ?모델(?:로서|로써|이기|이므로|이라|입니다)",
        r"(?:ai|인공지능)(?: 비서| 어시스턴트| 모델| 언어 모델)?(?:로서|로써|이기 때문)",
    ),
    # Arabic, Persian, Hebrew
    _phrase(
        "refusal",
        "لا |نمی|قادر|לא |איני",
        r"(?:عذر\w*|آسف|أعتذر|للأسف|معذرة)[^.!?؟\n]{0,30}لا (?:يمكنني|أستطيع|استطيع)",
        r"(?:مت[اأ]سف(?:م|انه)|ببخشید|با عرض پوزش)[^.!?؟\n]{0,80}(?:نمی[\u200c ]?توانم|قادر نیستم)",
        r"(?:אני )?(?:מצטער|מצטערת|סליחה|לצערי)[^.!?\n]{0,30}(?:לא יכול|לא אוכל|איני יכול)",
    ),
    _phrase(
        "self-reference",
        "نموذج|مساعد|مدل|هوش|מודל|בינה",
        r"(?:كنموذج|بصفتي (?:نموذج|مساعد)|باعتباري (?:نموذج|مساعد)|أنا (?:مجرد )?نموذج|كوني نموذج)",
        r"به ?عنوان (?:یک )?(?:مدل زبانی|هوش مصنوعی|دستیار هوش)",
        r"(?:כמודל שפה|כבינה מלאכותית|אני מודל שפה)",
    ),
    # Hindi, Thai, Greek
    _phrase(
        "refusal",
        "नहीं|ไม่|δεν ",
        r"(?:क्षमा करें|मुझे खेद है|माफ़ करें|माफ करें|क्षमा कीजिए)[^।!?\n]{0,80}नहीं (?:कर |दे |कह |बता )?(?:सकता"
        r"|सकती)",
        r"(?:ขออภัย|ขอโทษ|เสียใจ)[^!?\n]{0,40}(?:ไม่สามารถ|ไม่อาจ)",
        r"(?:λυπάμαι|συγγνώμη|δυστυχώς)[^.!?\n]{0,30}\bδεν (?:μπορώ|είμαι σε θέση)",
    ),
    _phrase(
        "self-reference",
        "मॉडल|सहायक|โมเดล|แบบจำลอง|ปัญญา|μοντέλο|νοημοσύνη",
        r"एक (?:ए\.?आई\.?|एआई|ai|कृत्रिम बुद्धिमत्ता|बड़े|बड़ा)?\s*(?:भाषा मॉडल|मॉडल|सहायक) के रूप में",
        r"ในฐานะ(?:ที่เป็น)?(?:โมเดลภาษา|แบบจำลองภาษา|ปัญญาประดิษฐ์)",
        r"\bως (?:ένα |μία )?(?:μεγάλο )?(?:γλωσσικό μοντέλο|μοντέλο γλώσσας|τεχνητή νοημοσύνη)",
    ),
)

#: A name at the start of a line; the answer's own remarks have a heading, too.
_SPEAKER: Final = re.compile(
    r"[ \t>*_-]*(?!(?i:(?:\w+ )?(?:note|answer|response|disclaimer|warning|important|edit|update|output|caution|remark"
    r"|assistant)\b))[A-Z][\w.']{0,20}(?: [\w.']{1,20}){0,2}[*_]{0,3}:"
)


def boilerplate(text: str, phrases: Sequence[Phrase]) -> Iterator[Boilerplate]:
    """The sentences of `text` that one of `phrases` matches and that are its own: not in code, not quoted, not said by
    somebody in a dialogue. Of each phrase the first one, in the order of `phrases`."""
    prose = prose_spans(text)
    for phrase in phrases:
        for start, end in prose:
            match = next((m for m in phrase.pattern.finditer(text, start, end) if not _is_said(text, m.start(1))), None)
            if match is not None:
                yield Boilerplate(phrase.kind, match.start(1), match.end(1))
                break


def _is_said(text: str, at: int) -> bool:
    """Whether somebody else says what stands at `at`: it is quoted, or has its speaker's name before it."""
    start = text.rfind("\n", 0, at) + 1
    return is_quoted(text, at) or _SPEAKER.match(text, start, at) is not None
