"""Every way to fail of every kind of provider: what the caller saw, what was tried, what was charged.

Each case is one request whose first target fails in one way; its model's name tells the fake in which. All requests are
made at once, a few at a time; the tests then look at what came of them. FAULTS.md is made from the cases that went as
they have to: `make tables`.
"""

import asyncio
import json
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

import httpx
import pytest

import kinds
from harness import PROVIDERS
from house import user
from kinds import MODELS
from wire import CHAT

TEXT = "The quick brown fox jumps over the lazy dog and is not seen again by anybody around here."
AT_ONCE = 12
MOST_SECONDS = 12.0
PATIENCE = "1500ms"                        # of the chains whose provider says nothing

# Events of a stream before the first one with text in it.
BEFORE_TEXT = {"azure_openai": 2, "anthropic": 3, "gemini": 0}
SLOW = {"drip": {"bytes": 400, "every": 0.01}, "delta": 4}
# Classes that a provider can tell when it has already begun to answer.
LATER = ("rate_limited", "quota_exhausted", "overloaded", "server_error", "timeout", "content_filter", "context_length")
AS_IT_IS = ("openai", "azure_openai", "deepseek", "qwen", "openrouter", "openai_compatible")
FINAL = ("too_large", "invalid_request")   # not asked again elsewhere


# Each case has a model and a caller's key of its own: what rests or fails too often matters to no other.
BY_KEY = {**{kind: dict(kinds.provider(kind), credential={"passthrough": "any"}) for kind in PROVIDERS},
          **{"backup_" + kind: kinds.provider(kind) for kind in ("openai", "anthropic")}}

# What does not go as it has to yet, by kind: which cases, and why.
KNOWN: Dict[str, Any] = {}


@dataclass
class Case:
    kind: str
    position: str
    error: str                             # class, or CLASS/VARIANT
    stream: bool
    fault: Dict[str, Any]
    alone: bool = False                    # there is no other target
    midway: bool = False                   # something has reached the caller when it happens
    lost: bool = False                     # the connection is lost, so the end is Envoy's
    patience: Optional[str] = None
    number: int = 0
    saw: Dict[str, Any] = field(default_factory=dict)
    record: Dict[str, Any] = field(default_factory=dict)
    told: List[Dict[str, Any]] = field(default_factory=list)     # the usage of each answer, as the fakes reported it

    @property
    def name(self):
        return "case%d" % self.number

    @property
    def expected(self):
        return self.error.split("/")[0]

    @property
    def backup(self):
        """The kind of the second target, as a provider of its own (BACKUPS)."""
        return "anthropic" if self.kind == "openai" else "openai"

    @property
    def models(self):
        return "%s-fail-%s" % (MODELS[self.kind], self.name), "%s-for-%s" % (MODELS[self.backup], self.name)

    def chain(self):
        first, second = ("%s/%s" % pair for pair in zip((self.kind, "backup_" + self.backup), self.models))
        chain = {"targets": [first] if self.alone else [first, second]}
        if self.patience:
            chain["timeouts"] = {"first_token": self.patience, "answer": self.patience}
        return chain

    def __str__(self):
        return "%s, %s, %s, %s%s" % (self.kind, self.position, self.error, "stream" if self.stream else "JSON",
                                     ", alone" if self.alone else "")


