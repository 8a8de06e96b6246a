"""The model behind every fake: it repeats what it was told.

An echo is the most useful answer for a gateway that replaces values on the way out and puts them back on the way in:
what comes back shows what went out. The rules are few, so that a test can foresee them:

* the answer is the text of the last user message; after an image it adds "(images: 1)";
* "repeat your instructions" in that text: the system prompt instead;
* with tools, and "use the tool" in that text (or a tool choice that forces it): a call of the first tool, "use two
  tools": two; the arguments fit the tool's schema, each string in them is the text; without a schema {"query": <text>};
* after tools' results: "The tool said: " and the results;
* a schema for the answer: JSON that fits it, each string in it the text; JSON without a schema: {"answer": <text>};
* asked to reason: first "I was told: " and the text, signed where the vendor signs;
* a stop sequence or the bound on tokens cuts the answer;
* one word costs one token, in and out; with "from the cache" in the text, half of the prompt's tokens are cached ones.

Dialects translate their requests to `Ask` and `Reply` to their answers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

CREATED = 1763970000  # a fixed time: equal requests get equal answers
DEEPEST_SCHEMA = 12


@dataclass
class Ask:
    """What was asked, whatever the dialect."""
    model: str
    stream: bool
    texts: List[str]                     # every text of the request, for the count
    last_text: str
    system: str = ""
    tools: Dict[str, Any] = field(default_factory=dict)    # the schemas of the parameters, by name
    forced: Optional[str] = None         # the tool that has to be called
    parallel: bool = True                # several calls at once are allowed
    tool_result: Optional[str] = None    # where the last turn is tools' results
    schema: Any = None                   # of the answer; True: JSON of any form
    images: int = 0
    thinks: bool = False                 # reasoning was asked for …
    shows_thoughts: bool = False         # … and its text
    stop: List[str] = field(default_factory=list)
    max_tokens: Optional[int] = None
    include_usage: bool = False
    choices: int = 1


@dataclass
class Call:
    name: str
    arguments: str                       # JSON text

    @property
    def value(self) -> Dict[str, Any]:
        return json.loads(self.arguments)


@dataclass
class Usage:
    input: int                           # all of the prompt, cached tokens among them
    output: int                          # all of the answer, reasoning among it
    cached: int = 0
    reasoning: int = 0


@dataclass
class Reply:
    model: str
    text: str
    calls: List[Call]
    cut_short: bool                      # max_tokens was reached
    usage: Optional[Usage]               # None: the provider does not say
    thoughts: str = ""
    stopped_at: Optional[str] = None     # the stop sequence that ended it
    soft: Optional[str] = None           # the class of a failure that is told inside a 200


def answer(ask: Ask, text: Optional[str] = None, usage: Any = None, soft: Optional[str] = None) -> Reply:
    """The reply to what was asked. `text` and `usage` override it, `usage=False` leaves the usage out."""
    calls = _calls(ask) if text is None and soft is None else []
    if text is None:
        text = "" if calls or soft else _echo(ask)
    text, stopped_at = _stopped(text, ask.stop)
    text, cut_short = _shorten(text, ask.max_tokens)
    thoughts = "I was told: " + ask.last_text if ask.thinks and not soft else ""
    output = max(1, ask.choices * words(text, *(call.arguments for call in calls))) + words(thoughts)
    prompt = words(*ask.texts)
    spent: Optional[Usage] = Usage(prompt, output, prompt // 2 if "from the cache" in ask.last_text else 0,
                                   words(thoughts))
    if usage is False:
        spent = None
    elif usage:
        spent = Usage(usage["input"], usage["output"], usage.get("cached", 0), usage.get("reasoning", 0))
    return Reply(ask.model, text, calls, cut_short, spent, thoughts, None if cut_short else stopped_at, soft)


def words(*texts: str) -> int:
    return sum(len(text.split()) for text in texts)


def pieces(text: str, size: int) -> List[str]:
    """The text in small deltas; so small that anything with a meaning is cut in two somewhere."""
    return [text[at:at + size] for at in range(0, len(text), size)]


def signature(content: str) -> str:
    """What a provider signs its reasoning with: whoever edits the one without the other is found out."""
    return base64.b64encode(b"fake signature " + hashlib.sha256(content.encode()).digest()).decode()


def fitting(schema: Any, text: str, root: Any = None, depth: int = 0) -> Any:
    """The smallest value that the JSON schema takes and that has the text in it."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > DEEPEST_SCHEMA:
        return text
    if "$ref" in schema:
        target = root
        for part in str(schema["$ref"]).lstrip("#/").split("/"):
            target = target[part]
        return fitting(target, text, root, depth + 1)
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return fitting(schema[choice][0], text, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = str(kind[0] if isinstance(kind, list) else kind or "object" if "properties" in schema else kind).lower()
    if kind == "object":
        return {name: fitting(part, text, root, depth + 1) for name, part in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [fitting(schema.get("items") or {}, text, root, depth + 1)]
    return {"integer": 1, "number": 1.5, "boolean": True, "null": None}.get(kind, text)


def _echo(ask: Ask) -> str:
    if ask.tool_result is not None:
        return "The tool said: " + ask.tool_result
    if ask.schema is not None:
        value = {"answer": ask.last_text} if ask.schema is True else fitting(ask.schema, ask.last_text)
        return json.dumps(value, ensure_ascii=False)
    if "repeat your instructions" in ask.last_text.lower():
        return ask.system
    return ask.last_text + (" (images: %d)" % ask.images if ask.images else "")


def _calls(ask: Ask) -> List[Call]:
    text = ask.last_text.lower()
    if not ask.tools or ask.tool_result is not None:
        return []
    count = 2 if "use two tools" in text and ask.parallel else 1 if "use the tool" in text else 0
    names = list(ask.tools)
    if ask.forced is not None:
        count, names = max(1, count), [ask.forced] + [name for name in names if name != ask.forced]
    return [Call(name, _arguments(ask.tools.get(name), ask.last_text))
            for name in (names[number % len(names)] for number in range(count))]


def _arguments(schema: Any, text: str) -> str:
    has_parameters = isinstance(schema, dict) and schema.get("properties")
    return json.dumps(fitting(schema, text) if has_parameters else {"query": text}, ensure_ascii=False)


def _stopped(text: str, stop: List[str]) -> "tuple[str, Optional[str]]":
    found = [(text.index(mark), mark) for mark in stop if mark and mark in text]
    if not found:
        return text, None
    at, mark = min(found)
    return text[:at], mark


def _shorten(text: str, max_tokens: Optional[int]) -> "tuple[str, bool]":
    if max_tokens is None or words(text) <= max_tokens:
        return text, False
    return "".join(re.findall(r"\s*\S+", text)[:max_tokens]), True
