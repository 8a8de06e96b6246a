"""What most tests share: one policy, so that they can share one Envoy, and the values that must not leave.

Providers stand in the policy as in the shipped configurations. A chain per question: who is asked first, who speaks
another dialect, who is given little time.
"""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any, Dict, Iterable, List, Optional

EMAIL = "anna.keller@example.org"
OTHER_EMAIL = "ben_2@example.net"
CARD = "4111 1111 1111 1111"
EMPLOYEE = "EMP-204817"
# A value that needs every kind of escape when it stands in JSON, and once more when that JSON stands in a string.
AWKWARD = '§a "quoted" \\ back\\slash\nnew line\tüñ😀§'
TEXT = "Write to %s and to %s about %s, then to %s again." % (EMAIL, OTHER_EMAIL, CARD, EMAIL)
REDACTED = "Write to <EMAIL_1> and to <EMAIL_2> about <CREDIT_CARD_1>, then to <EMAIL_1> again."


def secret() -> str:
    """Looks like a key, is none; never in one piece in a file."""
    return "sk-proj-" + "LityuVZk" + "-Wzc0OZtTC4TuoBmSUmQJVYq1"


HOUSE: Dict[str, Any] = {
    "version": 1,
    "callers": {"identify": [{"header": "x-team"}], "unknown": "allow"},
    "providers": {
        # Callers of every dialect hold keys for it.
        "openai": {"dialect": "openai", "cluster": "openai", "retention": "opt_out", "credential": {"passthrough": "any"}},
        "deepseek": {"dialect": "deepseek", "cluster": "deepseek", "credential": {"env": "DEEPSEEK_API_KEY"}},
        "anthropic": {"dialect": "anthropic", "cluster": "anthropic", "credential": {"env": "ANTHROPIC_API_KEY"}},
        # A gateway inside the house, behind the same cluster as OpenAI, that asks for a header and a field of its own.
        "inner": {"dialect": "openai_compatible", "cluster": "openai", "host": "llm.internal", "path_prefix": "/inner",
                  "credential": "passthrough",
                  "opt_out": {"headers": {"x-no-log": "yes"}, "body": {"provider": {"data_collection": "deny"}}}},
    },
    "models": {"house-llama": {"provider": "inner", "input_usd_per_mtok": 0, "output_usd_per_mtok": 0}},
    "chains": {
        "premium": {"targets": ["openai/gpt-5.4", "deepseek/deepseek-v4-pro", "anthropic/claude-sonnet-5"]},
        "economy": {"targets": ["deepseek/deepseek-v4-flash", "openai/gpt-5.4-nano", "anthropic/claude-haiku-4-5"]},
        "impatient": {"targets": ["openai/gpt-5.4", "deepseek/deepseek-v4-pro", "anthropic/claude-sonnet-5"],
                      "cluster": "premium", "timeouts": {"first_token": "400ms", "answer": "400ms", "total": "10s"}},
        "claude": {"targets": ["anthropic/claude-sonnet-5"], "cluster": "anthropic"},
        "claude-first": {"targets": ["anthropic/claude-sonnet-5", "openai/gpt-5.4"]},
    },
    "routes": [
        {"name": "smart", "when": {"model": "smart"}, "use": "premium"},
        {"name": "cheap", "when": {"model": "cheap"}, "use": "economy"},
        {"name": "impatient", "when": {"model": "impatient"}, "use": "impatient"},
        {"name": "claude", "when": {"model": "claude"}, "use": "claude"},
        {"name": "claude-first", "when": {"model": "claude-first"}, "use": "claude-first"},
    ],
    "data": {
        "find": {"secret": "block", "ip_address": "report"},
        "allow": ["support@example.com", {"pattern": "test-\\d+@example\\.com"}],
        "custom": [
            {"name": "employee_id", "pattern": "EMP-\\d{6}", "action": "redact"},
            {"name": "awkward", "pattern": "§[^§]*§", "action": "redact"},
            {"name": "codeword", "pattern": "OPERATION-[A-Z]{4}", "action": "block"},
        ],
        "key": {"env": "TOLLGATE_KEY"},
    },
    # What one test makes a provider do must not decide where another's requests go.
    "health": "off",
    "limits": {"body": "256KiB"},
    "budgets": [{"name": "team-month", "per": ["caller"], "limit": {"tokens": 50000000}, "window": "month",
                 "at": [{"percent": 100, "reject": True}]}],
    "timeouts": {"total": "30s", "first_token": "10s", "between_tokens": "10s", "answer": "15s"},
}


