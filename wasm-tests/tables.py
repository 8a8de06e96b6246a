"""Writes COMPATIBILITY.md and FAULTS.md from what the last run of the tests left in build/, or checks that they say it.

    .venv/bin/python wasm-tests/tables.py [--check]

A run of a part of the tests says nothing about the rest: tables are only made from whole ones.
"""

from __future__ import annotations

import difflib
import sys
from typing import Any, Dict, List, Optional, Tuple

import kinds
from harness import PROVIDERS, ROOT
from sdks import DRIVERS

FEATURES = ("chat", "stream", "system", "stop", "max_tokens", "usage", "tools", "streamed tools", "parallel tools",
            "structured", "image", "reasoning", "reasoning with tools", "errors", "redaction", "own key")
COMPATIBILITY = """\
# Who can call what

Each SDK against each kind of provider, through Envoy with Tollgate, as the tests of `wasm-tests/test_sdks.py` found it;
the providers are the fakes of `envoy/providers/`, which take what the real ones take and refuse what they refuse. Written by
`make tables`; a whole run of the tests fails where this file says something else.

| sign | means |
|---|---|
| ✓ | works, whole and streamed where both exist; tools with their results in a second turn |
| 422 | the provider has no place for it: refused with the field's name, as the SDK's own exception |
| streamed | works where the answer is streamed; otherwise refused in the same way |
| – | the caller's own API has no words for it |
| ✗ | does not work yet; the reason stands below the table |

The features: *max_tokens* the bound on the answer and the reason for its end; *usage* with cached tokens, whole and
streamed; *parallel tools* two calls in one turn; *structured* an answer that fits a schema, by the SDK's own means; *reasoning* is
asked for, counted, and shown where both APIs show it; *reasoning with tools* includes that it is given back with its
signature; *errors* are the SDK's own exceptions, with the provider's status; *redaction* values leave as placeholders and come
back, in texts and in arguments of tools; *own key* the caller's key reaches no provider.
"""
FAULTS = """\
# What comes of failures

Each class of failure, in each provider's words, through Envoy with Tollgate, as the tests of `wasm-tests/test_faults.py`
found it; the providers are the fakes of `envoy/providers/`. The caller speaks OpenAI's chat completions and the policy is the
default one: the next target for all but `too_large` and `invalid_request`. Written by `make tables`; a whole run of the tests fails where
this file says something else.

*Saw*: the status, and for a stream that had begun how it ended; never as if it were whole. *Tried*: who was asked, and the class of
each failure. *Charged*: `as told` what the providers reported, `estimated` where the report was cut off, `nothing`. *alone*: the policy
has no other target. Variants of a class are other words of the same provider for it.
"""


def main(arguments: List[str]) -> int:
    check = "--check" in arguments
    wrong = 0
    for name, build in (("compatibility", compatibility), ("faults", faults)):
        cells = kinds.read(name)
        text = build(cells) if cells else None
        path = ROOT / (name.upper() + ".md")
        if text is None:
            print("%s: no whole run in build/%s.json; left as it is" % (path.name, name))
        elif not check:
            path.write_text(text, "utf-8")
            print("%s: written" % path.name)
        else:
            old = path.read_text("utf-8") if path.exists() else ""
            found = list(difflib.unified_diff(old.splitlines(), text.splitlines(), path.name, "the run", lineterm="", n=0))
            print("\n".join(found[:40] + ["%s: `make tables` writes it" % path.name]) if found else path.name + ": ok")
            wrong += bool(found)
    return int(wrong > 0)


# ── COMPATIBILITY.md ────────────────────────────────────────────────────────────────────────────────────────────────

def compatibility(cells: List[Dict[str, Any]]) -> Optional[str]:
    found: Dict[Tuple[str, str, str], List[Dict[str, Any]]] = {}
    for cell in cells:
        found.setdefault((cell["caller"], cell["kind"], cell["feature"]), []).append(cell)
    wanted = {(caller, kind, feature) for caller in DRIVERS for kind in PROVIDERS for feature in FEATURES}
    if wanted - set(found):
        return None
    text = COMPATIBILITY
    for caller, driver in DRIVERS.items():
        notes: List[str] = []
        text += "\n## %s\n\n| target | %s |\n|---|%s\n" % (driver.title, " | ".join(FEATURES), "---|" * len(FEATURES))
        for kind in PROVIDERS:
            signs = [sign(found[caller, kind, feature], notes) for feature in FEATURES]
            text += "| `%s` | %s |\n" % (kind, " | ".join(signs))
        text += "".join("\n%s: %s." % ("¹²³⁴⁵⁶⁷⁸⁹"[number], note) for number, note in enumerate(notes)) + "\n" * bool(notes)
    return text


def sign(cells: List[Dict[str, Any]], notes: List[str]) -> str:
    outcomes = {cell["outcome"] for cell in cells}
    if "fails" in outcomes:
        why = next(cell["why"] for cell in cells if cell["outcome"] == "fails")
        if why not in notes:
            notes.append(why)
        return "✗" + "¹²³⁴⁵⁶⁷⁸⁹"[notes.index(why)]
    if outcomes == {"works", "refused"}:
        return "streamed"
    (outcome,) = outcomes
    return {"works": "✓", "refused": "422", "lacks": "–"}[outcome]


# ── FAULTS.md ───────────────────────────────────────────────────────────────────────────────────────────────────────

def faults(cells: List[Dict[str, Any]]) -> Optional[str]:
    if {(cell["kind"], cell["stream"]) for cell in cells} != {(kind, stream) for kind in PROVIDERS
                                                             for stream in (False, True)}:
        return None
    text = FAULTS
    for kind in PROVIDERS:
        rows: Dict[Tuple[str, str], Dict[bool, str]] = {}
        for cell in cells:
            if cell["kind"] == kind:
                position = cell["position"] + (", alone" if cell["alone"] else "")
                told = "; ".join(part for part in (cell["saw"], cell["tried"], cell["charged"]) if part)
                rows.setdefault((position, cell["error"]), {})[cell["stream"]] = told
        text += "\n## %s\n\n| failure | how it is told | JSON: saw; tried; charged | stream: saw; tried; charged |\n" \
                "|---|---|---|---|\n" % kind
        for (position, error), told in rows.items():
            text += "| `%s` | %s | %s | %s |\n" % (error, position, told.get(False, ""), told.get(True, ""))
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
