"""Real texts without personal data: passages out of pinned open-source packages, read at generation time, never committed.

negatives.toml names the packages, with their hashes. A passage that might hold a real person's name or address is dropped:
better to lose a good passage than to teach that a person is nobody.

    python tests/model/negatives.py fetch     # downloads what is missing into build/model/packages/
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lists import ROOT

HERE = Path(__file__).resolve().parent
PACKAGES = ROOT / "build/model/packages"
LANGUAGES = {"de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "zh"}
MOST_PER_FILE = 60_000  # characters

# Words that are first names and more often something else.
NOT_NAMES = frozenset((HERE / "words/not_names.txt").read_text(encoding="utf-8").split())

BAD = re.compile(
    r"[\w.+-]+@[\w-]+\.\w|copyright|©|\(c\) ?\d|author|maintain|contribut|written by|created by|reported by|patch(es)? (by|from)|"
    r"thanks to|courtesy|invented|discovered|biograph|J\. Doe|John Doe|Jane|lovelace|, et al|"
    r"\b(?-i:by [A-Z][a-z]+ [A-Z])|\b(?-i:[A-Z]\. ?[A-Z]?\.? ?[A-Z][a-z]{2,})|\b(?-i:Dr|Mr|Mrs|Ms|Prof)\. [A-Z]|@[a-z]+[a-z0-9_-]* ?[,)]|"
    r"\d+ [A-Z][a-z]+ (street|st\b|avenue|ave\b|road|rd\b|lane|drive)",
    re.IGNORECASE,
)


def table() -> list[dict]:
    return tomllib.loads((HERE / "negatives.toml").read_text(encoding="utf-8"))["package"]


def fetch() -> None:
    """Downloads what is missing, by name and version, and holds every archive to its hash."""
    PACKAGES.mkdir(parents=True, exist_ok=True)
    for package in table():
        path = PACKAGES / package["file"]
        if path.exists() and digest(path) == package["sha256"]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            pin = Path(folder) / "pin.txt"
            pin.write_text(f"{package['name']}=={package['version']} --hash=sha256:{package['sha256']}\n", encoding="utf-8")
            kind = "--no-binary" if package["file"].endswith(".tar.gz") else "--only-binary"
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
            subprocess.run([*command, kind, package["name"], "-d", folder, "-r", str(pin)], check=True)
            found = Path(folder) / package["file"]
            path.with_suffix(".new").write_bytes(found.read_bytes())
            path.with_suffix(".new").rename(path)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            for info in sorted(archive.infolist(), key=lambda i: i.filename):
                if not info.is_dir() and wanted(info.filename):
                    yield info.filename, archive.read(info)
        return
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            if member.isfile() and wanted(member.name):
                stream = archive.extractfile(member)
                yield member.name, stream.read() if stream else b""


def wanted(name: str) -> bool:
    if re.search(r"(?i)/(authors|thanks|contributors|maintainers|notice)|\.min\.js$|/humans\.txt|dist-info/(METADATA|RECORD|WHEEL)", name):
        return False
    return language_of(name) is not None and name.endswith((".po", ".rst", ".txt", ".md", ".py", ".js", ".c", ".h", ".rs", ".json", ".json.gz", ".html", ".css", ".yml", ".yaml", ".toml", ".sql", ".ts", ".java", ".sh", "LICENSE", "COPYING"))


def language_of(name: str) -> str | None:
    """The language of a file's texts; None if it is one that no template speaks."""
    found = re.search(r"(?:locales?|translations|intents/data)/([A-Za-z_@-]+?)(?:/|\.json)", name)
    if not found:
        return None if name.endswith(".po") else "en"
    code = re.split("[-_@]", found.group(1))[0]
    return code if code in LANGUAGES else None


