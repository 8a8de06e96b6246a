"""Postal addresses as their countries write them.

    addresses = Addresses(lists, half="train")
    address = addresses.draw(rng, "de")     # .street, .cityline, .country; .layout(rng, lines=False)
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from addresses_asian import Asian
from addresses_english import English
from addresses_european import European
from addresses_iberian import Iberian
from faker import Faker

COUNTRIES: dict[str, list[tuple[str, float]]] = {
    "en": [("US", 44), ("GB", 27), ("CA", 7), ("AU", 8), ("IE", 4), ("IN", 7), ("NZ", 2), ("ZA", 2), ("SG", 1.5), ("HK", 1.5), ("CNL", 1.5), ("JPL", 1.5), ("KR", 1), ("RU", 1), ("NORDIC", 2)],
    "de": [("DE", 66), ("AT", 18), ("CH", 16)],
    "fr": [("FR", 66), ("BE", 12), ("QC", 14), ("CHF", 8)],
    "es": [("ES", 46), ("MX", 24), ("CO", 16), ("AR", 14)],
    "it": [("IT", 1)],
    "pt": [("BR", 66), ("PT", 34)],
    "nl": [("NL", 72), ("BEN", 28)],
    "pl": [("PL", 1)],
    "zh": [("CN", 76), ("TW", 24)],
    "ja": [("JP", 1)],
}
# Faker's own ways, and countries without a composer here.
FAKER = {
    "en": ["en_US", "en_GB", "en_CA", "en_AU", "en_IN", "en_NZ", "en_PH"], "de": ["de_DE", "de_AT", "de_CH"], "fr": ["fr_FR", "fr_CH", "fr_CA"],
    "es": ["es_ES", "es_MX", "es_CO", "es_AR", "es_CL"], "it": ["it_IT"], "pt": ["pt_BR", "pt_PT"], "nl": ["nl_NL", "nl_BE"], "pl": ["pl_PL"],
    "zh": ["zh_CN", "zh_TW"], "ja": ["ja_JP"],
    "other": ["da_DK", "no_NO", "fi_FI", "cs_CZ", "sk_SK", "ro_RO", "hr_HR", "tr_TR", "id_ID"],
}  # fmt: skip
FAKER_HELD = {"en": ["en_IE"], "other": ["sv_SE", "hu_HU"]}

LANGUAGE_OF = {"CHF": "fr", "BEN": "nl", "QC": "fr"}
NAMES_OF = {
    "US": ["USA", "United States", "U.S.A."], "GB": ["UK", "United Kingdom", "England"], "CA": ["Canada"], "AU": ["Australia"], "IE": ["Ireland"],
    "IN": ["India"], "NZ": ["New Zealand"], "ZA": ["South Africa"], "DE": ["Deutschland", "Germany"], "AT": ["Österreich", "Austria"],
    "CH": ["Schweiz", "Switzerland"], "FR": ["France"], "BE": ["Belgique", "Belgium"], "QC": ["Canada"], "CHF": ["Suisse"],
    "ES": ["España", "Spain"], "MX": ["México", "Mexico"], "CO": ["Colombia"], "AR": ["Argentina"], "IT": ["Italia", "Italy"],
    "BR": ["Brasil", "Brazil"], "PT": ["Portugal"], "NL": ["Nederland", "The Netherlands"], "BEN": ["België"], "PL": ["Polska", "Poland"],
    "SG": ["Singapore"], "HK": ["Hong Kong"], "CNL": ["China", "P.R. China"], "JPL": ["Japan"], "KR": ["South Korea", "Korea"], "RU": ["Russia"], "NORDIC": ["Europe"], "CN": ["中国"], "TW": ["台灣"], "JP": ["日本"],
}  # fmt: skip


@dataclass
class Address:
    street: str
    cityline: str
    country: str
    city: str
    # Chinese and Japanese: no separators, and the city first.
    plain: bool = True

    def layout(self, rng: random.Random, lines: bool) -> str:
        if not self.plain:
            return self.cityline + self.street
        if not self.cityline:
            return self.street
        parts = [self.street, self.cityline]
        way = rng.random()
        if way < 0.07 and self.city:
            parts = [self.street, self.city]
        elif way < 0.15 and self.country not in ("", "Europe", self.city):
            parts.append(self.country)
        if lines and rng.random() < 0.6:
            return "\n".join(", ".join(parts[:1]).split(", ") + parts[1:] if rng.random() < 0.5 else parts)
        joint = rng.choices([", ", " ", ",", " - ", "; ", " / ", " , "], (84, 8, 3, 2, 1, 1, 1))[0]
        return joint.join(parts)


class Addresses(English, European, Iberian, Asian):
    def __init__(self, lists: dict[str, list[str]], half: str) -> None:
        super().__init__(lists, half)
        self.fakers: dict[str, Faker] = {}

    def draw(self, rng: random.Random, lang: str) -> Address:
        lang = lang if lang in COUNTRIES else "en"
        if rng.random() < 0.06 and lang not in ("zh", "ja"):
            lang = rng.choice([c for c in COUNTRIES if c not in ("zh", "ja")])
        if rng.random() < 0.16:
            return self.faker(rng, lang if lang in ("zh", "ja") or rng.random() < 0.75 else "other")
        countries = COUNTRIES[lang]
        country = rng.choices([c for c, _ in countries], [w for _, w in countries])[0]
        if self.half == "train" and country == "IE":
            country = "GB"
        street, cityline, city = getattr(self, f"in_{country.lower()}")(rng)
        name = rng.choice(NAMES_OF[country])
        return Address(street, cityline, name, city, plain=country not in ("CN", "TW", "JP"))

    def faker(self, rng: random.Random, lang: str) -> Address:
        locales = FAKER[lang]
        if self.half == "test":
            locales = FAKER_HELD.get(lang, locales)
        locale = rng.choice(locales)
        if locale not in self.fakers:
            self.fakers[locale] = Faker(locale)
        faker = self.fakers[locale]
        faker.seed_instance(rng.getrandbits(48))
        lines = [line.strip() for line in re.split(r"\n", faker.address()) if line.strip()]
        lines = lines[:3]
        if lang in ("zh", "ja") or len(lines) < 2:
            # One line: there is nothing to cut at, and it must not pass for a street.
            return Address(lines[0], "", "", "", plain=True)
        return Address(lines[0], ", ".join(lines[1:]), "", lines[-1])
