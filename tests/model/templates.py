"""Templates: texts with slots in braces. The format is described in README.md.

    template = parse("Ask {first:a} about {order}.")
    text, spans = template.render(slots)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from slots import Slots

HERE = Path(__file__).resolve().parent
SLOT = re.compile(r"\{\{|\}\}|\{([a-z_]+(?::\d+-\d+)?)(?::([A-Za-z0-9_]+))?((?:\|[a-z]+)*)\}")


@dataclass
class Template:
    name: str
    lang: str
    source: str
    pieces: list
    test: bool = False
    negative: bool = False
    weight: float = 1.0
    personal: bool = field(default=False)

    def render(self, slots: Slots) -> tuple[str, list[dict]]:
        """The text, and its spans with the values that the slots gave."""
        out: list[str] = []
        spans: list[dict] = []
        length = 0
        before: tuple[str, str] = ("", "")  # the last slot and what has come since
        for piece in self.pieces:
            if isinstance(piece, str):
                before = (before[0], before[1] + piece)
                out.append(piece)
                length += len(piece)
                continue
            name, tag, mod, lines = piece
            text, kind = slots.fill(name, tag, mod, lines)
            if text and continues(*before, name):
                # "{first} {last}" is one name, "{street}, {city}" one address.
                last = spans[-1]
                last["end"] = length + len(text)
                last["value"] += before[1] + text
            elif kind and text:
                spans.append({"start": length, "end": length + len(text), "type": kind, "value": text})
            before = (name, "")
            out.append(text)
            length += len(text)
        return "".join(out), spans


NAME_PARTS = {("first", "last"), ("last", "first"), ("first", "first"), ("initials", "last")}
PLACE_PARTS = {("street", "cityline"), ("street", "city"), ("cityline", "street")}


def continues(slot: str, between: str, name: str) -> bool:
    """Whether a slot goes on with the value of the one before it."""
    if (slot, name) in NAME_PARTS:
        return between in (" ", "", "\u3000")
    if (slot, name) in PLACE_PARTS:
        return re.fullmatch(r"[,;，、]? {0,2}|,? *\n *", between) is not None
    return False


def parse(text: str, name: str = "", lang: str = "en", source: str = "", **options) -> Template:
    pieces: list = []
    at = 0
    for found in SLOT.finditer(text):
        if found.start() > at:
            pieces.append(text[at : found.start()])
        at = found.end()
        if found.group() in ("{{", "}}"):
            pieces.append(found.group()[0])
            continue
        slot, tag, mod = found.groups()
        # An address may take several lines only where it has the line for itself.
        before, after = text[: found.start()].rsplit("\n", 1)[-1], text[found.end() :]
        alone = not before.strip() and after[:1] in ("", "\n") and "\n" in text
        pieces.append((slot, tag or "", mod, alone))
    pieces.append(text[at:])
    rest = "".join(p for p in pieces if isinstance(p, str)) if "{" in SLOT.sub("", text) or "}" in SLOT.sub("", text) else ""
    if rest:
        raise ValueError(f"{name}: a brace that is no slot; write {{{{ for a literal one")
    kinds = {p[0] for p in pieces if not isinstance(p, str)}
    return Template(name, lang, source, pieces, personal=bool(kinds & LABELS), **options)


LABELS = {"person", "first", "last", "lastfirst", "formal", "initials", "address", "street", "cityline"}


def load(folder: Path = HERE / "templates") -> list[Template]:
    found = []
    for path in sorted(folder.glob("*/*.txt")):
        lang, options = path.parent.name, {}
        lines = path.read_text(encoding="utf-8").split("\n")
        while lines and lines[0].startswith("#!"):
            for option in lines.pop(0)[2:].split():
                key, _, value = option.partition("=")
                if (key, value) == ("split", "test"):
                    options["test"] = True
                elif key == "negative":
                    options["negative"] = True
                elif key == "weight":
                    options["weight"] = float(value)
                else:
                    raise ValueError(f"{path}: no option is called {option!r}")
        for n, body in enumerate(re.split(r"(?m)^%%$\n?", "\n".join(lines))):
            body = body.strip("\n")
            if body.strip():
                found.append(parse(body, f"{lang}/{path.stem}/{n}", lang, path.stem, **options))
    return found
