"""Checks of the corpus generator, run before it: build/model/venv/bin/python -m unittest discover tests/model."""

import contextlib
import json
import random
import unittest
import unittest.mock

import lists as word_lists
from addresses import Addresses
from generate import Generator
from lists import HELD_LOCALES, ROOT, held
from negatives import Filter
from people import CULTURES, People
from slots import LABELLED, Makers, Slots, chinese_id, pesel
from templates import load, parse

LISTS = word_lists.load() if word_lists.build() else {}
MAKERS = {half: Makers(LISTS, half) for half in ("train", "test")}


def render(text: str, seed: int = 1, lang: str = "en"):
    return parse(text, lang=lang).render(Slots(MAKERS["train"], random.Random(seed), lang))


class Templates(unittest.TestCase):
    def test_every_span_is_what_its_slot_gave(self):
        rng = random.Random(7)
        for template in load():
            for _ in range(2):
                text, spans = template.render(Slots(MAKERS["test" if template.test else "train"], rng, template.lang))
                at = 0
                for span in spans:
                    self.assertEqual(text[span["start"] : span["end"]], span["value"], template.name)
                    self.assertLess(span["start"], span["end"], template.name)
                    self.assertLessEqual(at, span["start"], template.name)
                    at = span["end"]
                if template.negative:
                    self.assertEqual(spans, [], template.name)

    def test_a_brace_is_written_twice_and_a_slot_has_a_known_name(self):
        self.assertEqual(render('{{"n": 1}}'), ('{"n": 1}', []))
        with self.assertRaises(ValueError):
            parse("{person and more")
        with self.assertRaises(ValueError):
            render("{nobody}")

    def test_a_tag_stands_for_one_person(self):
        for seed in range(50):
            text, spans = render("{first:a}|{last:a}|{first:a}|{email:a}", seed)
            parts = text.split("|")
            self.assertEqual(parts[0], parts[2])
            self.assertEqual([s["type"] for s in spans], ["PERSON", "PERSON", "PERSON", "EMAIL"])

    def test_the_parts_of_a_name_or_an_address_are_one_span(self):
        for text, count in (
            ("{first} {last}", 1), ("{first}, {first}", 2), ("{first} and {first}", 2), ("{street}, {cityline}", 1), ("{street}\n{cityline}", 1),
            ("{street}, {city}", 1), ("{street} in {city}", 1), ("{address}\n{address}", 2), ("{last};{first}", 2),
        ):  # fmt: skip
            found, spans = render(text)
            self.assertEqual(len(spans), count, found)
        text, spans = render("{street}, {city}.")
        self.assertEqual(spans[0]["end"], len(text) - 1)

    def test_an_address_takes_several_lines_only_where_it_has_them_for_itself(self):
        for seed in range(200):
            self.assertNotIn("\n", render("Ship to {address} today", seed)[0])
        self.assertTrue(any("\n" in render("To:\n{address}", seed)[0][4:] for seed in range(50)))


class HeldOut(unittest.TestCase):
    def test_the_training_half_knows_no_held_out_name_city_or_street(self):
        people, addresses = People(LISTS, "train"), Addresses(LISTS, "train")
        for name, pools in [*people.pools.items(), *addresses.pools.items()]:
            for pool in pools:
                known = [w for w in pool.words if held(w)]
                # A list whose entries are all held out would be empty: such a list is its own exception.
                self.assertTrue(not known or len(known) == len(pool.words), name)
        rng = random.Random(3)
        for country in ("US", "DE", "FR", "JP_native"):
            self.assertFalse(any(held(addresses.city(rng, country)[0]) for _ in range(500)))
        self.assertTrue(any(held(MAKERS["test"].addresses.city(rng, "DE")[0]) for _ in range(50)))

    def test_whole_locales_are_kept_for_the_test(self):
        for rows in CULTURES.values():
            self.assertTrue(any(r[0] not in HELD_LOCALES for r in rows))
        drawn = {MAKERS["train"].people.draw(random.Random(i), "en").culture for i in range(3000)}
        self.assertFalse(drawn & HELD_LOCALES)
        self.assertTrue({MAKERS["test"].people.draw(random.Random(i), "en").culture for i in range(3000)} & HELD_LOCALES)

    def test_no_template_serves_both_halves(self):
        self.assertGreater(sum(t.test for t in load()), 60)
        bodies = {half: {str(t.pieces) for t in load() if t.test == half} for half in (True, False)}
        self.assertFalse(bodies[True] & bodies[False])


class Negatives(unittest.TestCase):
    def test_a_passage_that_may_name_a_person_is_dropped(self):
        check = Filter(LISTS)
        check.learn("will the bill be due " * 20 + "the request is sent " * 20)
        for passage in (
            "Fixed by Gerald Brown in 2.1", "Mail someone@example.org for help", "Copyright 2020 the team", "Thanks to the testers",
            "See J. Smith for the proof of it", "Then Gerald opens a ticket", "Dr. Brown wrote the first version",
        ):  # fmt: skip
            self.assertFalse(check.clean(passage), passage)
        for passage in ("Will the request be sent? The bill is due.", "The Jenkins job is red.", "See the Fourier transform."):
            self.assertTrue(check.clean(passage), passage)


class Corpus(unittest.TestCase):
    def test_no_value_depends_on_the_day(self):
        clocks = ("faker.providers.date_time.datetime", "faker.providers.date_time.dtdate", "faker.providers.ssn.zh_CN.datetime")
        labelled = [*LABELLED, "address", "country", "title", "company", "email"]
        with contextlib.ExitStack() as stack:
            for clock in clocks:
                stack.enter_context(unittest.mock.patch(clock, None))
            for lang in CULTURES:
                for slot in labelled:
                    for seed in range(20):
                        render(f"{{{slot}}}", seed, lang if lang != "other" else "any")

    def test_national_ids_end_in_their_check_digits(self):
        for seed in range(50):
            text = chinese_id(random.Random(seed))
            weighed = sum((10 if d == "X" else int(d)) * pow(2, 17 - i, 11) for i, d in enumerate(text))
            self.assertEqual((len(text), weighed % 11), (18, 1))
            text = pesel(random.Random(seed))
            self.assertEqual((len(text), sum(int(d) * w for d, w in zip(text, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1))) % 10), (11, 0))

    def test_the_same_seed_gives_the_same_texts(self):
        found = load()
        twice = [json.dumps(list(Generator("train", 5, LISTS, [], found).texts(300)), ensure_ascii=False) for _ in range(2)]
        self.assertEqual(*twice)

    def test_what_has_been_written_holds_its_spans(self):
        path = ROOT / "build/model/test.jsonl"
        if not path.exists():
            self.skipTest("no corpus yet")
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                at = 0
                for span in entry["spans"]:
                    self.assertTrue(at <= span["start"] < span["end"] <= len(entry["text"]), entry["id"])
                    value = entry["text"][span["start"] : span["end"]]
                    self.assertEqual(value, value.strip(), entry["id"])
                    at = span["end"]


if __name__ == "__main__":
    unittest.main()
