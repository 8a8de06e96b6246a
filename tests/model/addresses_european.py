"""Addresses of the German, French, Italian, Dutch and Polish languages. Each method gives street line, city line and city."""

from __future__ import annotations

import random

import streets as S
from composing import Composing
from lists import held


class European(Composing):
    def german_street(self, rng: random.Random, swiss: bool) -> str:
        way = rng.random()
        if way < 0.09:
            return rng.choice(["Am ", "An der ", "Auf dem ", "Im ", "Zum ", "In den ", "Hinter der "]) + rng.choice(["Alten Markt", "Kirchberg", "Mühlbach", "Stadtpark", "Sportplatz", "Hang", "Waldrand", "Brunnen", "Lindenhof", "Weinberg", "Schlosspark", "Rathaus", "Bahndamm", "Anger", "Steinbruch"])
        if way < 0.2:
            base = f"{self.pick(rng, 'first-de')}-{self.pick(rng, 'last-de')}-"
        elif way < 0.3:
            base = self.pick(rng, "last-de")
        else:
            base = self.pick(rng, "de")
        ends = ["straße", "straße", "straße", "str.", "str.", "weg", "weg", "allee", "platz", "gasse", "ring", "ufer", "steig", "damm", "hof"]
        if swiss:
            ends = ["strasse", "strasse", "strasse", "weg", "gasse", "str.", "platz", "rain", "matte"]
        end = rng.choice(ends)
        if base.endswith((" ", "-")):
            return base + end.capitalize()
        return base + end if rng.random() < 0.93 else f"{base} {end.capitalize()}"

    def in_de(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "DE")
        number = self.number(rng, 180) + rng.choice(["", "", "", "", "", "a", "b", " a", "c", "A", f"-{rng.randint(181, 199)}", f"/{rng.randint(1, 9)}"])
        street = f"{self.german_street(rng, False)} {number}"
        if rng.random() < 0.03:
            street = f"Postfach {rng.randint(10, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)}"
        elif rng.random() < 0.14:
            street += ", " + self.unit(rng, "DE").replace("c/o", "Hinterhof")
        code = f"{rng.randint(1067, 99998):05}"
        return street, f"{rng.choice(['', '', '', '', '', '', '', 'D-', 'DE-'])}{code} {city}", city

    def in_at(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "AT")
        number = self.number(rng, 120) + rng.choice(["", "", "", f"/{rng.randint(1, 20)}", f"/{rng.randint(1, 9)}/{rng.randint(1, 30)}", "a", f", Top {rng.randint(1, 30)}", f"/Stiege {rng.randint(1, 5)}/{rng.randint(1, 20)}"])
        return f"{self.german_street(rng, False)} {number}", f"{rng.choice(['', '', '', 'A-'])}{rng.randint(1010, 9990)} {city}", city

    def in_ch(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "CH")
        return f"{self.german_street(rng, True)} {self.number(rng, 150)}{rng.choice(['', '', '', 'a', 'b'])}", f"{rng.choice(['', '', '', 'CH-'])}{rng.randint(1000, 9658)} {city}", city

    def french_street(self, rng: random.Random) -> str:
        kind = rng.choices(["rue", "avenue", "boulevard", "place", "chemin", "impasse", "allée", "quai", "route", "cours", "square", "passage", "Rue", "Avenue", "Boulevard", "av.", "bd", "ruelle"], (44, 12, 8, 5, 6, 5, 4, 3, 4, 2, 2, 2, 12, 5, 3, 3, 3, 1))[0]
        way = rng.random()
        base = self.pick(rng, "fr") if way < 0.7 else f"{self.pick(rng, 'first-fr')} {self.pick(rng, 'last-fr')}" if way < 0.88 else "des " + self.pick(rng, "last-fr") + "s"
        return f"{kind} {base}"

    def in_fr(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "FR")
        number = self.number(rng, 180) + rng.choice(["", "", "", "", "", " bis", " ter", "bis", "B"])
        street = f"{number}{rng.choice([' ', ' ', ' ', ', '])}{self.french_street(rng)}"
        if rng.random() < 0.03:
            street = f"BP {rng.randint(1, 999)}"
        if rng.random() < 0.18:
            street = f"{street}, {self.unit(rng, 'FR')}" if rng.random() < 0.6 else f"{self.unit(rng, 'FR')}, {street}"
        code = f"{rng.randint(1, 95):02}{rng.choice(['000', '100', '200', '300', f'{rng.randint(0, 999):03}'])}"
        if rng.random() < 0.15:
            city, code = "Paris", f"750{rng.randint(1, 20):02}"
        return street, f"{code} {city}{rng.choice(['', '', '', '', '', ' Cedex', f' CEDEX {rng.randint(1, 20):02}']) if rng.random() < 0.2 else ''}", city

    def in_be(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "BE")
        street = f"{self.french_street(rng).capitalize()}{rng.choice([' ', ', '])}{self.number(rng)}{rng.choice(['', '', '', f' bte {rng.randint(1, 20)}', f' boîte {rng.randint(1, 9)}', 'A'])}"
        return street, f"{rng.choice(['', '', '', 'B-'])}{rng.randint(1000, 9992)} {city}", city

    def in_chf(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "CH")
        return f"{self.french_street(rng).capitalize()} {self.number(rng, 120)}", f"{rng.choice(['', '', '', 'CH-'])}{rng.randint(1000, 2999)} {city}", city

    def in_qc(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "CA")
        letters = "ABCEGHJKLMNPRSTVWXYZ"
        code = f"{rng.choice('HGJ')}{rng.randint(1, 9)}{rng.choice(letters)} {rng.randint(0, 9)}{rng.choice(letters)}{rng.randint(0, 9)}"
        street = f"{rng.randint(1, 9999)}{rng.choice([', ', ' '])}{self.french_street(rng)}{rng.choice(['', '', '', ' Ouest', ' Est', f', app. {rng.randint(1, 40)}', f', bureau {rng.randint(100, 900)}'])}"
        return street, rng.choice(["{0} (Québec) {1}", "{0}, QC {1}", "{0} QC  {1}", "{0} (QC) {1}", "{0}, Québec, {1}"]).format(city, code), city

    def in_it(self, rng: random.Random) -> tuple[str, str, str]:
        code, city, province = rng.choice(self.caps)
        while held(city) == (self.half == "train"):
            code, city, province = rng.choice(self.caps)
        kind = rng.choices(["Via", "via", "Viale", "Piazza", "Corso", "Vicolo", "Largo", "V.le", "P.zza", "Strada", "Contrada", "C.so", "Piazzale", "Lungomare", "Salita"], (48, 12, 9, 9, 8, 3, 3, 2, 2, 2, 2, 2, 2, 1, 1))[0]
        way = rng.random()
        base = self.pick(rng, "it") if way < 0.72 else f"{self.pick(rng, 'first-it')} {self.pick(rng, 'last-it')}" if way < 0.9 else self.pick(rng, "last-it")
        number = self.number(rng, 220) + rng.choice(["", "", "", "", "", "/A", "/B", " bis", "/C", f"/{rng.randint(1, 30)}", "A"])
        street = f"{kind} {base}{rng.choice([' ', ', ', ', ', ' n. ', ', n. ', ' n° '])}{number}"
        if rng.random() < 0.15:
            street += ", " + self.unit(rng, "IT")
        elif rng.random() < 0.04:
            street = f"{rng.choice(['Località', 'Loc.', 'Frazione', 'Contrada', 'C.da'])} {self.pick(rng, 'last-it')}{rng.choice([', snc', ' snc', f' {rng.randint(1, 90)}', f', {rng.randint(1, 90)}'])}"
        return street, rng.choice(["{1} {0} ({2})", "{1} {0} ({2})", "{1} {0} {2}", "{1} {0}", "{1}, {0} ({2})", "{0} ({2})"]).format(city, code, province), city

    def dutch_street(self, rng: random.Random) -> str:
        base = self.pick(rng, "nl") if rng.random() < 0.75 else self.pick(rng, "last-nl").capitalize()
        if base.endswith(("gracht", "straat", "singel", "baan", "kerkhof", "rak", "Rokin", "Overtoom", "Weena", "Meent")):
            return base
        end = rng.choice(["straat", "straat", "straat", "laan", "laan", "weg", "weg", "plein", "gracht", "kade", "singel", "dijk", "hof", "pad", "dreef", "steeg", "park"])
        return f"{base}{'' if ' ' not in base and rng.random() < 0.96 else ''}{end}"

    def in_nl(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "NL")
        number = self.number(rng, 300) + rng.choice(["", "", "", "", "", "a", "-2", "-II", " bis", "B", "-H", " III", "-hs", f"-{rng.randint(1, 40)}", " 2-hoog"])
        street = f"{self.dutch_street(rng)} {number}"
        if rng.random() < 0.03:
            street = f"Postbus {rng.randint(1, 99999)}"
        code = f"{rng.randint(1011, 9999)}{rng.choice([' ', ' ', ' ', ''])}{rng.choice(S.NL_LETTERS)}{rng.choice(S.NL_LETTERS)}"
        return street, f"{code}{rng.choice([' ', ' ', ' ', '  ', ', '])}{city}", city

    def in_ben(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "BE")
        street = f"{self.dutch_street(rng)} {self.number(rng, 300)}{rng.choice(['', '', '', ' bus 3', f' bus {rng.randint(1, 40)}', 'A', f'/{rng.randint(1, 12)}'])}"
        return street, f"{rng.choice(['', '', '', 'B-'])}{rng.randint(1000, 9992)} {city}", city

    def in_pl(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "PL")
        kind = rng.choices(["ul. ", "ul.", "ulica ", "al. ", "Al. ", "aleja ", "pl. ", "os. ", "", "ul "], (56, 4, 6, 7, 3, 3, 5, 6, 6, 4))[0]
        number = self.number(rng, 180) + rng.choice(["", "", "", "A", "b", f"/{rng.randint(1, 90)}", f"/{rng.randint(1, 90)}", f" m. {rng.randint(1, 60)}", f" m {rng.randint(1, 60)}", f" lok. {rng.randint(1, 30)}", f"/{rng.randint(1, 9)} m. {rng.randint(1, 60)}"])
        return f"{kind}{self.pick(rng, 'pl')} {number}", f"{rng.randint(0, 99):02}-{rng.randint(1, 999):03} {city}", city
