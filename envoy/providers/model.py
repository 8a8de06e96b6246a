"""The model behind every fake: it repeats what it was told.

An echo is the most useful answer for a gateway that replaces values on the way out and puts them back on the way in:
what comes back shows what went out. The rules are few, so that a test can foresee them:

* the answer is the text of the last user message;
* with tools, and "use the tool" in that text: a call of the first tool with `{"query": <text>}`; "use two tools": two;
* after a tool's result: "The tool said: " and the result;
* one word costs one token, in and out.

Dialects translate their requests to `Ask` and `Reply` to their answers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

CREATED = 1763970000  # a fixed time: equal requests get equal answers


@dataclass
class Ask:
    """What was asked, whatever the dialect."""
    model: str
    stream: bool
    texts: List[str]                     # every text of the request, for the count
    last_text: str
    tools: List[str] = field(default_factory=list)
    tool_result: Optional[str] = None    # where the last turn is a tool's result
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
    input: int
    output: int


@dataclass
class Reply:
    model: str
    text: str
    calls: List[Call]
    cut_short: bool                      # max_tokens was reached
    usage: Optional[Usage]               # None: the provider does not say


def answer(ask: Ask, text: Optional[str] = None, usage: Any = None) -> Reply:
    """The reply to what was asked. `text` and `usage` override it, `usage=False` leaves the usage out."""
    calls = _calls(ask) if text is None else []
    if text is None:
        text = "" if calls else _echo(ask)
    text, cut_short = _shorten(text, ask.max_tokens)
    spent = Usage(words(*ask.texts), max(1, ask.choices * words(text, *(call.arguments for call in calls))))
    if usage is False:
        spent = None
    elif usage:
        spent = Usage(usage["input"], usage["output"])
    return Reply(ask.model, text, calls, cut_short, spent)


def words(*texts: str) -> int:
    return sum(len(text.split()) for text in texts)


def pieces(text: str, size: int) -> List[str]:
    """The text in small deltas; so small that anything with a meaning is cut in two somewhere."""
    return [text[at:at + size] for at in range(0, len(text), size)]


def _echo(ask: Ask) -> str:
    return ask.last_text if ask.tool_result is None else "The tool said: " + ask.tool_result


def _calls(ask: Ask) -> List[Call]:
    text = ask.last_text.lower()
    if not ask.tools or ask.tool_result is not None:
        return []
    count = 2 if "use two tools" in text else 1 if "use the tool" in text else 0
    arguments = json.dumps({"query": ask.last_text}, ensure_ascii=False)
    return [Call(ask.tools[number % len(ask.tools)], arguments) for number in range(count)]


def _shorten(text: str, max_tokens: Optional[int]) -> "tuple[str, bool]":
    if max_tokens is None or words(text) <= max_tokens:
        return text, False
    return "".join(re.findall(r"\s*\S+", text)[:max_tokens]), True
