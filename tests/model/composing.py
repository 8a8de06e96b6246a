"""What the addresses of all countries are composed of: street words, cities, numbers and units, each in its half."""

from __future__ import annotations

import random
import re
from itertools import accumulate

import streets as S
from lists import held
from people import Pool


class Composing:
    def __init__(self, lists: dict[str, list[str]], half: str) -> None:
        self.half = half
        self.lists = lists
        self.cities: dict[str, list] = {}
        self.pools: dict[str, list[Pool]] = {}
        for lang, words in S.WORDS.items():
            self.pools[lang] = self.halves([w.replace("_", " ") for w in words.split()])
        self.pools["last-en"] = self.halves(lists["last-en_GB"] + lists["last-us_census"][:4000])
        for lang, name in (("de", "last-de_DE"), ("fr", "last-fr_FR"), ("es", "last-es_ES"), ("it", "last-it_IT"), ("pt", "last-pt_PT"), ("nl", "last-nl_NL")):
            self.pools[f"last-{lang}"] = self.halves(lists[name])
        for lang in ("de", "fr", "es", "it", "pt"):
            name = {"de": "de_DE", "fr": "fr_FR", "es": "es_ES", "it": "it_IT", "pt": "pt_PT"}[lang]
            self.pools[f"first-{lang}"] = self.halves(lists[f"first-{name}"])
        self.pools["first-en"] = self.halves(lists["first-en_US"])
        for name in ("last-ja_romaji", "last-ru_RU_latin"):
            self.pools[name] = self.halves(lists[name])
        self.pools["pl"] += self.halves(lists["street-pl_PL"])
        self.pools["ja"] += self.halves(lists["street-ja_JP"])
        self.caps = [c.split("\t") for c in lists["caps-it_IT"]]

    def halves(self, words: list[str]) -> list[Pool]:
        seen = Pool([w for w in words if not held(w)] or words, False)
        unseen = Pool([w for w in words if held(w)] or words, False)
        return [seen] if self.half == "train" else [unseen, unseen, seen]

    def pick(self, rng: random.Random, pool: str) -> str:
        return rng.choice(self.pools[pool]).draw(rng)

    def city(self, rng: random.Random, country: str) -> tuple[str, str]:
        if country not in self.cities:
            rows = [line.split("\t") for line in self.lists[f"city-{country}"]]
            rows = [r for r in rows if not r[0].startswith("Arrondissement")]
            halves = []
            for kept in ([r for r in rows if not held(r[0])], [r for r in rows if held(r[0])] or rows):
                halves.append((kept, list(accumulate(max(int(r[2]), 1000) ** 0.45 for r in kept))))
            self.cities[country] = halves[:1] if self.half == "train" else [halves[1], halves[1], halves[0]]
        rows, sums = rng.choice(self.cities[country])
        name, division, _ = rng.choices(rows, cum_weights=sums)[0]
        return name, division

    def number(self, rng: random.Random, most: int = 200) -> str:
        return str(rng.randint(1, 9)) if rng.random() < 0.2 else str(rng.randint(1, most))

    def unit(self, rng: random.Random, country: str) -> str:
        form = rng.choice(S.UNITS[country].split("|"))
        form = re.sub(r"\{n\}", lambda _: str(rng.choice([rng.randint(1, 40), rng.randint(100, 2500)])), form)
        form = re.sub(r"\{d\}", lambda _: str(rng.randint(1, 14)), form)
        form = form.replace("{L}", rng.choice("ABCDEFG")).replace("{H}", rng.choice(S.HOUSES))
        return form.replace("{C}", rng.choice(["Old", "Garden", "Mill", "Ivy", "Well"]))