def cases_of(kind, can):
    """All cases of a kind, given what its fake can say."""
    first = BEFORE_TEXT.get(kind, 1)
    for error in can["errors"]:
        for stream in (False, True):
            for alone in (False, True):
                yield Case(kind, "as a status", error, stream, {"error": error}, alone)
        if error.split("/")[0] not in LATER or error in can["in_front"]:
            continue
        yield Case(kind, "as an error in a 200", error, False, {"error": error, "status": 200})
        yield Case(kind, "as the first event", error, True, {"error_event": error, "after_events": 0})
        if first:
            yield Case(kind, "before the first text", error, True, {"error_event": error, "after_events": first})
        yield Case(kind, "midway", error, True, {"error_event": error, "after_events": first + 8, **SLOW}, midway=True)
    for soft in can["soft"]:
        for stream in (False, True):
            yield Case(kind, "as the reason of an empty answer's end", soft, stream, {"soft": soft})
    for stream in (False, True):
        for alone in (False, True):
            yield Case(kind, "connection reset before the head", "server_error", stream,
                       {"end": "reset", "after": "nothing"}, alone, lost=True)
            yield Case(kind, "silence before the head", "timeout", stream, {"end": "stall", "after": "nothing"}, alone,
                       lost=True, patience=PATIENCE)
        yield Case(kind, "connection reset behind the head", "server_error", stream,
                   {"end": "reset", "after": "headers"}, lost=True)
        yield Case(kind, "silence behind the head", "timeout", stream, {"end": "stall", "after": "headers"}, lost=True,
                   patience=PATIENCE)
        for what, body in (("garbage", "\x00\x01{{{ no json"), ("nothing", ""), ("a page", "<html>502</html>")):
            yield Case(kind, "%s in a 200" % what, "broken_response", stream, {"body": body})
    yield Case(kind, "cut in the middle, as if whole", "broken_response", False, {"end": "clean", "after": 60})
    yield Case(kind, "connection closed in the middle", "server_error", False, {"end": "close", "after": 60}, lost=True)
    yield Case(kind, "a clean end before the first text", "broken_response", True, {"end": "clean", "after": first})
    yield Case(kind, "connection reset before the first text", "server_error", True, {"end": "reset", "after": first},
               lost=True)
    yield Case(kind, "a clean end midway", "broken_response", True, {"end": "clean", "after": first + 8, **SLOW},
               midway=True)
    # Envoy does not tell a filter that a connection was lost when the answer had begun: it is a stream without an end.
    for end in ("reset", "close"):
        yield Case(kind, "connection %s midway" % end, "broken_response", True, {"end": end, "after": first + 8, **SLOW},
                   midway=True, lost=True)


# ── The run ─────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture(scope="session")
def ran(gateways, _fakes):
    cases: List[Case] = []
    for kind in PROVIDERS:
        cases += cases_of(kind, _fakes[kind].errors())
    for number, case in enumerate(cases):
        case.number = number

    chains = {case.name: case.chain() for case in cases}
    windows = {name: {"context": size} for case in cases if case.expected == "context_length"
               for name, size in zip(case.models, (100_000, 2_000_000))}
    gateway = gateways.get(policy=kinds.policy([kinds.route(case.name, case.name) for case in cases], providers=BY_KEY,
                                               chains=chains, models=windows))
    for kind in PROVIDERS:
        gateway.fake[kind].named_faults({case.name: case.fault for case in cases if case.kind == kind})
    started = time.monotonic()
    asyncio.run(ask_all(gateway, cases))
    records = {record["tollgate.caller"]: record for record in gateway.records(len(cases), 10)}
    told = defaultdict(list)
    for kind in PROVIDERS:
        for request in gateway.fake[kind].requests():
            told[request["model"]].append(request["usage"])
    for case in cases:
        case.record = records.get(case.name, {})
        case.told = [usage for model in case.models for usage in told[model]]
    return cases, time.monotonic() - started


async def ask_all(gateway, cases):
    room = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=MOST_SECONDS) as client:
        async def one(case):
            async with room:
                case.saw = await ask(client, case)
        await asyncio.gather(*map(one, cases))


async def ask(client, case):
    """What the caller sees: the status, the body or the events, and how it ended."""
    body = {"model": case.name, "messages": user(TEXT), "stream": case.stream}
    headers = {"authorization": "Bearer key-of-" + case.name, "x-team": case.name}
    saw: Dict[str, Any] = {"status": None, "body": "", "ended": False}
    started = time.monotonic()
    try:
        async with client.stream("POST", CHAT, json=body, headers=headers) as answer:
            saw["status"] = answer.status_code
            saw["provider"] = answer.headers.get("x-tollgate-provider")
            async for piece in answer.aiter_text():
                saw["body"] += piece
        saw["ended"] = True
    except httpx.TimeoutException:
        saw["hung"] = True
    except httpx.HTTPError as error:
        saw["broken"] = repr(error)
    saw["seconds"] = time.monotonic() - started
    return saw


# ── What has to have come of it ─────────────────────────────────────────────────────────────────────────────────────

def read(case):
    """The text that the caller read, the error that it was told, and whether the end looks clean."""
    saw = case.saw
    if not (case.stream and saw["status"] == 200):
        try:
            body = json.loads(saw["body"]) if saw["ended"] else {}
        except ValueError:
            return "", None, True
        if "error" in body:
            return "", body["error"], False
        return body["choices"][0]["message"]["content"] if body.get("choices") else "", None, saw["ended"]
    text, error, clean = "", None, False
    for data in re.findall(r"^data: (.*)$", saw["body"], re.MULTILINE):
        if data == "[DONE]":
            clean = True
            continue
        event = json.loads(data)
        error = event.get("error") or error
        for choice in event.get("choices") or []:
            text += choice["delta"].get("content") or ""
            clean = clean or choice.get("finish_reason") not in (None, "error")
    return text, error, clean and saw["ended"]


