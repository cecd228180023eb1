"""Lines of a web page that are none of its matter: navigation, cookie notices, footers, buttons, in several languages.

Only lines whose wording gives them away are known here. How often a line is repeated says little: so are the lines of a
prompt's template, a refrain and a closing brace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsprep.text.turn_bytes import TurnBytes

#: A longer line is a paragraph of running text.
_LONGEST: Final = 300
#: So many of a line's items must be known ones for it to be a bar of navigation.
_KNOWN_SHARE: Final = 0.6
#: A run of so many lines, each a known item, is navigation by itself.
_RUN: Final = 5

_PLATFORM: Final = (
    r"(?:facebook|twitter|x|linkedin|linked in|pinterest|whats ?app|e-?mail|reddit|tumblr|messenger|telegram|googl"
    r"e ?\+?"
    r"|instagram|you ?tube|tik ?tok|threads|flipboard|rss|snapchat|vk|xing|line|weibo|wechat|mastodon|bluesky|print)"
)
_PLATFORMS: Final = rf"{_PLATFORM}(?:[ ,/|&+·•-]{{1,3}}(?:(?:and|und|et|y|e|share on|share via) )?{_PLATFORM}){{0,8}}"

#: By kind, what the whole line must be. None of them is more than a few steps from its beginning, or from a word that
#: must be there, so that no line takes long.
_PATTERNS: Final[dict[str, tuple[str, ...]]] = {
    "cookie notice": (
        r"(?:we|we and our (?:\d{1,4} )?partners|our (?:web)?site|this (?:web)?site|this page|the site|[\w-]{2,30}"
        r"\.\w{2,5})"
        r"(?: also| may)? (?:uses?|stores?|asks? you to accept)\b.{0,60}\bcookies?\b.{0,240}",
        r"by (?:continuing|using|clicking|browsing|visiting|accepting|closing|navigating|scrolling)\b.{1,160}"
        r"\b(?:cookies?|privacy policy|terms of (?:use|service))\b.{0,160}",
        r"(?:accept|allow|reject|decline|refuse|manage|customi[sz]e|enable|agree to)(?: to)?(?: all| only| our| the"
        r"| necessary| essential| use of| optional| non-essential){0,3} cookies?(?: settings| preferences| & close"
        r")?[.!]?",
        r"cookies? (?:settings|preferences|policy|notice|consent|declaration|statement|info(?:rmation)?)",
        r"cookies? (?:help|allow|enable) us\b.{1,200}",
        r"this (?:web)?site is using cookies\b.{0,200}|by (?:checking|ticking) this box\b.{1,200}",
        r"your (?:cookie|privacy) (?:settings|preferences|choices)|manage (?:my )?(?:consent|privacy)(?: preferenc"
        r"es)?",
        r"(?:diese|unsere) (?:web)?-?(?:seite|site) (?:verwendet|nutzt|benutzt|setzt)\b.{0,60}cookies.{0,200}",
        r"(?:wir|auf dieser seite) (?:verwenden|nutzen|setzen|benutzen|werden)\b.{0,80}cookies.{0,200}",
        r"(?:alle )?cookies (?:akzeptieren|ablehnen|zulassen|erlauben|anpassen)|(?:nur )?notwendige cookies.{0,40}",
        r"cookie-?(?:einstellungen|richtlinien?|hinweise?|präferenzen|verwaltung)",
        r"(?:ce|notre) site(?: web| internet)? (?:utilise|dépose)\b.{0,40}cookies.{0,200}",
        r"nous utilisons\b.{0,40}cookies.{0,200}|en (?:poursuivant|continuant)\b.{1,120}cookies.{0,160}",
        r"(?:tout accepter|(?:accepter|refuser)(?: tous)?(?: les)? cookies|gérer (?:les|mes|vos) (?:cookies|préfér"
        r"ences)"
        r"|paramètres (?:des|de) cookies|politique (?:de|des|en matière de|relative aux) cookies)",
        r"(?:este|nuestro) sitio(?: web)? (?:utiliza|usa)\b.{0,40}cookies.{0,200}|(?:utilizamos|usamos)\b.{0,40}co"
        r"okies.{0,200}",
        r"(?:esta|nuestra) (?:página|web)(?: web)? (?:utiliza|usa)\b.{0,40}cookies.{0,200}",
        r"(?:aceptar|rechazar)(?: todas)?(?: las)? cookies|política de cookies|(?:configurar|gestionar|configuraci"
        r"ón de)"
        r"(?: las)? cookies|si (?:continúa|sigue)\b.{1,80}cookies.{0,120}",
        r"(?:questo|il nostro) sito(?: web)? (?:utilizza|usa|fa uso)\b.{0,40}cookies?.{0,200}|utilizziamo (?:i )?c"
        r"ookies?.{0,200}",
        r"(?:accetta|rifiuta)(?: tutti)?(?: i)? cookies?|(?:gestisci|impostazioni)(?: i| dei)? cookies?|informativ"
        r"a sui cookies?",
        r"(?:este|nosso|o nosso) (?:site|sítio|website|portal)\b.{0,20}(?:utiliza|usa)\b.{0,40}cookies.{0,200}",
        r"(?:nós )?(?:utilizamos|usamos)\b.{0,20}cookies.{0,200}|(?:aceitar|rejeitar)(?: todos)?(?: os)? cookies"
        r"|ao (?:continuar|navegar)\b.{1,100}cookies.{0,120}",
        r"(?:deze|onze) (?:web)?site (?:gebruikt|maakt gebruik van)\b.{0,40}cookies.{0,200}|(?:wij|we) gebruiken"
        r"\b.{0,40}cookies.{0,200}",
        r"(?:alle )?cookies (?:accepteren|weigeren|toestaan)|cookie-?(?:instellingen|beleid|voorkeuren)",
        r"(?:ta|nasza|niniejsza) (?:strona|witryna)\b.{0,30}(?:używa|korzysta|wykorzystuje)\b.{0,30}cookies?.{0,200}",
        r"(?:vi|den här webbplatsen|denna webbplats|denne hjemmeside|dette nettstedet) (?:använder|bruger|bruker)"
        r"\b.{0,30}"
        r"(?:cookies|kakor|informasjonskapsler).{0,200}",
        r"(?:bu|web) (?:web )?site(?:si|miz)?\w{0,4} .{0,60}çerez.{0,200}|(?:tüm )?çerezleri (?:kabul et|reddet).{"
        r"0,10}",
        r"(?:situs (?:web )?ini|kami) menggunakan cookie.{0,200}|(?:trang web này|chúng tôi) sử dụng cookie.{0,200}",
        r"(?:мы|этот сайт|наш сайт|данный сайт|на сайте) используе?[тм]\w{0,3}\b.{0,30}(?:cookies?|куки).{0,200}"
        r"|(?:принять|отклонить)(?: все)?(?: файлы)? (?:cookies?|куки)|продолжая\b.{1,120}(?:cookies?|куки).{0,120}",
        r"(?:我们|本网站|本站|本網站|我們).{0,8}使用.{0,6}cookies?.{0,100}|(?:接受|拒绝|允许)(?:所有|全部)? ?cooki"
        r"es?",
        r"(?:当|本)?(?:サイト|ウェブサイト|ページ)で?は.{0,30}(?:cookie|クッキー).{0,100}|(?:すべての)?(?:cookie|"
        r"クッキー)を(?:受け入れる|許可(?:する)?|"
        r"拒否(?:する)?)",
        r"(?:이|당사|본) (?:웹)?사이트.{0,20}쿠키.{0,100}|(?:모든 )?쿠키 (?:허용|거부|수락|설정)",
        r"(?:يستخدم|نستخدم)\b.{0,40}(?:ملفات تعريف الارتباط|الكوكيز).{0,160}|قبول (?:جميع |كل )?ملفات تعريف الارتباط",
    ),
    "navigation": (
        r"(?:skip|jump) (?:directly )?(?:to|navigation)(?: the)?(?: (?:main|primary|page|site))?(?: (?:content|nav"
        r"igation|search"
        r"|article|footer|menu|sidebar|nav))?",
        r"(?:back|return|scroll|go) (?:back )?to (?:the )?top(?: of (?:the )?page)?|(?:toggle|open|close|show|hide)"
        r"(?: the| main| mobile| side){0,2} (?:navigation|menu|search|sidebar|nav)",
        r"(?:zum|direkt zum|springe zum) (?:haupt)?(?:inhalt|menü)(?: springen| wechseln)?|nach oben(?: scrollen)?",
        r"(?:aller|passer) (?:directement )?au contenu(?: principal)?|(?:retour en haut|haut de (?:la )?page)(?: d"
        r"e page)?",
        r"(?:saltar|ir|pasar) al contenido(?: principal)?|volver arriba",
        r"(?:pular|ir|saltar|avançar) para o conteúdo(?: principal)?|voltar ao topo",
        r"(?:vai|salta|passa) al contenuto(?: principale)?|torna (?:su|all'inizio)",
        r"(?:ga )?(?:direct )?naar (?:de )?(?:hoofd)?inhoud(?: springen| gaan)?|terug naar boven",
        r"przejdź do (?:treści|głównej treści)|hoppa till (?:huvud)?innehåll|gå til (?:hovedindhold|innhold)",
        r"перейти к (?:основному )?(?:содержанию|содержимому|контенту)|(?:вернуться )?наверх",
        r"(?:コンテンツ|本文)(?:へ|に)(?:スキップ|移動)(?:する)?|(?:この)?ページの?(?:トップ|先頭)へ(?:戻る)?",
        r"跳(?:转|到|至|过|過|轉).{0,4}(?:内容|正文|內容|导航)|(?:返回|回到|回)(?:页面)?(?:顶部|頂部|页首)",
        r"본문 (?:바로가기|내용 바로가기)|맨 위로(?: 이동)?|(?:تخطي?|انتقل|التجاوز) إلى المحتوى(?: الرئيسي)?|(?:ال"
        r"عودة|الرجوع) إلى "
        r"الأعلى",
        r"içeriğe (?:atla|geç)|yukarı çık|chuyển (?:đến|tới) (?:phần )?nội dung(?: chính)?|langsung ke (?:isi|kont"
        r"en)",
    ),
    "footer": (
        r"(?:content )?(?:copyright|©|\(c\)|ⓒ|&copy;)[ :]*(?:copyright|©|\(c\)|@|by)?[ :]*(?:19|20)\d\d\b.{0,160}",
        r"(?:copyright|©|ⓒ).{1,80}\b(?:19|20)\d\d(?:\b.{0,80})?|.{0,100}\ball rights reserved\b.{0,100}",
        r".{0,100}\b(?:alle rechte vorbehalten|tous droits réservés|(?:todos los|reservados todos los) derechos(?:"
        r" reservados)?"
        r"|todos os direitos reservados|tutti i diritti (?:sono )?riservati|alle rechten voorbehouden"
        r"|wszelkie prawa zastrzeżone|все права защищены|tüm hakları saklıdır|alla rättigheter förbehållna"
        r"|bảo lưu mọi quyền|hak cipta dilindungi.{0,20})\b.{0,80}",
        r".{0,60}(?:版权所有|版權所有|保留所有权利|無断転載|無断複写|무단 ?전재|جميع الحقوق محفوظة).{0,60}",
        r"(?:proudly )?powered by [\w .+-]{2,30}|(?:theme|website|site|web ?design)(?: design)?(?:ed)? by:? [\w .&"
        r"+-]{2,40}",
        r"this (?:site|form) is protected by recaptcha.{0,120}|registration on or use of this site.{0,160}",
        r"this material may not be published\b.{0,160}|use of this (?:web)?site (?:constitutes|signifies)\b.{0,160}",
    ),
    "sharing": (
        rf"(?:share|tweet|pin|post)(?: this)?(?: (?:article|post|story|page|entry|news|content|link|video|recipe|it"
        rf"em))?"
        rf"(?: ?(?:on|with|via|to|by|in)?:? ?{_PLATFORMS})[:!.]?",
        r"click (?:here )?to (?:share|tweet|e-?mail|print)(?: (?:this|on|a link).{0,60})?",
        r"(?:share|tweet|pin|e-?mail|print|bookmark|save|rate) this(?: (?:article|post|story|page|entry|news|recip"
        r"e|video))?[:!.]?",
        rf"(?:share|share on|share via|share with friends|share article|share this on)[:!]?(?: {_PLATFORMS})?",
        rf"(?:follow|like|find|join|watch) (?:us|me|the author)(?: on)?(?: (?:social media|our socials)|:? ?"
        rf"{_PLATFORMS})?[:!.]?",
        rf"(?:(?:auf|bei|per|via|über) {_PLATFORM} (?:teilen|folgen|empfehlen)|(?:artikel|beitrag|seite|diesen arti"
        rf"kel) (?:teilen|drucken"
        rf"|empfehlen|weiterempfehlen)|folgen sie uns(?: auf {_PLATFORMS})?)[:!.]?",
        rf"(?:partager (?:sur|par|via) {_PLATFORMS}|partager (?:cet|cette|l')[ ]?(?:article|page)|(?:suivez|rejoign"
        rf"ez)-nous(?: sur {_PLATFORMS})?)[:!.]?",
        rf"(?:compartir? (?:en|por|vía|via) {_PLATFORMS}|compartir (?:este|esta|el) \w{{3,12}}|síguenos(?: en "
        rf"{_PLATFORMS})?)[:!.]?",
        rf"(?:compartilh(?:e|ar) (?:no|via|por|em|pelo) {_PLATFORMS}|compartilhe (?:isso|este|esta)(?: \w{{3,12}})?"
        rf"|siga-nos(?: no {_PLATFORMS})?)[:!.]?",
        rf"(?:condividi (?:su|via|con) {_PLATFORMS}|condividi (?:questo|l'|questa)[ ]?\w{{3,12}}|seguici(?: su "
        rf"{_PLATFORMS})?)[:!.]?",
        rf"(?:deel (?:op|via) {_PLATFORMS}|deel dit(?: artikel| bericht)?|volg ons(?: op {_PLATFORMS})?)[:!.]?",
        r"поделиться(?: (?:в|на|ссылкой|новостью|статьей|с друзьями).{0,30})?[:!.]?|(?:подписывайтесь|следите) (?:"
        r"на|за) нас?\w{0,3}.{0,40}",
        r"(?:分享(?:到|至|给).{1,12}|关注我们.{0,12}|(?:シェア|ツイート|フォロー|共有)する|公式.{0,10}をフォロー|("
        r"?:페이스북|트위터|카카오톡)(?:으로|에)? ?공유(?"
        r":하기)?)",
        r"(?:المشاركة|شارك|مشاركة) (?:على|عبر) (?:فيسبوك|تويتر|واتساب|.{3,12})|تابعنا على .{3,20}",
    ),
    "subscription": (
        r"(?:please )?(?:click here to )?(?:subscribe|sign[ -]?up|get|join|receive|register)\b.{0,60}\b(?:newslett"
        r"ers?|mailing list"
        r"|e-?mail (?:updates|list|alerts)|rss feed)\b.{0,60}",
        r"enter your e-?mail(?: address)?\b.{0,140}|by (?:clicking|signing up|subscribing|submitting|registering)"
        r"\b.{1,80}\byou"
        r" (?:agree|accept|consent|acknowledge)\b.{0,160}",
        r"subscribe (?:now|today|here|for free|via (?:e-?mail|rss)|to (?:our|the|my) (?:channel|blog|feed))[.!]?",
        r"you (?:can|may) (?:also )?unsubscribe\b.{0,80}|your e-?mail address will not be (?:published|shared)\b.{"
        r"0,80}",
        r"required fields are marked ?\*?[.]?|log ?in (?:or (?:register|sign ?up) )?to (?:post|leave|add|write|vie"
        r"w) .{0,10}comments?[.]?",
        r"(?:sign|log) ?in or (?:register|sign up|create an account|subscribe)\b.{0,60}|already a (?:subscriber|me"
        r"mber)\?.{0,60}",
        r"(?:article|story|content)?[ ]?continues? (?:reading )?(?:below|after)(?: this| the)? (?:ad|advertisement"
        r"|video|promotion)[.]?",
        r"(?:jetzt |hier )?(?:unseren |den |zum |für den |für unseren )?newsletter (?:abonnieren|anmelden|bestelle"
        r"n|an)\b.{0,40}"
        r"|(?:melden sie sich|meld dich|abonnieren sie)\b.{0,60}newsletter.{0,40}",
        r"(?:inscrivez-vous|abonnez-vous|s['’](?:abonner|inscrire)|recevez)\b.{0,50}\b(?:newsletter|lettre d['’]in"
        r"formation)\b.{0,40}",
        r"(?:suscr[ií]b(?:ete|ase|irse)|apúntate|regístrate)\b.{0,50}(?:newsletter|boletín).{0,40}",
        r"(?:assine|inscreva-se|cadastre-se|receba)\b.{0,50}(?:newsletter|boletim).{0,40}",
        r"(?:iscriviti|ricevi|registrati)\b.{0,50}newsletter.{0,40}|(?:schrijf je in|meld je aan|abonneer je|ontva"
        r"ng)\b.{0,50}nieuwsbrief.{0,40}",
        r"подпи(?:шитесь|саться|сывайтесь)\b.{0,50}(?:рассылк|канал|новост).{0,40}|(?:zapisz się|subskrybuj)\b.{0,"
        r"40}newsletter.{0,40}",
        r"(?:订阅|訂閱)(?:我们|我們)?(?:的)?(?:新闻|邮件|電子)?(?:通讯|电子报|報|简报).{0,12}|(?:メルマガ|メールマ"
        r"ガジン|ニュースレター)(?:に|を|の)?(?:登録|購読)"
        r".{0,12}|뉴스레터 (?:구독|신청).{0,12}",
    ),
}  # fmt: skip


@cache
def _strong() -> dict[str, re.Pattern[str]]:
    """The patterns, made on first use: that takes 30 ms, and few texts are worth a look."""
    return {kind: re.compile("|".join(f"(?:{p})" for p in some), re.IGNORECASE) for kind, some in _PATTERNS.items()}


#: Items of navigation, footers and the like. Alone they say nothing: they are headings and answers, too.
_ITEM_LIST: Final = (
    "home|homepage|home page|menu|main menu|search|login|log in|log out|logout|sign in|sign up|sign out|register"
    "|my account|account|profile|cart|basket|checkout|wishlist|subscribe|subscribe now|subscriptions|newsletter"
    "|newsletters|about|about us|contact|contact us|careers|jobs|press|press releases|media kit|investors|team"
    "|our team|faq|faqs|help|help center|support|feedback|privacy|privacy policy|privacy notice|privacy statement"
    "|your privacy choices|do not sell my personal information|terms|terms of use|terms of service"
    "|terms & conditions|terms and conditions|legal|legal notice|disclaimer|imprint|cookies|cookie policy"
    "|cookie settings|cookie preferences|accessibility|accessibility statement|sitemap|site map|rss|rss feed"
    "|rss feeds|advertise|advertise with us|advertising|ad choices|adchoices|advertisement|sponsored"
    "|sponsored content|promoted|share|tweet|print|email|e-mail|comments|view comments|leave a comment"
    "|leave a reply|cancel reply|post comment|read more|learn more|see more|show more|load more|view all|see all"
    "|more|next|previous|next post|previous post|next article|previous article|related articles|related posts"
    "|related stories|related|recommended|recommended for you|you may also like|you might also like|most popular"
    "|most read|trending|trending now|popular posts|latest news|latest posts|recent posts|recent comments"
    "|categories|archives|archive|tags|blog|news|events|products|services|solutions|pricing|resources|shop|store"
    "|downloads|download app|gallery|videos|video|photos|podcasts|forum|community|follow us|connect with us"
    "|facebook|twitter|instagram|linkedin|youtube|pinterest|whatsapp|reddit|tiktok|flipboard|tumblr|close"
    "|close menu|open menu|back to top|business|sports|sport|politics|opinion|world|entertainment|technology|tech"
    "|health|science|travel|lifestyle|culture|weather|classifieds|obituaries|columnists|editorials|real estate"
    "|local|customer service|place an ad|sections|site index|startseite|kontakt|impressum|datenschutz"
    "|datenschutzerklärung|agb|über uns|anmelden|registrieren|suche|suchen|menü|aktuelles|produkte|leistungen"
    "|karriere|presse|hilfe|warenkorb|mein konto|barrierefreiheit|anzeige|werbung|mehr lesen|weiterlesen|teilen"
    "|drucken|accueil|mentions légales|politique de confidentialité|confidentialité|plan du site|à propos"
    "|qui sommes-nous|connexion|se connecter|s'inscrire|rechercher|recherche|panier|mon compte|nous contacter"
    "|contactez-nous|cgu|cgv|actualités|lire la suite|lire aussi|publicité|partager|inicio|contacto|aviso legal"
    "|política de privacidad|quiénes somos|sobre nosotros|iniciar sesión|registrarse|buscar|mapa del sitio"
    "|noticias|productos|servicios|carrito|mi cuenta|leer más|publicidad|compartir|términos y condiciones|início"
    "|contato|sobre nós|sobre|quem somos|política de privacidade|termos de uso|termos de serviço|entrar"
    "|cadastre-se|pesquisar|notícias|produtos|serviços|leia mais|publicidade|fale conosco|chi siamo|contatti"
    "|note legali|informativa sulla privacy|accedi|registrati|cerca|notizie|prodotti|servizi|carrello|leggi tutto"
    "|pubblicità|condividi|over ons|inloggen|aanmelden|zoeken|winkelwagen|privacyverklaring|privacybeleid|nieuws"
    "|lees meer|voorwaarden|algemene voorwaarden|strona główna|o nas|zaloguj|polityka prywatności|regulamin"
    "|szukaj|aktualności|главная|контакты|о нас|о компании|о проекте|войти|вход|регистрация|поиск|меню|новости"
    "|политика конфиденциальности|пользовательское соглашение|карта сайта|реклама|вакансии|читать далее|помощь"
    "|корзина|каталог|首页|首頁|联系我们|聯絡我們|关于我们|關於我們|登录|登入|注册|註冊|隐私政策|隱私政策"
    "|使用条款|服务条款|网站地图|新闻|产品|搜索|广告|更多|ホーム|お問い合わせ|会社概要|プライバシーポリシー"
    "|利用規約|サイトマップ|ログイン|新規登録|検索|メニュー|お知らせ|広告|もっと見る|홈|로그인|회원가입"
    "|개인정보처리방침|이용약관|사이트맵|검색|고객센터|회사소개|광고|더보기|الرئيسية|اتصل بنا|من نحن"
    "|سياسة الخصوصية|شروط الاستخدام|تسجيل الدخول|بحث|خريطة الموقع|ana sayfa|hakkımızda|iletişim"
    "|gizlilik politikası|kullanım koşulları|giriş yap|kayıt ol|trang chủ|liên hệ|giới thiệu|đăng nhập|đăng ký"
    "|chính sách bảo mật|beranda|tentang kami|hubungi kami|kebijakan privasi|masuk|daftar"
)
_ITEMS: Final = frozenset(_ITEM_LIST.split("|"))
#: Items that stand in bars of navigation and footers, and hardly anywhere else.
_TELLING: Final = re.compile(
    r"privacy|privacidad|privacidade|confidentialité|confidencialidad|datenschutz|конфиденциальности|隐私|隱私|プ"
    r"ライバシー|"
    r"개인정보|"
    r"الخصوصية|terms|términos|termos|agb|cgu|impressum|sitemap|site map|mapa del sitio|plan du site|карта сайта|サイ"
    r"トマップ|cookie"
    r"|log ?in|sign ?in|sign ?up|anmelden|connexion|iniciar sesión|accedi|войти|登录|ログイン|로그인|about us|cont"
    r"act us|üb"
    r"er uns"
    r"|advertise|faq|home|startseite|accueil|inicio|início|главная|首页|ホーム|홈|ana sayfa|trang chủ|beranda|الرئ"
    r"يسية"
)
_SEPARATOR: Final = re.compile(r"\s*(?:[|•·»›>/–—‧∙◦\t]|\s-\s|\s{3,}|,\s)\s*")
_BULLET: Final = re.compile(r"[\s*•·▪>|»–—-]{0,8}(?:\[\s?\]\s)?")
_MARKDOWN_LINK: Final = re.compile(r"!?\[([^\[\]\n]{0,80})\]\([^()\s]{0,200}\)")
#: Where code has its notices of copyright, licences theirs, and tables their cells.
_NOT_A_PAGE: Final = re.compile(r"\s*(?:[#/;%*<|]|//|/\*|--|REM\b|\w+ ?[=({])")

#: How a telling line may begin: bytes of UTF-8 in small letters, at least four. By them a text is known to be worth a
#: look; lines that begin otherwise are found in the company of one that begins so.
_BEGINNINGS: Final = (
    "we use c|we also |we and o|we may u|we store|our site|our webs|this sit|this web|this pag|the site|by conti"
    "|by using|by click|by brows|by visit|by accep|by closi|by navig|by signi|by subsc|accept a|accept c|allow al"
    "|allow co|reject a|reject c|decline |manage c|manage p|customiz|customis|cookie s|cookie p|cookie n|cookie c"
    "|cookie-e|cookie-r|cookie-h|cookies |your coo|your pri|your ema|diese se|diese we|unsere w|unsere s|wir verw"
    "|wir nutz|wir setz|wir benu|alle coo|ce site |notre si|nous uti|en pours|en conti|tout acc|accepter|refuser "
    "|gérer le|gérer me|paramètr|politiqu|este sit|nuestro |utilizam|usamos c|esta pág|esta web|nuestra |aceptar "
    "|rechazar|política|configur|si conti|questo s|il nostr|utilizzi|accetta |rifiuta |este por|nosso si|o nosso "
    "|nós usam|nós util|aceitar |rejeitar|ao conti|ao naveg|deze web|deze sit|onze web|onze sit|wij gebr|we gebru"
    "|ta stron|nasza st|ta witry|vi använ|den här |vi bruge|vi bruke|bu web s|bu site|web site|tüm çere|situs we"
    "|situs in|kami men|trang we|chúng tô|мы испо|этот са|наш сай|данный |на сайте |принять |продолжа|我们使用"
    "|本网站|本站使用|我們使用|接受所有|接受全部|当サイト|このサイト|本サイト|すべての|이 웹사|이 사이트"
    "|모든 쿠키|يستخدم |نستخدم |قبول ملف|قبول جمي|skip to |jump to |back to t|return t|scroll t|toggle n|toggle m"
    "|open men|close me|zum inha|zum haup|direkt z|nach obe|aller au|passer a|retour e|saltar a|ir al co|volver a"
    "|pular pa|ir para |voltar a|vai al c|salta al|torna su|ga naar |naar de |naar inh|przejdź |hoppa ti|gå til h"
    "|gå til i|перейти |вернутьс|コンテンツ|本文へ|ページの|ページト|跳转到|跳到|跳至|返回顶部|回到顶部|본문 바로"
    "|맨 위로|تخطي إل|انتقل إ|içeriğe |chuyển đ|langsung|copyrigh|© |©20|©19|© 2|(c) 20|(c) 19|ⓒ|all righ"
    "|content c|alle rec|tous dro|todos lo|todos os|tutti i |wszelkie|все права|tüm hakl|版权所有|無断転載"
    "|무단전재|무단 전재|جميع ال|powered |proudly |this for|registra|this mat|use of t|share on|share th|share vi"
    "|share: |share fa|tweet th|pin this|email th|print th|follow u|follow m|like us |find us |join us |auf face"
    "|auf twit|bei face|artikel |beitrag |folgen s|partager|suivez-n|comparti|síguenos|siga-nos|condivid|seguici"
    "|deel op |deel dit|volg ons|поделить|подписыв|分享到|分享至|关注我们|シェアする|ツイート|フォロー|페이스북"
    "|트위터|شارك عل|مشاركة |تابعنا |subscrib|sign up |sign-up |get our |get the |join our|receive |please s"
    "|click he|enter yo|you can u|you may u|required|log in t|login to|sign in |already |article c|story co"
    "|newslett|jetzt ne|melden s|inscrive|abonnez-|s'abonne|s'inscri|recevez |suscríbe|suscribe|apúntate"
    "|assine n|assine a|inscreva|cadastre|receba n|iscrivit|ricevi l|schrijf |meld je |abonneer|подпишит|подписат"
    "|zapisz s|订阅我们|メルマガ|ニュースレター|뉴스레터 |home | about us|contact |privacy | terms o|terms & "
    "|terms an|startsei|impressu|datensch|accueil |mentions|inicio |início |главная |首页 |ホーム"
)


def _anchors(size: int) -> NDArray[np.uint64]:
    """The beginnings as numbers of `size` bytes; those of fewer than eight bytes are of size 4."""
    encoded = [text.encode() for text in _BEGINNINGS.split("|")]
    chosen = {data[:size] for data in encoded if len(data) >= 4 and (len(data) >= 8) == (size == 8)}
    return np.array(sorted(int.from_bytes(data, "little") | _small(size) for data in chosen), np.uint64)


def _small(size: int) -> int:
    """What makes capitals of ASCII small in so many bytes, whatever else it does to other characters."""
    return int.from_bytes(b"\x20" * size, "little")


_LONG, _SHORT = _anchors(8), _anchors(4)
#: By the first two bytes of a line: whether any anchor begins so. Nine lines in ten need no further look.
_FIRST_TWO: Final = np.zeros(1 << 16, np.bool_)
_FIRST_TWO[(np.concatenate([_LONG, _SHORT]) & np.uint64(0xFFFF)).astype(np.int64)] = True
_MARKS: Final = np.isin(np.arange(256), np.frombuffer(b" \t*->|#[", np.uint8))


class PageLine(NamedTuple):
    """A line of a text that belongs to its page: where it is, and what it is of."""

    start: int
    end: int
    kind: str


def suspected(joined: TurnBytes) -> list[int]:
    """The texts, as indices of `Batch.turns`, ascending, that have a line which begins as one of a page's does and is
    one beyond doubt. Looks at the first bytes of all lines at once."""
    padded = np.frombuffer(b"\n" + joined.data + b"\n" * 16, np.uint8)
    begins = np.flatnonzero(padded[:-17] == 0x0A) + 1
    for _ in range(3):
        begins = begins + _MARKS[padded[begins]]
    small = padded[begins].astype(np.int64) | padded[begins + 1].astype(np.int64) << 8 | 0x2020
    begins = begins[_FIRST_TWO[small]]
    window = np.ndarray((len(padded) - 7,), "<u8", padded.data, strides=(1,))
    first = window[begins] | np.uint64(_small(8))
    found = np.isin(first, _LONG) | np.isin(first & np.uint64(0xFFFFFFFF), _SHORT)
    certain: list[int] = []
    until = -1
    for at in (begins[found] - 1).tolist():
        if at < until:
            continue  # of a text that is known already
        end = joined.data.find(b"\n", at)
        if end - at <= 4 * _LONGEST and _kind(joined.data[at:end].decode("utf-8", "replace"))[1]:
            certain.append(at)
            following = int(np.searchsorted(joined.starts, at, side="right"))
            until = int(joined.starts[following]) if following < len(joined.starts) else len(joined.data)
    return joined.at(certain)


def page_lines(text: str) -> list[PageLine]:
    """The lines of `text` that belong to its page, in order; none unless one of them is so beyond doubt, and none of a
    single line, which may be all that somebody wanted to say.

    Items such as `Home` or `Business`, which may be headings, count in the company of such a line, or of each other.
    """
    lines: list[tuple[int, int, str, bool]] = []
    start = 0
    code = False
    for line in text.split("\n"):
        end = start + len(line)
        if line.strip():
            code ^= line.lstrip().startswith(("```", "~~~"))
            kind, strong = ("", False) if code else _kind(line)
            lines.append((start, end, kind, strong))
        start = end + 1
    out: list[PageLine] = []
    at = 0
    while at < len(lines):
        until = at
        while until < len(lines) and lines[until][2]:
            until += 1
        run = lines[at:until]
        whole = any(strong for *_, strong in run) or len(run) >= _RUN
        out += [
            PageLine(begin, end, kind)
            for begin, end, kind, _ in run
            if whole or _TELLING.search(text[begin:end].casefold())
        ]
        at = max(until, at + 1)
    return out if len(lines) > 1 and any(strong for *_, strong in lines) else []


def without(text: str, lines: Sequence[PageLine]) -> str:
    """`text` without these lines; what was apart stays apart by one blank line at most."""
    pieces: list[str] = []
    place = 0
    for line in lines:
        pieces.append(text[place : line.start])
        place = min(line.end + 1, len(text))
    pieces.append(text[place:])
    out: list[str] = []
    blank = False
    for piece in pieces:
        if piece.strip():
            if out:
                out.append("\n\n" if blank or piece.startswith("\n") else "\n")
            out.append(piece.lstrip("\n").rstrip())
            blank = piece.endswith("\n\n")
    return "".join(out)


def _kind(line: str) -> tuple[str, bool]:
    """What a line of a page is of (an empty string: of its matter), and whether that is beyond doubt."""
    return _kind_of(line) if len(line) <= _LONGEST else ("", False)


@lru_cache(maxsize=4_096)  # on pages of one site the same lines come again and again
def _kind_of(line: str) -> tuple[str, bool]:
    if "](" in line:
        line = _MARKDOWN_LINK.sub(r"\1", line)
    marked = _NOT_A_PAGE.match(line) is not None
    mark = _BULLET.match(line)
    said = " ".join((line[mark.end() :] if mark else line).split()).strip("*_[] |·•–—»")
    if not said:
        return "", False
    folded = said.casefold()
    if folded.rstrip(":!.…") in _ITEMS:
        return "navigation", False
    for kind, pattern in _strong().items():
        if pattern.fullmatch(said):
            return ("", False) if marked and kind == "footer" else (kind, True)
    items = [item for item in _SEPARATOR.split(folded) if item]
    if len(items) > 1:
        known = [item for item in items if item in _ITEMS]
        if len(known) > 1 and len(known) >= _KNOWN_SHARE * len(items):
            telling = sum(1 for item in known if _TELLING.search(item))
            return "navigation", telling > 1 or (telling > 0 and len(known) > 2)
    return ("navigation", True) if _is_bar(folded.split()) else ("", False)


def _is_bar(words: Sequence[str]) -> bool:
    """Whether `words` are nothing but items of navigation, four at least, of which two are telling."""
    at = items = telling = 0
    while at < len(words):
        size = next((n for n in (4, 3, 2, 1) if at + n <= len(words) and " ".join(words[at : at + n]) in _ITEMS), 0)
        if not size:
            return False
        telling += _TELLING.search(" ".join(words[at : at + size])) is not None
        items += 1
        at += size
    return items > 3 and telling > 1