def house(**changes: Any) -> Dict[str, Any]:
    """The policy with other sections."""
    return dict(copy.deepcopy(HOUSE), **changes)


_teams = itertools.count(1)


def team() -> str:
    """A caller whom no test has used."""
    return "team-%d" % next(_teams)


def user(text: Any, **more: Any) -> List[Dict[str, Any]]:
    return [dict({"role": "user", "content": text}, **more)]


def body(text: str = TEXT, model: str = "smart", **more: Any) -> bytes:
    return json.dumps(dict({"model": model, "messages": user(text)}, **more), ensure_ascii=False).encode()


def said(chunks: Iterable[Any]) -> str:
    """The text of a streamed chat completion."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def calls_of(chunks: Iterable[Any]) -> "tuple[List[tuple[str, Any]], Optional[str]]":
    """The tool calls of a streamed chat completion, and why it stopped."""
    calls: Dict[int, List[str]] = {}
    finish = None
    for choice in (chunk.choices[0] for chunk in chunks if chunk.choices):
        for call in choice.delta.tool_calls or []:
            name_and_arguments = calls.setdefault(call.index, ["", ""])
            name_and_arguments[0] += call.function.name or ""
            name_and_arguments[1] += call.function.arguments or ""
        finish = choice.finish_reason or finish
    return [(name, json.loads(arguments)) for name, arguments in calls.values()], finish


TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
         for name in ("find", "count")]


def prompt_at(gateway: Any, provider: str) -> str:
    """The last message of the only request that the provider got."""
    (request,) = gateway.fake[provider].requests()
    return request["json"]["messages"][-1]["content"]


def asked(gateway: Any) -> List[str]:
    """The providers that were asked, each as often as it was."""
    return sorted(request["provider"] for fake in ("openai", "deepseek", "anthropic")
                  for request in gateway.fake[fake].requests())


def spellings(value: str) -> List[str]:
    """How a value may be written where it must not be."""
    once = json.dumps(value, ensure_ascii=False)[1:-1]
    escaped = json.dumps(value)[1:-1]
    all_of_them = [value, once, escaped, json.dumps(once)[1:-1], json.dumps(escaped)[1:-1]]
    if value == CARD:
        all_of_them += [value.replace(" ", ""), value.replace(" ", "-")]
    return sorted(set(all_of_them))


def places(gateway: Any) -> Dict[str, str]:
    """Everything that leaves: what providers got, what Envoy logged, records and metrics."""
    texts = {"log": gateway.log, "metrics": gateway.metrics().text,
             "access log and records": gateway.envoy.process.out.read_text("utf-8", "replace")}
    for name in ("openai", "deepseek", "anthropic"):
        for number, request in enumerate(gateway.fake[name].requests()):
            texts["%s, request %d" % (name, number)] = json.dumps(
                [request["path"], request["headers"], request["trailers"]], ensure_ascii=False) + request["body"]
    return texts


def assert_nowhere(gateway: Any, *values: str, but: Iterable[str] = ()) -> None:
    """None of the values has left, whatever the spelling."""
    for place, text in places(gateway).items():
        for value in values:
            for spelling in spellings(value):
                assert spelling not in text or any(place.startswith(allowed) for allowed in but), \
                    "%r in %s" % (spelling, place)
