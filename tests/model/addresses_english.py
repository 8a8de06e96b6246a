"""Addresses of where English is spoken. Each method gives street line, city line and city."""

from __future__ import annotations

import random

import streets as S
from composing import Composing


class English(Composing):
    def english_street(self, rng: random.Random, suffixes: str) -> str:
        way = rng.random()
        base = self.pick(rng, "en") if way < 0.55 else self.pick(rng, "last-en") if way < 0.9 else self.pick(rng, "first-en")
        if rng.random() < 0.2:
            return f"{base} {rng.choice(self.lists['street_suffix-en_US'] + self.lists['street_suffix-en_AU'])}"
        return f"{base} {rng.choice(S.SUFFIXES[suffixes].split())}"

    def town(self, rng: random.Random, country: str) -> tuple[str, str]:
        """A city that exists; at times one that might, because no list of places is complete."""
        city, division = self.city(rng, country)
        if rng.random() < 0.07:
            base = self.pick(rng, "last-en")
            city = rng.choice(["", "", "", "", "New ", "Port ", "East ", "North ", "Lake ", "West "]) + base
            city += rng.choice(S.TOWN_ENDINGS.split()) if city == base or rng.random() < 0.3 else ""
        return city, division

    def in_us(self, rng: random.Random) -> tuple[str, str, str]:
        city, state = self.town(rng, "US")
        way = rng.random()
        number = str(rng.choice([rng.randint(1, 99), rng.randint(100, 999), rng.randint(1000, 9999), rng.randint(10000, 29999)]))
        if way < 0.05:
            street = rng.choice(["PO Box", "P.O. Box", "Post Office Box", "P. O. Box"]) + f" {rng.randint(1, 9999)}"
        elif way < 0.17:
            n = rng.randint(1, 190)
            ordinal = f"{n}{'th' if 10 < n % 100 < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"
            street = f"{number} {rng.choice(['', 'N ', 'S ', 'E ', 'W ', 'NE ', 'West ', 'East '])}{ordinal} {rng.choice(['St', 'Ave', 'Street', 'Avenue', 'St.', 'Ave.', 'Ct', 'Pl'])}"
        elif way < 0.21:
            street = f"{number} " + rng.choice(["Highway", "US Hwy", "State Route", "County Road", "Hwy", "Route", "FM"]) + f" {rng.randint(1, 640)}"
        elif way < 0.24:
            street = f"{number} " + rng.choice(["Broadway", "Avenue of the Americas", "Main", "The Embarcadero", "Park Row", "Camino Real", "Calle Real", "Via Verde"])
        else:
            street = f"{number} {rng.choice(['', '', '', '', 'N ', 'S ', 'E ', 'W ', 'N. ', 'SW ', 'North '])}{self.english_street(rng, 'US')}"
            if rng.random() < 0.05:
                street += rng.choice([" NW", " SE", " N", " SW", " NE", " W"])
        if rng.random() < 0.3 and way >= 0.05:
            street += rng.choice([", ", " ", ", ", " "]) + self.unit(rng, "US")
        names = dict(zip(S.US_STATES[::2], S.US_STATES[1::2]))
        code = state if rng.random() < 0.85 else names.get(state, state).replace("_", " ")
        prefix = S.US_ZIP.get(state, "9")
        zipcode = prefix + "".join(rng.choice("0123456789") for _ in range(5 - len(prefix)))
        if rng.random() < 0.08:
            zipcode += f"-{rng.randint(1, 9999):04}"
        form = rng.choices(["{0}, {1} {2}", "{0} {1} {2}", "{0}, {1}, {2}", "{0}, {1}", "{0}, {1}  {2}"], (78, 9, 6, 6, 1))[0]
        return street, form.format(city, code, zipcode), city

    def postcode_gb(self, rng: random.Random) -> str:
        area = rng.choice(S.GB_AREAS)
        district = f"{rng.randint(1, 29)}"
        if area in ("W", "WC", "EC", "SW", "SE", "E", "N") and rng.random() < 0.3:
            district = f"{rng.randint(1, 4)}{rng.choice('AHTWX')}"
        gap = " " if rng.random() < 0.94 else ""
        return f"{area}{district}{gap}{rng.randint(0, 9)}{rng.choice('ABDEFGHJLNPQRSTUWXYZ')}{rng.choice('ABDEFGHJLNPQRSTUWXYZ')}"

    def in_gb(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.town(rng, "GB")
        street = f"{self.number(rng, 250)}{rng.choice(['', '', '', '', '', 'a', 'B', 'A', 'b'])} {self.english_street(rng, 'GB')}"
        if rng.random() < 0.06:
            street = f"{rng.randint(1, 40)}-{rng.randint(41, 80)} {self.english_street(rng, 'GB')}"
        if rng.random() < 0.3:
            street = f"{self.unit(rng, 'GB')}, {street}" if rng.random() < 0.9 else f"{self.unit(rng, 'GB')} {street}"
        if rng.random() < 0.12:
            street += ", " + self.city(rng, "GB")[0]
        code = self.postcode_gb(rng)
        county = rng.choice(S.GB_COUNTIES)
        form = rng.choices(["{0} {1}", "{0}, {1}", "{0}, {2} {1}", "{0}, {2}, {1}", "{1} {0}", "{0}"], (50, 28, 8, 8, 2, 4))[0]
        return street, form.format(city, code, county), city

    def in_ie(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.town(rng, "IE")
        street = f"{self.number(rng, 120)} {self.english_street(rng, 'GB')}"
        code = f"{rng.choice('ACDEFHKNPRTVWXY')}{rng.randint(10, 99)} {rng.choice('ACDEFHKNPRTVWXY')}{rng.randint(10, 99)}{rng.choice('ACDEFHKNPRTVWXY')}"
        return street, rng.choice([f"{city}, {code}", f"Dublin {rng.randint(1, 24)}, {code}", f"{city}, Co. {rng.choice(['Cork', 'Kerry', 'Galway', 'Mayo'])}", f"{city} {code}"]), city

    def in_ca(self, rng: random.Random) -> tuple[str, str, str]:
        city, division = self.town(rng, "CA")
        province, letter = S.CA_PROVINCES.get(division, "ON K").split()
        letters = "ABCEGHJKLMNPRSTVWXYZ"
        code = f"{letter}{rng.randint(1, 9)}{rng.choice(letters)}{rng.choice([' ', ' ', ' ', ''])}{rng.randint(0, 9)}{rng.choice(letters)}{rng.randint(0, 9)}"
        street = f"{rng.randint(1, 9999)} {self.english_street(rng, 'US')}{rng.choice(['', '', '', ' W', ' E', ' NW'])}"
        if rng.random() < 0.25:
            street = rng.choice([f"{rng.randint(1, 2500)}-{street}", f"{street}, {self.unit(rng, 'US')}", f"{self.unit(rng, 'US')}, {street}"])
        return street, rng.choice(["{0}, {1} {2}", "{0} {1} {2}", "{0}, {1}, {2}", "{0}, {1}  {2}"]).format(city, province, code), city

    def in_au(self, rng: random.Random) -> tuple[str, str, str]:
        city, division = self.town(rng, "AU")
        state, first = S.AU_STATES.get(division, "NSW 2").split()
        code = first + "".join(rng.choice("0123456789") for _ in range(4 - len(first)))
        street = f"{self.number(rng, 300)} {self.english_street(rng, 'AU')}"
        if rng.random() < 0.3:
            street = rng.choice([f"{rng.randint(1, 60)}/{street}", f"Unit {rng.randint(1, 60)}, {street}", f"Level {rng.randint(1, 30)}, {street}", f"U{rng.randint(1, 20)}/{street}"])
        return street, rng.choice(["{0} {1} {2}", "{0} {1} {2}", "{0}, {1} {2}", "{0}, {1}, {2}"]).format(city, state, code), city

    def in_nz(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.town(rng, "NZ")
        street = f"{rng.choice(['', '', f'{rng.randint(1, 20)}/'])}{self.number(rng, 300)} {self.english_street(rng, 'AU')}"
        return street, f"{city} {rng.randint(600, 9899):04}", city

    def in_za(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.town(rng, "ZA")
        street = f"{self.number(rng, 300)} {self.english_street(rng, 'GB')}"
        return street, rng.choice([", ", " "]).join([city, f"{rng.randint(1, 9999):04}"]), city

    def in_in(self, rng: random.Random) -> tuple[str, str, str]:
        city, division = self.city(rng, "IN")
        area = f"{rng.choice(['Gandhi', 'Nehru', 'Shivaji', 'Patel', 'Subhash', 'Rajaji', 'Ashok', 'Laxmi', 'Vijay', 'Shanti', 'Indira', 'Tilak', 'Koramangala', 'Andheri', 'Salt Lake', 'Jubilee Hills', 'Banjara Hills', 'Anna'])} {rng.choice(['Nagar', 'Colony', 'Marg', 'Road', 'Layout', 'Enclave', 'Vihar', 'Puram', 'Extension', 'Chowk'])}"
        head = rng.choice([f"Flat {rng.randint(1, 1200)}", f"H.No. {rng.randint(1, 99)}-{rng.randint(1, 99)}", f"{rng.randint(1, 300)}", f"Plot No. {rng.randint(1, 400)}", f"No. {rng.randint(1, 200)}", f"{rng.choice('ABCD')}-{rng.randint(1, 900)}", f"House No. {rng.randint(1, 900)}"])
        middle = rng.choice(["", f"{rng.choice(['Sai', 'Green', 'Lotus', 'Royal', 'Sunrise'])} {rng.choice(['Apartments', 'Towers', 'Residency', 'Heights'])}", f"{rng.randint(1, 30)}{rng.choice(['th', 'st', 'nd'])} Cross", f"{rng.randint(1, 12)}th Main", f"Sector {rng.randint(1, 70)}", f"Near {rng.choice(['SBI Bank', 'Bus Stand', 'Railway Station', 'City Mall'])}"])
        street = ", ".join(p for p in (head, middle, area) if p)
        code = str(rng.randint(110001, 855999))
        code = code if rng.random() < 0.7 else f"{code[:3]} {code[3:]}"
        state = S.IN_STATES.get(division, "Maharashtra")
        return street, rng.choice([f"{city} {code}", f"{city} - {code}", f"{city}, {state} {code}", f"{city}, {state} - {code}", f"{city}-{code}"]), city

    # -- addresses abroad, as they are written in English

    def in_sg(self, rng: random.Random) -> tuple[str, str, str]:
        block = rng.choice([f"Blk {rng.randint(1, 980)}{rng.choice(['', 'A', 'B'])} ", f"{rng.randint(1, 300)} ", f"Block {rng.randint(1, 900)} "])
        road = rng.choice("Ang Mo Kio Avenue 3|Bedok North Street 1|Orchard Road|Clementi Avenue 2|Tampines Street 81|Jurong West Street 52|Robinson Road|Toa Payoh Lorong 4|Bukit Batok West Avenue 6|Serangoon Road|Marine Parade Road|Yishun Ring Road".split("|"))
        unit = rng.choice(["", f" #{rng.randint(1, 40):02}-{rng.randint(1, 300):02}", f", #{rng.randint(1, 40):02}-{rng.randint(1, 300):02}"])
        return block + road + unit, f"Singapore {rng.randint(10000, 829999):06}", "Singapore"

    def in_hk(self, rng: random.Random) -> tuple[str, str, str]:
        floor = f"Flat {rng.choice('ABCDEFGH')}, {rng.randint(1, 45)}/F, " if rng.random() < 0.7 else f"Room {rng.randint(101, 4500)}, "
        house = rng.choice(["", f"{rng.choice(S.HOUSES)} Tower, ", f"Block {rng.randint(1, 9)}, {rng.choice(S.HOUSES)} Court, ", f"{rng.choice(['Wah', 'Lucky', 'Golden', 'Kwong'])} {rng.choice(['Mansion', 'Building', 'Centre'])}, "])
        road = f"{rng.randint(1, 700)} {rng.choice(['Nathan', 'Hennessy', 'Queens', 'Des Voeux', 'Canton', 'Argyle', 'Kings', 'Waterloo', 'Prince Edward', 'Castle Peak'])} Road{rng.choice(['', '', ' Central', ' West', ' East'])}"
        return floor + house + road, rng.choice(["Mong Kok", "Wan Chai", "Tsim Sha Tsui", "Central", "Kwun Tong", "North Point", "Sha Tin"]) + rng.choice([", Kowloon", ", Hong Kong", ", Hong Kong", ""]), "Hong Kong"

    def in_cnl(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "CN")
        names = self.lists["syllables-pinyin"]
        road = f"{rng.choice(names)}{rng.choice(names)}".capitalize()
        head = rng.choice(["", f"Room {rng.randint(101, 3200)}, ", f"Room {rng.randint(101, 3200)}, Building {rng.randint(1, 30)}, ", f"{rng.randint(2, 40)}F, Block {rng.choice('ABCD')}, "])
        kind = rng.choice(["Road", "Street", "Avenue", "Lu", "East Road", "West Road", "Jie", "Middle Road"])
        number = f"No. {rng.randint(1, 2000)} {road} {kind}" if rng.random() < 0.6 else f"{rng.randint(1, 2000)} {road} {kind}"
        district = rng.choice(["", f", {rng.choice(names)}{rng.choice(names)}".title() + " District"])
        return head + number + district, f"{city}{rng.choice([' ', ', ', ', '])}{rng.randint(100000, 859999)}", city

    def in_jpl(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "JP")
        area = self.pick(rng, "last-ja_romaji")
        head = rng.choice(["", "", f"{rng.choice(['Sun', 'Park', 'Green', 'Maison'])} {rng.choice(['Heights', 'Mansion', 'Court'])} {rng.randint(101, 1200)}, ", f"#{rng.randint(101, 1200)}, "])
        number = f"{rng.randint(1, 9)}-{rng.randint(1, 40)}-{rng.randint(1, 30)}"
        return f"{head}{number} {area}{rng.choice(['', '-cho', 'cho', 'machi'])}", f"{city}{rng.choice(['-shi', '-ku', '', ', Tokyo'])} {rng.randint(100, 999)}-{rng.randint(0, 9999):04}", city

    def in_kr(self, rng: random.Random) -> tuple[str, str, str]:
        names = self.lists["syllables-korean"]
        road = f"{rng.choice(names)}{rng.choice(names)}".capitalize() + rng.choice(["-ro", "-gil", "-daero", f"-ro {rng.randint(1, 60)}-gil"])
        head = rng.choice(["", f"{rng.randint(101, 1500)}-dong {rng.randint(101, 2500)}-ho, ", f"#{rng.randint(101, 2500)}, "])
        city = rng.choice(["Seoul", "Busan", "Incheon", "Daegu", "Daejeon", "Gwangju", "Suwon-si"])
        return f"{head}{rng.randint(1, 500)} {road}, {rng.choice(names).capitalize()}{rng.choice(names)}-gu", f"{city} {rng.randint(1000, 63999):05}", city

    def in_ru(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "RU")
        street = f"{rng.choice(['ul. ', 'ulitsa ', 'pr. ', 'per. ', 'prospekt '])}{self.pick(rng, 'last-ru_RU_latin').rstrip('a')}a {rng.choice(['', 'd. '])}{rng.randint(1, 200)}"
        street += rng.choice(["", f", kv. {rng.randint(1, 300)}", f", apt. {rng.randint(1, 300)}", f" korp. {rng.randint(1, 5)}, kv. {rng.randint(1, 200)}"])
        return street, rng.choice([f"{city} {rng.randint(101000, 692000)}", f"{rng.randint(101000, 692000)} {city}", f"{rng.randint(101000, 692000)}, {city}"]), city

    def in_nordic(self, rng: random.Random) -> tuple[str, str, str]:
        country = rng.choice(["DK", "NO", "FI"] if self.half == "train" else ["SE", "SE", "DK"])
        city, _ = self.city(rng, country)
        base = rng.choice(S.NORDIC[country].split())
        end = rng.choice({"DK": ["gade", "vej", "vænget", "allé", "stræde"], "NO": ["veien", "gata", "vegen", "gate", "bakken"], "FI": ["katu", "tie", "kuja", "polku", "nkatu"], "SE": ["gatan", "vägen", "gränd", "torget", "stigen"]}[country])
        number = f"{rng.randint(1, 150)}{rng.choice(['', '', '', 'A', 'B', ', 2. tv', ', st. th', ' B 12', ' lgh 1102'])}"
        code = f"{rng.randint(100, 999)} {rng.randint(10, 99)}" if country == "SE" else f"{rng.randint(1000, 9990)}" if country != "FI" else f"{rng.randint(100, 99800):05}"
        return f"{base}{end} {number}", f"{code} {city}", city