def wrong(case, statuses):
    """Why what came of it is not what has to come of it; None if it is."""
    text, error, clean = read(case)
    saw = case.saw
    if saw.get("hung") or saw["seconds"] > MOST_SECONDS:
        return "it hung"
    tried = [(attempt["provider"], attempt.get("class")) for attempt in case.record.get("tollgate.attempts", [])]
    first, rest = (case.kind, case.expected), []
    if case.midway:
        if clean:
            return "a broken stream ended as if whole"
        if saw["status"] != 200 or not text or not TEXT.startswith(text):
            return "status %s and the text %r" % (saw["status"], text)
        if not (error or case.lost and not saw["ended"]):
            return "neither an error nor a lost connection: %r" % saw["body"][-200:]
    elif case.alone or case.expected in FINAL:
        status = statuses.get(case.error) if case.position == "as a status" else None
        if not in_callers_words(case.kind, error):
            return "no error in the caller's dialect: %s %r" % (saw["status"], saw["body"][-300:])
        if saw["status"] != status if status else saw["status"] < 400:
            return "status %s, not %s" % (saw["status"], status or "an error's")
    else:
        rest = [("backup_" + case.backup, None)]
        if (saw["status"], text, error, clean) != (200, TEXT, None, True):
            return "status %s, text %r, error %s" % (saw["status"], text, error)
    if tried != [first] + rest:
        return "tried %s" % tried
    return wrong_charge(case)


def in_callers_words(kind, error):
    """OpenAI's form of an error. Who speaks its dialect may say more or less, and passes as it is."""
    if isinstance(error, str):
        return kind == "openai_compatible" and bool(error)
    return bool(error and error.get("message")) and (
        kind in AS_IT_IS or set(error) == {"message", "type", "param", "code"})


def charged(case):
    return case.record.get("gen_ai.usage.input_tokens", 0), case.record.get("gen_ai.usage.output_tokens", 0)


def wrong_charge(case):
    """What the fakes said that it cost is what the record says; where they did not get to say it, an estimate."""
    estimated = case.record.get("tollgate.usage_estimated")
    if case.midway:
        return None if estimated and all(charged(case)) else "charged %s, estimated %s" % (charged(case), estimated)
    said = [usage for usage in case.told if usage]
    answered = [usage for usage in said[-1:] if case.saw["status"] == 200]
    least = sum(usage["input"] + usage["output"] for usage in answered)
    most = sum(usage["input"] + usage["output"] for usage in said)
    total = sum(charged(case))
    return None if least <= total <= most or estimated and total else "charged %s, told %s" % (charged(case), case.told)


def outcome(case):
    """The case in the words of the table."""
    _, error, _ = read(case)
    if case.midway:
        saw = "error event" if error else "reset"
    else:
        saw = "%d" % case.saw["status"]
    tried = " → ".join(re.sub("^backup_.*", "backup", attempt["provider"]) + (" (%s)" % attempt["class"] if attempt.get("class") else "")
                       for attempt in case.record["tollgate.attempts"])
    charge = "estimated" if case.record.get("tollgate.usage_estimated") and sum(charged(case)) else \
        "as told" if sum(charged(case)) else "nothing"
    return {"saw": saw, "tried": tried, "charged": charge}


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("kind", PROVIDERS)
def test_every_way_to_fail(ran, _fakes, fault_table, kind, stream):
    cases = [case for case in ran[0] if (case.kind, case.stream) == (kind, stream)]
    statuses = _fakes[kind].errors()["errors"]
    problems = []
    for case in cases:
        problem = wrong(case, statuses)
        cell = dict(kind=kind, position=case.position, error=case.error, stream=stream, alone=case.alone)
        matches, why = KNOWN.get(kind, (lambda _: False, ""))
        known = why if matches(case) else None
        if known:
            problem = None if problem else "works by now: take it out of KNOWN"
        if known and not problem:
            fault_table.add(dict(cell, saw="wrong", tried=known, charged=""))
        elif problem:
            problems.append("%s: %s" % (case, problem))
        else:
            fault_table.add(dict(cell, **outcome(case)))
    assert not problems, "%d of %d:\n%s" % (len(problems), len(cases), "\n".join(problems))


def test_the_whole_matrix_is_run_in_reasonable_time(ran):
    cases, seconds = ran
    assert len(cases) > 900 and seconds < 180
