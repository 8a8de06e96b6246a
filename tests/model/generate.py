"""Writes the training corpus, build/model/train.jsonl and test.jsonl, out of templates, lists and real negatives.

Deterministic: the same packages and the same seed give the same bytes.

    python tests/model/generate.py [--texts 56000] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from itertools import accumulate

import lists as word_lists
import negatives
import templates as template_files
from lists import ROOT
from people import fold
from slots import Makers, Slots
from templates import Template

# Of the texts with templates; a language without templates gives its share to the others.
SHARE = {"en": 34, "any": 15, "de": 7, "fr": 7, "es": 7, "it": 5.5, "pt": 5.5, "nl": 5.5, "pl": 5.5, "zh": 7, "ja": 7}
# Characters of real negatives for the training half.
REAL = {"en": 4_600_000, "de": 420_000, "fr": 420_000, "es": 420_000, "it": 300_000, "pt": 300_000, "nl": 300_000, "pl": 300_000, "zh": 260_000, "ja": 260_000}


# A whole sentence, as a filler: it begins and ends as one.
SENTENCE = re.compile(r"[A-ZÀ-ÞŁŚŻ¿¡\u3040-\u9fff].{12,130}[.!?。！？]", re.DOTALL)


def shift(spans: list[dict], by: int) -> list[dict]:
    return [span | {"start": span["start"] + by, "end": span["end"] + by} for span in spans]


def same_length(change, text: str) -> str | None:
    changed = change(text)
    return changed if len(changed) == len(text) else None


class Generator:
    def __init__(self, half: str, seed: int, lists: dict[str, list[str]], real: list[tuple[str, str, str]], found: list[Template]) -> None:
        self.half = half
        self.rng = random.Random(f"{seed}/{half}")
        self.makers = Makers(lists, half)
        self.real = real
        self.by_lang: dict[str, list[Template]] = {}
        for template in found:
            if template.test == (half == "test"):
                self.by_lang.setdefault(template.lang, []).append(template)
        for lang, source, passage in real:
            if not source.endswith("/code"):
                for line in re.split(r"\n|(?<=[.!?]) ", passage):
                    line = line.strip()
                    if SENTENCE.fullmatch(line) and not re.search(r"[{}<>%=`*\\|_#\[\]]|::|\.\.|  ", line):
                        self.makers.sentences.setdefault(lang, []).append(line)

    def texts(self, count: int):
        rng = self.rng
        langs = [lang for lang in SHARE if self.by_lang.get(lang)]
        sums = list(accumulate(SHARE[lang] for lang in langs))
        weights = {lang: list(accumulate(t.weight * (0.7 if t.negative else 1) for t in self.by_lang[lang])) for lang in langs}
        for _ in range(count):
            lang = rng.choices(langs, cum_weights=sums)[0]
            template = rng.choices(self.by_lang[lang], cum_weights=weights[lang])[0]
            yield self.text(template)
        for lang, source, passage in self.real:
            yield {"text": passage, "lang": lang, "source": f"real/{source}", "template": "", "spans": []}

    def text(self, template: Template) -> dict:
        rng = self.rng
        slots = Slots(self.makers, rng, template.lang)
        text, spans = template.render(slots)
        pieces = [(text, spans)]
        way = rng.random()
        if way < 0.09:
            # Two texts in one, or a text with a real passage before or after it.
            other = rng.choice(self.by_lang[template.lang])
            pieces.insert(rng.randint(0, 1), other.render(Slots(self.makers, rng, template.lang)))
        elif way < 0.15 and self.real:
            pieces.insert(rng.randint(0, 1), (rng.choice(self.real)[2][:500], []))
        joint = rng.choice(["\n\n", "\n\n", "\n", "\n---\n", " "])
        text, spans = "", []
        for body, marks in pieces:
            if text:
                text += joint
            spans += shift(marks, len(text))
            text += body
        for span in spans:
            if text[span["start"] : span["end"]] != span["value"]:
                raise AssertionError(f"{template.name}: {span} is not where the slot's value is")
        text = self.recase(text, spans)
        for span in spans:
            del span["value"]
        return {"text": text, "lang": slots.lang, "source": template.source, "template": template.name, "spans": spans}

    def recase(self, text: str, spans: list[dict]) -> str:
        """As people type: all lower case, only the names so, all upper case, no diacritics. No change moves a character."""
        rng = self.rng
        way = rng.random()
        names = [s for s in spans if s["type"] in ("PERSON", "ADDRESS")]
        change = None
        if way < 0.05:
            text = same_length(str.lower, text) or text
        elif way < 0.065:
            text = same_length(str.upper, text) or text
        elif way < 0.095:
            text = same_length(fold, text) or text
        elif way < 0.16:
            change = str.lower
        elif way < 0.185:
            change = str.upper
        if change:
            for span in names:
                part = same_length(change, text[span["start"] : span["end"]])
                if part and (span["type"] == "PERSON" or rng.random() < 0.5):
                    text = text[: span["start"]] + part + text[span["end"] :]
        return text


def write(half: str, texts) -> Counter:
    counts: Counter = Counter()
    path = ROOT / f"build/model/{half}.jsonl"
    with path.with_suffix(".new").open("w", encoding="utf-8") as out:
        for n, entry in enumerate(texts):
            for span in entry["spans"]:
                if not 0 <= span["start"] < span["end"] <= len(entry["text"]):
                    raise AssertionError(f"{entry['template']}: a span crosses the text")
                counts[span["type"]] += 1
            counts["texts"] += 1
            counts["characters"] += len(entry["text"])
            counts["negative characters"] += len(entry["text"]) if not entry["spans"] else 0
            out.write(json.dumps({"id": f"{half}-{n}", **entry}, ensure_ascii=False) + "\n")
    path.with_suffix(".new").rename(path)
    return counts


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--texts", type=int, default=56_000)
    options.add_argument("--test-texts", type=int, default=6_000)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    begun = time.monotonic()
    word_lists.build()
    lists = word_lists.load()
    real = negatives.read(lists, chosen.seed, REAL)
    found = template_files.load()
    print(f"{len(found)} templates, {sum(t.test for t in found)} held out; real passages: {len(real['train'])} and {len(real['test'])}; {time.monotonic() - begun:.0f} s", file=sys.stderr)
    for half, count in (("train", chosen.texts), ("test", chosen.test_texts)):
        counts = write(half, Generator(half, chosen.seed, lists, real[half], found).texts(count))
        print(half, dict(counts), f"{time.monotonic() - begun:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
