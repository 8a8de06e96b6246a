"""Addresses of the Spanish and Portuguese languages. Each method gives street line, city line and city."""

from __future__ import annotations

import random

import streets as S
from composing import Composing


class Iberian(Composing):
    def spanish_base(self, rng: random.Random) -> str:
        way = rng.random()
        return self.pick(rng, "es") if way < 0.7 else f"{self.pick(rng, 'first-es')} {self.pick(rng, 'last-es')}" if way < 0.86 else self.pick(rng, "last-es")

    def in_es(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "ES")
        kind = rng.choices(["Calle", "C/", "C/ ", "calle", "Avenida", "Avda.", "Av.", "Plaza", "Pza.", "Paseo", "P.º", "Camino", "Ronda", "Travesía", "Carretera", "Glorieta"], (34, 10, 8, 10, 9, 7, 4, 6, 2, 4, 2, 2, 2, 2, 2, 1))[0]
        number = rng.choice(["{}", ", {}", ", {}", ", nº {}", " nº {}", " {}", " {}", ", s/n"]).format(self.number(rng))
        street = f"{kind}{'' if kind[-1] in '/ ' else ' '}{self.spanish_base(rng)}{number if number[0] in ' ,' else ' ' + number}"
        if rng.random() < 0.4:
            street += ", " + self.unit(rng, "ES")
        elif rng.random() < 0.04:
            street = rng.choice(["Ctra. de {0}, km {1}", "Polígono Industrial {0}, nave {1}", "Urb. {0}, {1}", "Pol. Ind. {0}, parcela {1}", "Apartado de correos {1}"]).format(self.pick(rng, "last-es"), rng.randint(1, 90))
        code = f"{rng.randint(1, 52):02}{rng.randint(0, 999):03}"
        return street, f"{code} {city}" + rng.choice(["", "", "", f" ({rng.choice(S.ES_PROVINCES)})", f", {rng.choice(S.ES_PROVINCES)}"]), city

    def in_mx(self, rng: random.Random) -> tuple[str, str, str]:
        city, division = self.city(rng, "MX")
        state = S.MX_STATES.get(division, "Jalisco")
        street = f"{rng.choice(['Calle ', 'Av. ', 'Av. ', 'Avenida ', 'Blvd. ', 'Calzada ', '', 'Privada ', 'Cerrada '])}{self.spanish_base(rng)} {rng.choice(['', '', '#', 'No. ', 'núm. '])}{rng.randint(1, 2500)}"
        street += rng.choice(["", "", f", Int. {rng.randint(1, 20)}", f" Int {rng.randint(1, 9)}-{rng.choice('AB')}", f", Depto. {rng.randint(1, 400)}"])
        street += rng.choice(["", ", Col. {0}", ", Col. {0}", ", Colonia {0}", ", {0}"]).format(rng.choice("Centro|Roma Norte|Condesa|Del Valle|Polanco|Juárez|Narvarte|Las Américas|San Rafael|Jardines del Bosque|Providencia|Obrera|Doctores|Lomas de Chapultepec|Industrial".split("|")))
        code = f"{rng.randint(1000, 99999):05}"
        return street, rng.choice(["{1} {0}, {2}", "C.P. {1}, {0}, {2}", "CP {1} {0}", "{0}, {2}, C.P. {1}", "{0}, {2} {1}"]).format(city, code, state), city

    def in_co(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "CO")
        way = rng.choice(["Calle", "Carrera", "Cra.", "Cl.", "Cll", "Kr", "Avenida Calle", "Transversal", "Diagonal", "Cra"])
        street = f"{way} {rng.randint(1, 180)}{rng.choice(['', '', '', 'A', 'B', ' Bis', ' Sur'])} {rng.choice(['# ', '#', 'No. ', 'N° '])}{rng.randint(1, 130)}{rng.choice(['', '', 'A', 'B'])}{rng.choice(['-', ' - '])}{rng.randint(1, 99):02}"
        street += rng.choice(["", "", f", Apto {rng.randint(101, 2004)}", f" Torre {rng.randint(1, 6)} Apto {rng.randint(101, 999)}", f", Oficina {rng.randint(101, 900)}", f", Barrio {rng.choice(['El Poblado', 'Chapinero', 'La Candelaria', 'Laureles', 'Cedritos'])}"])
        return street, rng.choice([city, f"{city}, {rng.choice(['Antioquia', 'Cundinamarca', 'Valle del Cauca', 'Santander', 'Atlántico'])}", f"{city} {rng.randint(5001, 99999):06}", f"{city} D.C."]), city

    def in_ar(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "AR")
        street = f"{rng.choice(['', '', 'Av. ', 'Av. ', 'Calle ', 'Bv. '])}{self.spanish_base(rng)} {rng.randint(1, 9000)}"
        street += rng.choice(["", "", f", Piso {rng.randint(1, 20)}, Dto. {rng.choice('ABCDEF')}", f" {rng.randint(1, 12)}º {rng.choice('ABCDEF')}", f", {rng.randint(1, 12)}°{rng.choice('ABCDEF')}", ", PB"])
        code = rng.choice([f"C{rng.randint(1000, 1499)}{rng.choice('ABCDEFG')}{rng.choice('ABCDEFG')}{rng.choice('ABCDEFG')}", str(rng.randint(1000, 9431)), f"B{rng.randint(1600, 8999)}"])
        return street, rng.choice(["{1} {0}", "{0} ({1})", "{1} {0}, Buenos Aires", "C{1} CABA", "{0}, {1}"]).format(city, code).replace("CC", "C"), city

    def portuguese_base(self, rng: random.Random) -> str:
        way = rng.random()
        return self.pick(rng, "pt") if way < 0.7 else f"{self.pick(rng, 'first-pt')} {self.pick(rng, 'last-pt')}" if way < 0.9 else "Dr. " + self.pick(rng, "last-pt")

    def in_br(self, rng: random.Random) -> tuple[str, str, str]:
        city, division = self.city(rng, "BR")
        kind = rng.choices(["Rua", "R.", "rua", "Avenida", "Av.", "Travessa", "Alameda", "Al.", "Praça", "Rodovia", "Estrada", "Largo"], (46, 14, 5, 12, 10, 4, 4, 2, 4, 1, 2, 1))[0]
        street = f"{kind} {self.portuguese_base(rng)}, {rng.choice(['', '', '', 'nº ', 'n. '])}{rng.randint(1, 5000)}"
        if rng.random() < 0.4:
            street += rng.choice([" - ", ", ", ", ", " "]) + self.unit(rng, "PT")
        if rng.random() < 0.45:
            street += rng.choice([" - ", ", ", " - "]) + rng.choice(self.lists["street-pt_BR"])
        state = S.BR_STATES.get(division, "SP")
        code = f"{rng.randint(1000, 99999):05}{rng.choice(['-', '-', '-', ''])}{rng.randint(0, 999):03}"
        return street, rng.choice(["{0} - {1}, {2}", "{0}/{1}, {2}", "{0}/{1}, CEP {2}", "{0}, {1}, {2}", "{0} - {1}, CEP {2}", "{2} {0} - {1}", "{0} - {1}", "{2}, {0}/{1}"]).format(city, state, code), city

    def in_pt(self, rng: random.Random) -> tuple[str, str, str]:
        city, _ = self.city(rng, "PT")
        kind = rng.choice(["Rua", "Rua", "Rua", "R.", "Avenida", "Av.", "Travessa", "Largo", "Praça", "Praceta", "Estrada", "Beco", "Calçada"])
        street = f"{kind} {self.portuguese_base(rng)}{rng.choice([', ', ' ', ', n.º ', ', nº '])}{self.number(rng)}"
        if rng.random() < 0.4:
            street += ", " + rng.choice(["{}º Esq.", "{}º Dto.", "{}.º D", "{}º Frente", "R/C", "R/C Esq.", "Lote {}", "{}º"]).format(rng.randint(1, 9))
        return street, f"{rng.randint(1000, 9999)}-{rng.randint(1, 999):03} {city}", city
