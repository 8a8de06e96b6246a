"""People: a name with its parts, composed from the lists as the name's own culture composes it.

    people = People(lists, half="train")
    person = people.draw(rng, "de")     # person.full, .first, .last, .lastfirst, .formal, .initials
"""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import dataclass, field
from itertools import accumulate

from lists import HELD_LOCALES, held

# How the locales of a language share its names: (lists' locale, way of composing, weight).
CULTURES: dict[str, list[tuple[str, str, float]]] = {
    "en": [
        ("us_census", "western", 30), ("en_US", "western", 20), ("en", "western", 6), ("en_GB", "western", 14),
        ("en_IN", "western", 8), ("en_NZ", "western", 3), ("en_KE", "western", 2), ("en_PK", "western", 3), ("en_IE", "western", 6),
    ],
    "de": [("de_DE", "western", 60), ("de_AT", "western", 20), ("de_CH", "western", 15), ("de_LU", "western", 3)],
    "fr": [("fr_FR", "french", 50), ("fr_BE", "western", 15), ("fr_CA", "western", 15), ("fr_CH", "western", 15), ("fr_DZ", "western", 8)],
    "es": [("es_ES", "spanish", 40), ("es_MX", "spanish", 22), ("es_CO", "spanish", 14), ("es_AR", "western", 10), ("es_CL", "spanish", 14)],
    "it": [("it_IT", "western", 1)],
    "pt": [("pt_BR", "portuguese", 60), ("pt_PT", "portuguese", 40)],
    "nl": [("nl_NL", "dutch", 65), ("nl_BE", "western", 35)],
    "pl": [("pl_PL", "polish", 1)],
    "zh": [("zh_CN", "chinese", 70), ("zh_TW", "chinese", 30)],
    "ja": [("ja_kanji", "japanese", 50), ("ja_common", "japanese", 32), ("ja_kana", "japanese", 8), ("ja_katakana", "japanese", 10)],
    # Names of people whose language no template is written in.
    "other": [
        ("sv_SE", "western", 6), ("hu_HU", "reversed", 3), ("da_DK", "western", 5), ("no_NO", "western", 6), ("fi_FI", "western", 6),
        ("cs_CZ", "western", 6), ("sk_SK", "western", 4), ("ro_RO", "western", 6), ("hr_HR", "western", 4), ("tr_TR", "western", 7),
        ("vietnamese", "vietnamese", 8), ("id_ID", "western", 4), ("sl_SI", "western", 2), ("et_EE", "western", 2), ("lt_LT", "western", 2),
        ("lv_LV", "western", 2), ("is_IS", "icelandic", 2), ("ru_RU_latin", "western", 6), ("uk_UA_latin", "western", 4),
        ("bg_BG_latin", "western", 3), ("el_GR_latin", "western", 4), ("az_AZ", "western", 2), ("uz_UZ", "western", 2),
        ("yo_NG", "western", 3), ("ig_NG", "western", 2), ("ha_NG", "western", 2), ("tw_GH", "western", 2), ("zu_ZA", "western", 3),
        ("sw", "western", 2), ("en_IN", "western", 14), ("arabic", "arabic", 12), ("pinyin", "pinyin", 12), ("korean", "korean", 8),
        ("ja_romaji", "western", 9), ("ga_IE", "western", 2), ("ru_RU", "western", 1), ("uk_UA", "western", 1), ("el_GR", "western", 1),
    ],
}  # fmt: skip

PARTICLES = {
    "de": ["von", "von der", "zu", "von und zu"], "nl": ["van", "van de", "van der", "de", "den", "van den", "ter", "ten", "in 't", "van 't"],
    "fr": ["de", "de la", "du", "d'", "Le ", "La "], "it": ["De ", "Di ", "Della ", "D'", "Lo ", "La ", "Del "], "pt": ["da", "dos", "de", "do"],
    "es": ["de", "de la", "del", "de los"], "en": ["O'", "Mc", "Mac", "Fitz", "St. "],
}  # fmt: skip




@dataclass
class Person:
    first: str
    last: str
    full: str
    culture: str
    # Only what the language writes: Chinese and Japanese names have neither initials nor a comma.
    plain: bool = field(default=False)

    @property
    def native(self) -> bool:
        return not self.plain

    @property
    def lastfirst(self) -> str:
        return f"{self.last}, {self.first}" if self.plain else self.full