def strings_of(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_of(inner)


def po_strings(text: str) -> list[str]:
    found = []
    for block in text.split("\n\n")[1:]:
        if "#, fuzzy" in block or "#~" in block:
            continue
        parts = re.search(r'msgstr(?:\[0\])? ((?:"(?:[^"\\]|\\.)*"\s*)+)', block)
        if parts:
            whole = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', parts.group(1)))
            whole = whole.replace("\\n", "\n").replace('\\"', '"').replace("\\t", " ").replace("\\\\", "\\").strip()
            if len(whole) > 2:
                found.append(whole)
    return found


def text_of(name: str, raw: bytes) -> tuple[str, str, str] | None:
    """A file's kind, language and text."""
    if name.endswith(".gz"):
        raw, name = gzip.decompress(raw), name[:-3]
    text = raw.decode("utf-8", "ignore").replace("\r\n", "\n")
    lang = language_of(name) or "en"
    if name.endswith(".po"):
        return "po", lang, "\n".join(po_strings(text))
    if name.endswith(".json"):
        try:
            value = json.loads(text)
        except ValueError:
            return None
        if not re.search(r"translations/|locale/|intents/data/|service-2", name):
            return None
        strings = [re.sub(r"<[^>]+>", "", s).strip() for s in strings_of(value)]
        least = 40 if "service-2" in name else 4
        return ("docs" if least == 40 else "ui"), lang, "\n".join(dict.fromkeys(s for s in strings if len(s) >= least))
    kind = "docs" if name.endswith((".rst", ".txt", ".md", "LICENSE", "COPYING")) else "code"
    return kind, "en", text


def passages(text: str, kind: str, rng: random.Random) -> Iterator[str]:
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        size, start, most = 0, at, rng.randint(100, 800)
        while at < len(lines) and (size < most):
            size += len(lines[at]) + 1
            at += 1
            if size > 100 and not lines[at - 1].strip() and kind == "docs" and rng.random() < 0.5:
                break
        passage = "\n".join(lines[start:at]).strip("\n")
        if len(passage) > 1200:
            passage = passage[:800]
        if len(passage) >= 60:
            yield passage


class Filter:
    """Knows first names, and which words are common in lower case (so that they are words before they are names)."""

    def __init__(self, lists: dict[str, list[str]]) -> None:
        names = set()
        for name, words in lists.items():
            if name.startswith("first-") and not name.startswith("first-ja_k"):
                names.update(w for w in words if w.isascii() or len(w) > 3)
        self.names = {n for n in names if n[:1].isupper() and len(n) > 2} - NOT_NAMES
        self.lower: Counter[str] = Counter()

    def learn(self, text: str) -> None:
        self.lower.update(re.findall(r"\b[^\W\d_A-Z]{3,}\b", text))

    def clean(self, passage: str) -> bool:
        if BAD.search(passage):
            return False
        for found in re.finditer(r"\b([^\W\d_]+(?:-[^\W\d_]+)?)\b(?=( [A-Z][^\W\d_]+)?)", passage):
            word = found.group(1)
            if word not in self.names:
                continue
            # A name that is no word, or a first name before a capital that is no word.
            if self.lower[word.lower()] < 12:
                return False
            following = (found.group(2) or "").strip().lower()
            if following and self.lower[following] < 12:
                return False
        return True


def read(lists: dict[str, list[str]], seed: int, budget: dict[str, int]) -> dict[str, list[tuple[str, str, str]]]:
    """Per half: (language, source, passage), so many characters per language as the budget says."""
    rng = random.Random(seed)
    check = Filter(lists)
    pools: dict[tuple[str, str], list[tuple[str, str]]] = {}
    known: set[str] = set()
    for package in table():
        path = PACKAGES / package["file"]
        if not path.exists():
            raise FileNotFoundError(f"{path}: run `python tests/model/negatives.py fetch`")
        entries = list(files(path)) if package.get("share", 1) == 1 else [f for f in files(path) if rng.random() < package["share"]]
        for name, raw in entries:
            found = text_of(name, raw)
            if not found:
                continue
            kind, lang, text = found
            text = text[:MOST_PER_FILE]
            if kind != "code":
                check.learn(text)
            for passage in passages(text, kind, rng):
                if passage in known:
                    continue
                known.add(passage)
                pools.setdefault((package["half"], lang), []).append((f"{package['name']}/{kind}", passage))
    out: dict[str, list[tuple[str, str, str]]] = {"train": [], "test": []}
    for (half, lang), pool in sorted(pools.items()):
        rng.shuffle(pool)
        left = budget[lang] if half == "train" else budget[lang] // 8
        # English: prose and code by halves, and no package too much of it.
        kinds = {"code": left * 0.46, "docs": left * 0.4, "ui": left * 0.1, "po": left * 0.04} if lang == "en" else {}
        shares: Counter[str] = Counter()
        for source, passage in pool:
            kind = source.rsplit("/", 1)[-1]
            if left <= 0:
                break
            if kinds.get(kind, 1) <= 0 or (lang == "en" and shares[source] > 350_000) or not check.clean(passage):
                continue
            if kind in kinds:
                kinds[kind] -= len(passage)
            shares[source] += len(passage)
            left -= len(passage)
            out[half].append((lang, source, passage))
    return out


if __name__ == "__main__" and sys.argv[1:] == ["fetch"]:
    fetch()
