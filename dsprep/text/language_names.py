"""How languages are called, and what is said by somebody who asks for another language."""

from __future__ import annotations

import re
from typing import Final

#: Whoever says such a thing asks for another language, or for a text to be put into one.
_ASKS_FOR_LANGUAGE: Final = re.compile(
    r"translat|traduc|tradui|traduz|übersetz|uebersetz|vertaal|vertal|översätt|oversett|oversæt|kään|tłumacz|přelož"
    r"|prelož|fordít|çevir|traduce|перевед|перевод|переклад|превед|μετάφρα|μεταφρά|ترجم|תרגם|תרגו|अनुवाद|แปล|翻译|翻譯"
    r"|翻訳|訳して|번역|dịch|terjemah|ngôn ngữ|languages?\b|sprache|idioma|langue|lingua\b|język|язык|语言|語言|言語"
    r"|언어|لغة|زبان|multilingual|bilingual|foreign",
    re.IGNORECASE,
)
#: How languages are called, in English and in some others. Whoever names the answer's language may have asked for it.
_CALLED: Final = {
    "ar": "arabic|arab[eao]?|arabisch|арабск|العربية|阿拉伯|アラビア",
    "bg": "bulgarian|българск|болгарск",
    "bn": "bengali|bangla|বাংলা",
    "cs": "czech|tschechisch|checo|čes|чешск",
    "da": "danish|dänisch|dansk|danés|danois|датск",
    "de": "german|deutsch|allemand|alem[aá]n|alemão|tedesco|duits|niemieck|немецк|德语|德文|ドイツ|독일|ألمانية"
    "|almanca",
    "el": "greek|griech|griego|grec|ελληνικ|греческ",
    "en": "english|englisch|anglais|ingl[eéê]s|inglese|engels|engelsk|angielsk|anglič|английск|англійськ|英语|英文|英語"
    "|영어|إنجليزي|انگلیسی|अंग्रेज़ी|tiếng anh|ingilizce|อังกฤษ|αγγλικ|אנגלית|inggris|englant|angol",
    "es": "spanish|spanisch|espagnol|español|espanhol|spagnolo|castellano|испанск|西班牙|スペイン|스페인|إسباني",
    "fa": "persian|farsi|persisch|فارسی|персидск",
    "fi": "finnish|finnisch|suome|suomi|финск",
    "fr": "french|französisch|français|franc[eé]s|francês|francese|frans|francusk|французск|法语|法文|フランス|프랑스"
    "|فرنسية",
    "he": "hebrew|hebräisch|hebreo|עברית|иврит",
    "hi": "hindi|हिंदी|हिन्दी|хинди",
    "hu": "hungarian|ungarisch|magyar|венгерск",
    "id": "indonesian|bahasa|indones",
    "it": "italian|italien|italienisch|italiano|итальянск|意大利|イタリア|이탈리아|إيطالية",
    "ja": "japanese|japanisch|japonais|japon[eé]s|giapponese|японск|日本|日语|日文|일본|يابانية",
    "ko": "korean|koreanisch|coréen|coreano|корейск|韩语|韓語|韓国|한국|كورية",
    "nl": "dutch|niederländ|néerlandais|holand[eé]s|nederlands|olandese|голландск|нидерландск|荷兰",
    "no": "norwegian|norsk|norwegisch|norvég|noruego|норвежск",
    "pl": "polish|polnisch|polonais|polaco|polacco|polsk|польск|波兰",
    "pt": "portuguese|portugiesisch|portugais|portugu[eéê]s|portoghese|португальск|葡萄牙",
    "ro": "romanian|rumänisch|roumain|rumano|român|румынск",
    "ru": "russian|russisch|russe|ruso|russo|rosyjsk|русск|俄语|俄文|ロシア|러시아|روسية",
    "sv": "swedish|schwedisch|suédois|sueco|svensk|шведск",
    "th": "thai|ไทย|тайск|泰语",
    "tr": "turkish|türk|turc|turco|турецк|土耳其",
    "uk": "ukrainian|ukrainisch|україн|украинск",
    "ur": "urdu|اردو",
    "vi": "vietnamese|vietnamesisch|tiếng việt|вьетнам|越南",
    "zh": "chinese|chinesisch|chinois|chino|cinese|mandarin|китайск|中文|汉语|漢語|中国語|중국|صينية|tiếng trung",
}  # fmt: skip
_NAMED: Final = {code: re.compile(names, re.IGNORECASE) for code, names in _CALLED.items()}


def asks_for_language(text: str, language: str | None = None) -> bool:
    """Whether `text` speaks of languages or of translation, or names `language` (an ISO 639 code)."""
    named = _NAMED.get(language) if language is not None else None
    return _ASKS_FOR_LANGUAGE.search(text) is not None or (named is not None and named.search(text) is not None)