def fold(word: str) -> str:
    """Without diacritics: as people type a name on another keyboard."""
    word = word.translate(str.maketrans("łŁøØđĐßıæÆœŒ", "lLoOdDsiaAoO"))
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def initial(name: str) -> str:
    return "-".join(part[0] + "." for part in re.split(r"-", name) if part)


# Lists whose first entries are the most frequent ones.
RANKED = ("us_census", "en_US", "last-ja_kanji", "last-zh_CN", "last-zh_TW", "last-pinyin", "last-korean")


class Pool:
    """A list with falling weights: the first entries are the most frequent ones."""

    def __init__(self, words: list[str], ranked: bool) -> None:
        self.words = words
        # Not Zipf's law: rare names have to be seen, too.
        self.sums = list(accumulate(1 / (i + 30) ** 0.6 for i in range(len(words)))) if ranked else None

    def draw(self, rng: random.Random) -> str:
        return rng.choices(self.words, cum_weights=self.sums)[0] if self.sums else rng.choice(self.words)


class People:
    def __init__(self, lists: dict[str, list[str]], half: str) -> None:
        self.half = half
        lists = dict(lists)
        lists["first-ja_common"] = lists["first-ja_JP"] + lists["first-ja_given"]
        lists["last-ja_common"] = lists["last-ja_kanji"][:500]
        lists["last-ja_katakana"] = [katakana(w) for w in lists["last-ja_kana"]]
        lists["first-ja_katakana"] = [katakana(w) for w in lists["first-ja_kana"]]
        self.pools: dict[str, list[Pool]] = {}
        for name, words in lists.items():
            if name.startswith(("first-", "last-")):
                self.pools[name] = self.halves(words, name.endswith(RANKED))
        self.nicknames = self.pools["first-nickname"]
        self.syllables = {way: lists[f"syllables-{way}"] for way in ("pinyin", "korean")}
        self.cultures = {}
        for lang, rows in CULTURES.items():
            kept = [r for r in rows if half == "test" or r[0] not in HELD_LOCALES]
            self.cultures[lang] = (kept, list(accumulate(r[2] * (4 if r[0] in HELD_LOCALES else 1) for r in kept)))

    def halves(self, words: list[str], ranked: bool) -> list[Pool]:
        seen = Pool([w for w in words if not held(w)] or words, ranked)
        unseen = Pool([w for w in words if held(w)] or words, ranked)
        # The test asks for unseen names twice in three.
        return [seen] if self.half == "train" else [unseen, unseen, seen]

    def pick(self, rng: random.Random, name: str) -> str:
        return rng.choice(self.pools[name]).draw(rng)

    def draw(self, rng: random.Random, lang: str) -> Person:
        home = lang if lang in self.cultures else "en"
        # A name from elsewhere, in a fifth of the Chinese and Japanese texts and a quarter of the others.
        if home in ("zh", "ja"):
            pick = rng.random()
            home = home if pick < 0.85 else "en" if pick < 0.93 else "other"
        elif rng.random() < 0.25:
            home = rng.choice(["other", "other", "other", "en", "de", "fr", "es", "it", "pt", "nl", "pl"])
        rows, sums = self.cultures[home]
        locale, way, _ = rng.choices(rows, cum_weights=sums)[0]
        return self.compose(rng, locale, way, home)

    def compose(self, rng: random.Random, locale: str, way: str, lang: str) -> Person:
        if way in ("chinese", "japanese"):
            first, last = self.pick(rng, f"first-{locale}"), self.pick(rng, f"last-{locale}")
            if way == "chinese":
                given = "first-zh_given" if locale == "zh_CN" else f"first-{locale}"
                if rng.random() < 0.65:
                    first = "".join(self.pick(rng, given)[-1] for _ in range(1 if rng.random() < 0.3 else 2))
                return Person(first, last, last + first, locale)
            gap = rng.choices(["", " ", "\u3000", "・"], (70, 22, 8, 0))[0]
            return Person(first, last, last + gap + first, locale)
        if way in ("pinyin", "korean"):
            syllables = self.syllables[way]
            a, b = rng.choice(syllables), rng.choice(syllables)
            first = rng.choice([a + b, f"{a}-{b}", f"{a} {b.capitalize()}"] if way == "korean" else [a, a + b, a + b, f"{a} {b.capitalize()}"])
            first = first.capitalize() if " " not in first else first[0].upper() + first[1:]
            last = self.pick(rng, f"last-{way}")
            full = f"{last} {first}" if rng.random() < 0.4 else f"{first} {last}"
            return Person(first, last, full, locale, plain=True)
        if way == "arabic":
            first, last = self.pick(rng, "first-arabic"), self.pick(rng, "last-arabic")
            last = rng.choice(["al-", "Al-", "Al ", "El ", "el-", "", "", ""]) + last
            middle = rng.choice(["bin ", "ibn ", "bint ", "Abu "]) + self.pick(rng, "first-arabic") + " " if rng.random() < 0.15 else ""
            return Person(first, last, f"{first} {middle}{last}", locale, plain=True)
        first, last = self.pick(rng, f"first-{locale}"), self.last(rng, locale, way)
        if way == "polish" and first.endswith("a"):
            last = re.sub(r"(s|c|dz)ki$", r"\1ka", last)
        return self.western(rng, first, last, locale, way, lang)

    def last(self, rng: random.Random, locale: str, way: str) -> str:
        name = f"last-{locale}"
        if name not in self.pools:
            name = "last-us_census"
        last = self.pick(rng, name)
        if way == "icelandic":
            return last + rng.choice(["sson", "sdóttir"])
        if way == "spanish" and rng.random() < 0.55 and " " not in last:
            return last + rng.choice([" ", " ", " ", " y ", "-"]) + self.pick(rng, name)
        if way == "portuguese" and rng.random() < 0.45 and " " not in last:
            return last + rng.choice([" ", " ", " da ", " dos ", " de "]) + self.pick(rng, name)
        return last

    def western(self, rng: random.Random, first: str, last: str, locale: str, way: str, lang: str) -> Person:
        odd = rng.random()
        particles = PARTICLES.get("nl" if way == "dutch" else lang)
        if odd < 0.05 and " " not in last and "-" not in last:
            last += "-" + self.last(rng, locale, "western")
        elif odd < 0.11 and particles and " " not in last and "'" not in last:
            particle = rng.choice(particles)
            last = particle + ("" if particle[-1] in " 'cz" else " ") + last
        if rng.random() < 0.03 and " " not in first and "-" not in first:
            first += rng.choice(["-", " "]) + self.pick(rng, f"first-{locale}")
        elif rng.random() < 0.06 and lang == "en":
            first = rng.choice(self.nicknames).draw(rng)
        if way == "vietnamese":
            middle = rng.choice(["Thị", "Văn", "Minh", "Ngọc", "Đức", "Thanh", "Hữu", ""])
            full = " ".join(p for p in (last, middle, first) if p)
        elif way == "reversed" and rng.random() < 0.5:
            full = f"{last} {first}"
        else:
            full = self.arranged(rng, first, last, locale, lang)
        if rng.random() < 0.06:
            first, last, full = fold(first), fold(last), fold(full)
        return Person(first, last, full, locale, plain=True)

    def arranged(self, rng: random.Random, first: str, last: str, locale: str, lang: str) -> str:
        way = rng.random()
        if way < 0.77:
            return f"{first} {last}"
        if way < 0.84:
            return f"{first} {rng.choice('ABCDEFGHIJKLMNOPRSTUVWYZ')}. {last}"
        if way < 0.90:
            return f"{first} {self.pick(rng, f'first-{locale}')} {last}"
        if way < 0.915 and lang == "en":
            return f"{first} {last}" + rng.choice([" Jr.", ", Jr.", " Jr", " Sr.", " III", " II", ", III"])
        if way < 0.925:
            return f'{first} "{rng.choice(self.nicknames).draw(rng)}" {last}'
        if way < 0.935:
            return f"{first} {rng.choice('ABCDEFGHJKLMNPRST')} {last}"
        if way < 0.955:
            return f"{first} {last.upper()}"
        if way < 0.965:
            return f"{last.upper()} {first}"
        return f"{first[0]}. {last}"

    def formal(self, rng: random.Random, person: Person) -> str:
        """What stands behind a title."""
        way = rng.random()
        if not person.plain:
            return person.last if way < 0.75 else person.full
        if way < 0.62:
            return person.last
        if way < 0.80:
            return person.full
        return f"{initial(person.first.split()[0])} {person.last}"

    def initials(self, rng: random.Random, person: Person) -> str:
        if not person.plain:
            return person.full
        one, two = initial(person.first.split()[0]), rng.choice("ABCDEFGHIJKLMNOPRSTW")
        bare = person.first[0]
        return rng.choice([f"{one} {person.last}", f"{one} {two}. {person.last}", f"{bare} {person.last}", f"{one}{two}. {person.last}", f"{bare}. {person.last}"])


def katakana(word: str) -> str:
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in word)
