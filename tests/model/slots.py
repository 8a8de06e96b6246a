"""What fills a template's slots: each slot gives a text, and the type it is labelled with (None: it is no personal data)."""

from __future__ import annotations

import random
import re
from pathlib import Path

from addresses import Addresses
from faker import Faker
from people import People, Person, fold

HERE = Path(__file__).resolve().parent
LOCALES = {
    "en": ["en_US", "en_GB", "en_US", "en_AU", "en_CA", "en_IN"], "de": ["de_DE", "de_AT", "de_CH"], "fr": ["fr_FR", "fr_CA", "fr_BE"], "es": ["es_ES", "es_MX"],
    "it": ["it_IT"], "pt": ["pt_BR", "pt_PT"], "nl": ["nl_NL", "nl_BE"], "pl": ["pl_PL"], "zh": ["zh_CN"], "ja": ["ja_JP"],
}  # fmt: skip
CALENDAR = {
    "en": ("January February March April May June July August September October November December", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "de": ("Januar Februar März April Mai Juni Juli August September Oktober November Dezember", "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
    "fr": ("janvier février mars avril mai juin juillet août septembre octobre novembre décembre", "lundi mardi mercredi jeudi vendredi samedi dimanche"),
    "es": ("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre", "lunes martes miércoles jueves viernes sábado domingo"),
    "it": ("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre", "lunedì martedì mercoledì giovedì venerdì sabato domenica"),
    "pt": ("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro", "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo"),
    "nl": ("januari februari maart april mei juni juli augustus september oktober november december", "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag"),
    "pl": ("stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia", "poniedziałek wtorek środa czwartek piątek sobota niedziela"),
    "zh": (" ".join(f"{m}月" for m in range(1, 13)), "星期一 星期二 星期三 星期四 星期五 星期六 星期日"),
    "ja": (" ".join(f"{m}月" for m in range(1, 13)), "月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日"),
}  # fmt: skip
FIRMS = {
    "en": ["{0} Inc.", "{0} Ltd", "{0} LLC", "{0} & Sons", "{0} & {1}", "{0} Group", "{0} Consulting", "{0}, {1} and Partners", "{0} Bros.", "The {0} Foundation", "{0} Law Firm", "{0} Properties", "{0} Realty", "{0} University", "{0} High School", "{0} Elementary", "{0} County Hospital", "{0} Farms", "{0} Motors", "{0}'s Diner", "{0} PLC", "{0}-{1} Holdings", "Hotel {0}", "{0} Medical Center"],
    "de": ["{0} GmbH", "{0} & Söhne", "{0} AG", "{0} KG", "Bäckerei {0}", "Autohaus {0}", "Kanzlei {0} & {1}", "Praxis {0}", "Hotel {0}", "{0}-Gymnasium", "{0} & {1} GbR", "Gasthof {0}"],
    "fr": ["{0} SARL", "{0} & Fils", "Garage {0}", "Boulangerie {0}", "Cabinet {0} et {1}", "Lycée {0}", "Hôtel {0}", "{0} S.A.", "Établissements {0}", "Pharmacie {0}"],
    "es": ["{0} S.L.", "{0} e Hijos", "Talleres {0}", "Panadería {0}", "{0} y Asociados", "Grupo {0}", "Hotel {0}", "{0} S.A.", "Colegio {0}", "Farmacia {0}"],
    "it": ["{0} S.r.l.", "Fratelli {0}", "Officina {0}", "Panificio {0}", "Studio {0} & {1}", "Hotel {0}", "{0} S.p.A.", "Liceo {0}", "Farmacia {0}"],
    "pt": ["{0} Ltda.", "{0} & Filhos", "Oficina {0}", "Padaria {0}", "Grupo {0}", "Hotel {0}", "{0} S.A.", "Colégio {0}", "Construtora {0}"],
    "nl": ["{0} B.V.", "{0} & Zonen", "Garage {0}", "Bakkerij {0}", "{0} Advocaten", "Hotel {0}", "{0} N.V.", "Slagerij {0}", "Bouwbedrijf {0}"],
    "pl": ["{0} Sp. z o.o.", "{0} i Synowie", "Auto-Serwis {0}", "Piekarnia {0}", "Kancelaria {0}", "Hotel {0}", "{0} S.A.", "Apteka {0}"],
    "zh": ["{0}氏集团", "{0}记餐馆", "{0}家菜", "{0}氏医院"],
    "ja": ["{0}商店", "株式会社{0}", "{0}工務店", "{0}医院", "{0}運輸", "{0}建設", "有限会社{0}製作所", "{0}不動産", "{0}クリニック"],
}  # fmt: skip
FILES = "report.pdf invoice.docx main.py index.js README.md data.csv notes.txt src/app.ts config.yaml Makefile schema.sql photo.jpg backup.tar.gz budget.xlsx".split()
COUNTRIES_EN = "France Germany Jordan Chad Georgia Israel Kenya China India Canada Mexico Brazil Portugal Spain Italy Poland Japan Ireland Norway Sweden Peru Chile Cuba Niger Nigeria Ghana Egypt Turkey Cyprus Malta Austria Hungary".split()

Filled = tuple[str, str | None]


def words_of(lang: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    path = HERE / "words" / f"{lang}.txt"
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line.strip():
            sections.setdefault(name, []).extend(w for w in line.split("|") if w)
    return sections


class Slots:
    """One text's slots: a tag stands for the same person or value wherever it is."""

    def __init__(self, makers: Makers, rng: random.Random, lang: str) -> None:
        self.makers, self.rng = makers, rng
        self.lang = rng.choice(list(LOCALES)[:8]) if lang == "any" and rng.random() < 0.55 else "en" if lang == "any" else lang
        if lang == "any" and rng.random() < 0.06:
            self.lang = rng.choice(["zh", "ja"])
        self.people: dict[str, Person] = {}
        self.values: dict[str, Filled] = {}

    def fill(self, name: str, tag: str, mod: str, lines: bool) -> Filled:
        """The text for a slot, and its type. `lines`: an address may take several lines here."""
        key = f"{name}:{tag}"
        if tag and key in self.values:
            text, kind = self.values[key]
        else:
            text, kind = self.make(name, tag, lines)
            text = text.strip() if kind else text
            if tag:
                self.values[key] = text, kind
        for part in mod.split("|"):
            text = {"lower": text.lower, "upper": text.upper, "title": text.title}.get(part, lambda text=text: text)()
        return text, kind

    def person(self, tag: str) -> Person:
        if not tag:
            return self.makers.people.draw(self.rng, self.lang)
        if tag not in self.people:
            self.people[tag] = self.makers.people.draw(self.rng, self.lang)
        return self.people[tag]

    def make(self, name: str, tag: str, lines: bool) -> Filled:
        rng, makers = self.rng, self.makers
        if name in PERSONAL:
            person = self.person(tag)
            if name == "person":
                way = rng.random()
                return (person.full if way < 0.90 or tag else person.first if way < 0.97 else person.last), "PERSON"
            if name == "formal":
                return makers.people.formal(rng, person), "PERSON"
            if name == "initials":
                return makers.people.initials(rng, person), "PERSON"
            return getattr(person, name), "PERSON"
        if name in ("address", "street", "cityline"):
            address = makers.addresses.draw(rng, self.lang)
            if name == "address" or not address.cityline:
                return address.layout(rng, lines), "ADDRESS"
            return getattr(address, name).strip(), "ADDRESS"
        if name in ("email", "username"):
            text = makers.handle(rng, self.people[tag] if tag in self.people else makers.people.draw(rng, self.lang))
            if name == "username":
                return text, "USERNAME"
            return text + "@" + makers.domain(rng), "EMAIL"
        if name in LABELLED:
            return getattr(makers, name)(rng, self.lang), LABELLED[name]
        return makers.filler(rng, name, self.lang), None


PERSONAL = {"person", "first", "last", "lastfirst", "formal", "initials"}
LABELLED = {
    "phone": "PHONE", "iban": "IBAN", "card": "CREDIT_CARD", "ssn": "NATIONAL_ID", "dob": "DATE_OF_BIRTH", "ip": "IP_ADDRESS", "mac": "MAC_ADDRESS",
    "password": "SECRET", "apikey": "SECRET", "account": "BANK_ACCOUNT", "passport": "PASSPORT", "mrn": "MEDICAL_ID",
}  # fmt: skip


class Makers:
    def __init__(self, lists: dict[str, list[str]], half: str) -> None:
        self.people = People(lists, half)
        self.addresses = Addresses(lists, half)
        self.words = {lang: words_of(lang) for lang in LOCALES}
        self.fakers: dict[str, Faker] = {}
        # Sentences of real texts, per language: the generator gives them.
        self.sentences: dict[str, list[str]] = {}

    def faker(self, rng: random.Random, lang: str, without: tuple[str, ...] = ()) -> Faker:
        locale = rng.choice([known for known in LOCALES.get(lang, LOCALES["en"]) if known not in without])
        if locale not in self.fakers:
            self.fakers[locale] = Faker(locale)
        self.fakers[locale].seed_instance(rng.getrandbits(48))
        return self.fakers[locale]

    # -- labelled, for other detectors

    def phone(self, rng: random.Random, lang: str) -> str:
        return self.faker(rng, lang).phone_number()

    def iban(self, rng: random.Random, lang: str) -> str:
        text = self.faker(rng, lang).iban()
        return text if rng.random() < 0.5 else " ".join(text[i : i + 4] for i in range(0, len(text), 4))

    def card(self, rng: random.Random, lang: str) -> str:
        text = self.faker(rng, "en").credit_card_number()
        return text if rng.random() < 0.4 or len(text) != 16 else rng.choice(" -").join(text[i : i + 4] for i in range(0, 16, 4))

    def ssn(self, rng: random.Random, lang: str) -> str:
        # Faker's Chinese, Polish, Austrian and Belgian ids hold a date of birth that it counts back from today: another corpus every day.
        if lang == "zh":
            return chinese_id(rng)
        if lang == "pl":
            return pesel(rng)
        return self.faker(rng, lang, without=("de_AT", "fr_BE", "nl_BE")).ssn()

    def dob(self, rng: random.Random, lang: str) -> str:
        return self.date(rng, lang, rng.randint(1935, 2012))

    def ip(self, rng: random.Random, lang: str) -> str:
        return self.faker(rng, "en").ipv4() if rng.random() < 0.8 else self.faker(rng, "en").ipv6()

    def mac(self, rng: random.Random, lang: str) -> str:
        return self.faker(rng, "en").mac_address()

    def password(self, rng: random.Random, lang: str) -> str:
        return self.faker(rng, "en").password(length=rng.randint(8, 16))

    def apikey(self, rng: random.Random, lang: str) -> str:
        return rng.choice(["sk-", "key_", "tok-", ""]) + "".join(rng.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=rng.randint(20, 44)))

    def account(self, rng: random.Random, lang: str) -> str:
        return str(rng.randint(10**7, 10**10))

    def passport(self, rng: random.Random, lang: str) -> str:
        return rng.choice(["", "C", "X", "AB", "PA"]) + str(rng.randint(10**6, 10**8))

    def mrn(self, rng: random.Random, lang: str) -> str:
        return rng.choice(["MRN-", "", "MRN ", "P"]) + str(rng.randint(10**5, 10**8))

    def handle(self, rng: random.Random, person: Person) -> str:
        first, last = (re.sub(r"[^a-z]", "", fold(part).lower()) for part in (person.first, person.last))
        first, last = first or rng.choice(["xiao", "taro", "info", "user"]), last or rng.choice(["li", "sato", "wang", "kim"])
        form = rng.choice(["{f}.{l}", "{i}{l}", "{f}{l}", "{f}_{l}", "{l}.{f}", "{f}{n}", "{f}-{l}", "{l}{n}", "{f}.{l}{n}", "{i}.{l}"])
        return form.format(f=first, l=last, i=first[0], n=rng.randint(1, 99))

    def domain(self, rng: random.Random) -> str:
        return rng.choice(["gmail.com", "outlook.com", "yahoo.com", "example.com", "web.de", "orange.fr", "hotmail.es", "libero.it", "uol.com.br", "wp.pl", "qq.com", "mail.example.org", "acme-corp.com", "northwind.io", "proton.me"])

    # -- fillers

    def date(self, rng: random.Random, lang: str, year: int = 0) -> str:
        year, month, day = year or rng.randint(2018, 2027), rng.randint(1, 12), rng.randint(1, 28)
        if lang in ("zh", "ja"):
            return rng.choice([f"{year}年{month}月{day}日", f"{year}-{month:02}-{day:02}", f"{year}/{month}/{day}", f"{month}月{day}日" if year > 2015 else f"{year}.{month}.{day}"])
        name = CALENDAR.get(lang, CALENDAR["en"])[0].split()[month - 1]
        if lang == "en":
            return rng.choice([f"{name} {day}, {year}", f"{day} {name} {year}", f"{year}-{month:02}-{day:02}", f"{month}/{day}/{year}", f"{name} {day}", f"{day}/{month:02}/{year}", f"{name[:3]} {day}, {year}"])
        return rng.choice([f"{day:02}.{month:02}.{year}", f"{day}/{month}/{year}", f"{day} {name} {year}", f"{year}-{month:02}-{day:02}", f"{day}-{month:02}-{year}"])

    def filler(self, rng: random.Random, name: str, lang: str) -> str:
        words = self.words.get(lang) or self.words["en"]
        if name.startswith("int:") or name == "n":
            low, high = name[4:].split("-") if name != "n" else ("1", "999")
            return str(rng.randint(int(low), int(high)))
        if name == "company":
            return self.company(rng, lang)
        if name == "sentence":
            real = self.sentences.get(lang)
            return rng.choice(real) if real and rng.random() < 0.55 else rng.choice(words["sentence"])
        if name in ("product", "brand"):
            own = words.get(name) or self.words["en"][name]
            return rng.choice(own if rng.random() < 0.6 else self.words["en"][name])
        if name in ("title", "department", "words", "ident", "street_word"):
            return rng.choice(words.get(name) or self.words["en"][name])
        if name == "city":
            return self.city(rng, lang)
        if name == "country":
            return rng.choice(COUNTRIES_EN) if lang == "en" else self.faker(rng, lang).country()
        if name == "date":
            return self.date(rng, lang)
        if name == "time":
            hour, minute = rng.randint(0, 23), rng.choice([0, 15, 30, 45, rng.randint(0, 59)])
            return rng.choice([f"{hour}:{minute:02}", f"{hour:02}:{minute:02}", f"{hour % 12 + 1}:{minute:02} {'am' if hour < 12 else 'pm'}" if lang == "en" else f"{hour}:{minute:02}"])
        if name in ("month", "weekday"):
            return rng.choice(CALENDAR.get(lang, CALENDAR["en"])[name == "weekday"].split())
        simple = SIMPLE.get(name)
        if simple is None:
            raise ValueError(f"no slot is called {name!r}")
        return simple(rng, lang)

    def company(self, rng: random.Random, lang: str) -> str:
        words = self.words.get(lang) or self.words["en"]
        way = rng.random()
        if way < 0.5:
            return rng.choice(words["company"])
        if way < 0.62:
            return rng.choice(self.words["en"]["company"])
        forms = FIRMS.get(lang, FIRMS["en"])
        names = []
        for _ in range(2):
            person = self.people.draw(rng, lang)
            if lang in ("zh", "ja") and person.plain:
                return rng.choice(words["company"])
            names.append(person.last)
        return rng.choice(forms).format(*names)

    def city(self, rng: random.Random, lang: str) -> str:
        if lang == "en" and rng.random() < 0.2:
            return rng.choice("Charlotte Paris Austin Sydney Florence Victoria Madison Jackson Houston Dallas Lincoln Savannah Carson_City St._Louis San_Jose Santa_Ana Eugene Chester Kent Lancaster Beverly Raleigh Phoenix Orlando Aurora Hamilton Windsor Adelaide Alice_Springs Wellington Nelson Hastings Christchurch Georgetown".split()).replace("_", " ")
        country = {"en": rng.choice(["US", "US", "GB", "AU"]), "zh": "CN_native", "ja": "JP_native", "pt": "BR"}.get(lang, lang.upper())
        return self.addresses.city(rng, country)[0]


def chinese_id(rng: random.Random) -> str:
    """Area, date of birth, serial number and check digit (GB 11643)."""
    area = rng.choice(["110105", "310104", "440106", "440305", "510107", "330106", "320102", "610113", "420106", "350203", "230102", "370202"])
    digits = f"{area}{rng.randint(1940, 2008)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(1, 999):03}"
    return digits + "10X98765432"[sum(int(d) * pow(2, 17 - i, 11) for i, d in enumerate(digits)) % 11]


def pesel(rng: random.Random) -> str:
    """Date of birth (the months of this century count from 21), serial number and check digit."""
    year = rng.randint(1935, 2010)
    digits = f"{year % 100:02}{rng.randint(1, 12) + (20 if year >= 2000 else 0):02}{rng.randint(1, 28):02}{rng.randint(0, 9999):04}"
    return digits + str(-sum(int(d) * w for d, w in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3))) % 10)


