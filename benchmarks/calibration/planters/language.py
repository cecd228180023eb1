"""Faults of language: an answer in another language than its question, a row in another one than the others."""

from __future__ import annotations

import random

from calibration.planting import Row, plants

#: Answers that could follow many a question; none stands in a case file.
_ANSWERS = (
    "Das lässt sich nicht in einem Satz beantworten, denn es hängt davon ab, was Sie damit erreichen wollen und wie "
    "viel Zeit Ihnen dafür bleibt. Am besten beginnen Sie mit einem kleinen Versuch.",
    "Cela dépend de plusieurs choses, et surtout du temps dont vous disposez. Le mieux est de commencer par un petit "
    "essai et de noter ce qui fonctionne avant d'aller plus loin.",
    "Depende de varias cosas, sobre todo del tiempo que tenga usted disponible. Lo mejor es empezar con una prueba "
    "pequeña y apuntar lo que funciona antes de seguir adelante.",
    "Isso depende de várias coisas, principalmente do tempo que você tem. O melhor é começar com um teste pequeno e "
    "anotar o que funciona antes de continuar com o resto do trabalho.",
    "Dipende da diverse cose, soprattutto dal tempo che avete a disposizione. La cosa migliore è cominciare con una "
    "piccola prova e annotare quello che funziona prima di andare avanti.",
    "Dat hangt van verschillende dingen af, vooral van de tijd die u heeft. Het beste kunt u met een kleine proef "
    "beginnen en opschrijven wat werkt voordat u verder gaat met de rest.",
    "To zależy od wielu rzeczy, przede wszystkim od tego, ile masz czasu. Najlepiej zacząć od małej próby i zapisać, "
    "co działa, zanim pójdzie się dalej z całą resztą pracy.",
    "Это зависит от многих вещей, прежде всего от того, сколько у вас времени. Лучше всего начать с небольшой "
    "попытки и записать, что получается, прежде чем двигаться дальше.",
    "Bu birçok şeye bağlıdır, özellikle de ne kadar zamanınız olduğuna. En iyisi küçük bir denemeyle başlamak ve "
    "devam etmeden önce nelerin işe yaradığını bir yere yazmaktır.",
    "这取决于很多因素，首先是您有多少时间。最好先从一个小小的尝试开始，把有效的办法记下来，然后再继续做其余的部分，这"
    "样就不会浪费力气。",
    "それはいろいろな条件によりますが、まずはどのくらい時間があるかが大切です。小さなことから始めて、うまくいったこと"
    "を書き留めてから先へ進むのが一番よいでしょう。",
    "그것은 여러 가지에 달려 있지만 무엇보다도 시간이 얼마나 있는지가 중요합니다. 작은 시도부터 시작해서 잘되는 것을 "
    "적어 둔 다음에 계속하는 것이 가장 좋습니다.",
    "يعتمد ذلك على أشياء كثيرة، وأهمها مقدار الوقت المتاح لديك. من الأفضل أن تبدأ بتجربة صغيرة وأن تكتب ما ينجح منها "
    "قبل أن تنتقل إلى بقية العمل.",
    "یہ بہت سی باتوں پر منحصر ہے، خاص طور پر اس پر کہ آپ کے پاس کتنا وقت ہے۔ بہتر یہ ہے کہ ایک چھوٹی سی کوشش سے آغاز "
    "کریں اور جو کام کرے اسے لکھ لیں۔",
    "यह कई बातों पर निर्भर करता है, सबसे बढ़कर इस पर कि आपके पास कितना समय है। सबसे अच्छा यह है कि एक छोटे प्रयोग से "
    "शुरू करें और जो काम करे उसे लिख लें।",
    "Det beror på många saker, framför allt på hur mycket tid du har. Bäst är att börja med ett litet försök och "
    "skriva upp vad som fungerar innan du går vidare med resten av arbetet.",
    "Se riippuu monesta asiasta, ennen kaikkea siitä, kuinka paljon aikaa sinulla on. Parasta on aloittaa pienellä "
    "kokeella ja kirjoittaa muistiin, mikä toimii, ennen kuin jatkat eteenpäin.",
    "Điều đó phụ thuộc vào nhiều thứ, trước hết là bạn có bao nhiêu thời gian. Tốt nhất là bắt đầu bằng một thử "
    "nghiệm nhỏ và ghi lại những gì có hiệu quả trước khi làm tiếp phần còn lại.",
    "Εξαρτάται από πολλά πράγματα, κυρίως από το πόσο χρόνο έχετε. Το καλύτερο είναι να αρχίσετε με μια μικρή δοκιμή "
    "και να σημειώσετε τι λειτουργεί πριν προχωρήσετε στα υπόλοιπα.",
    "Це залежить від багатьох речей, насамперед від того, скільки у вас часу. Найкраще почати з невеликої спроби й "
    "записати, що виходить, перш ніж рухатися далі до решти роботи.",
    "ขึ้นอยู่กับหลายสิ่ง โดยเฉพาะเวลาที่คุณมี วิธีที่ดีที่สุดคือเริ่มจากการทดลองเล็ก ๆ "
    "แล้วจดสิ่งที่ได้ผลไว้ก่อนที่จะทำส่วนที่เหลือต่อไป",
    "זה תלוי בהרבה דברים, ובראש ובראשונה בכמה זמן שיש לכם. הכי טוב להתחיל בניסיון קטן ולרשום מה עובד לפני שממשיכים "
    "הלאה אל שאר העבודה.",
)  # fmt: skip


@plants("LNG002", kinds=("chat", "chat-b", "chat-c", "maths"))
def answer_in_another_language(rng: random.Random, example: Row, n: int) -> Row | None:
    """An answer of another language below an English question, sometimes with the right answer behind it."""
    *before, last = example["messages"]
    question = next((m["content"] for m in reversed(before) if m.get("role") == "user"), "")
    words = ("translat", "language", "spanish", "french", "german", "italian", "japanese", "chinese", "foreign")
    if not isinstance(question, str) or len(question) < 60 or any(word in question.lower() for word in words):
        return None
    if sum(question.lower().count(f" {word} ") for word in ("the", "a", "of", "to", "is", "and", "in")) < 3:
        return None
    answer = _ANSWERS[n % len(_ANSWERS)]
    if n % 3 == 1:
        answer = f"{answer}\n\n{answer}"
    return {**example, "messages": [*before, {**last, "content": answer}]}


@plants("LNG001", kinds=("chat", "chat-b", "chat-c", "maths", "pages"))
def row_of_another_language(rng: random.Random, example: Row, n: int) -> Row:
    """A whole exchange in a language of which the data set has next to nothing."""
    text = _ANSWERS[n % len(_ANSWERS)]
    asked = (text, text[: len(text) * 2 // 3], f"{text} {text}")[n // len(_ANSWERS) % 3]
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": text}]}