def url(rng: random.Random, lang: str) -> str:
    return rng.choice(["https://", "https://www.", "http://"]) + rng.choice(["example.com", "docs.example.org", "wiki.acme-corp.com", "shop.example.net"]) + rng.choice(["", "/help", f"/orders/{rng.randint(1, 9999)}", "/blog/post-7", "/a/b?id=3", f"/tickets/{rng.randint(100, 9999)}"])


def amount(rng: random.Random, lang: str) -> str:
    whole, cents = rng.choice([rng.randint(1, 99), rng.randint(100, 9999)]), rng.randint(0, 99)
    if lang == "en":
        return rng.choice([f"${whole:,}.{cents:02}", f"£{whole:,}", f"${whole}", f"{whole} USD", f"€{whole}.{cents:02}"])
    if lang == "zh":
        return rng.choice([f"{whole}元", f"¥{whole}.{cents:02}", f"人民币{whole}元"])
    if lang == "ja":
        return rng.choice([f"{whole * 10:,}円", f"¥{whole * 100:,}"])
    if lang == "pt":
        return rng.choice([f"R$ {whole},{cents:02}", f"{whole},{cents:02} €"])
    if lang == "pl":
        return f"{whole},{cents:02} zł"
    return rng.choice([f"{whole},{cents:02} €", f"{whole} EUR", f"€ {whole},{cents:02}", f"{whole} €"])


def hexes(rng: random.Random, digits: int) -> str:
    return "".join(rng.choices("0123456789abcdef", k=digits))


SIMPLE = {
    "order": lambda rng, _: rng.choice(["#{}", "ORD-{}", "{}", "INV-2025-{}", "A{}-7", "TCK-{}"]).format(rng.randint(1000, 9999999)),
    "amount": amount,
    "url": url,
    "file": lambda rng, _: rng.choice(FILES),
    "hex": lambda rng, _: hexes(rng, rng.choice([7, 8, 12, 16, 32, 40])),
    "uuid": lambda rng, _: "-".join(hexes(rng, k) for k in (8, 4, 4, 4, 12)),
    "version": lambda rng, _: rng.choice(["{0}.{1}.{2}", "v{0}.{1}", "{0}.{1}", "v{0}.{1}.{2}-rc1"]).format(rng.randint(0, 12), rng.randint(0, 30), rng.randint(0, 20)),
}  # fmt: skip
