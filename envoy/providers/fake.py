"""Fake providers for the demo and the tests: real wire formats, no network, faults on demand.

    python3 envoy/providers/fake.py --openai 11001 --deepseek 11002 --anthropic 11003 --gemini 11004

Each provider listens on its own loopback port; port 0 lets the system choose. The first line on standard output is a
JSON object of the ports in use. Answers are made by `model.py`, formats by one file per provider, trouble by
`faults.py`.

Every port has these as well, for whoever runs the fakes; they are about that port's provider:

    GET    /_fake/requests    what was received: method, path, headers, body as text and as base64, model; usage that the
                              answer had, how it ended
    DELETE /_fake/requests    forget them, and the sums
    GET    /_fake/errors      what it can say: {"errors": {class: status}, "in_front": [class, …], "soft": [class, …]}; in
                              front: by a proxy, soft: inside a 200
    GET    /_fake/usage       {"requests": n, "answers": n, "input": tokens, "output": tokens} as reported to callers
    POST   /_fake/faults      {"plan": [fault, …], "sticky": false, "named": {name: fault}, "provider": name}; see faults.py
    DELETE /_fake/faults      as it was
    DELETE /_fake/everything  both of them, for all providers of the process
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import signal
import sys
from typing import Any, Dict, List, Optional, Tuple

import anthropic
import azure_openai
import deepseek
import faults
import gemini
import mistral
import model
import openai
import openai_compatible
import openrouter
import qwen
from dialect import Endpoint, Vendor
from faults import Answer, Fault, UnknownFault
from http1 import MAX_HEAD, BadRequest, Request, play, read_request

DIALECTS: Dict[str, Vendor] = {vendor.name: vendor for module in (
    openai, azure_openai, anthropic, gemini, deepseek, qwen, mistral, openrouter, openai_compatible)
    for vendor in module.VENDORS}

# What a bare status means, where a fault names no error.
ERROR_OF_STATUS = {400: "invalid_request", 401: "auth", 402: "quota_exhausted", 404: "not_found", 413: "too_large",
                   429: "rate_limited", 500: "server_error", 503: "overloaded", 504: "timeout", 529: "overloaded"}


class Provider:
    """One fake: its dialect, what it received, and the faults it was told to commit."""

    def __init__(self, dialect: Vendor):
        self.dialect = dialect
        self.behave()
        self.forget()

    def behave(self) -> None:
        self.plan: List[Fault] = []
        self.named: Dict[str, Fault] = {}
        self.sticky = False

    def forget(self) -> None:
        self.requests: List[Dict[str, Any]] = []
        self.usage = {"requests": 0, "answers": 0, "input": 0, "output": 0}

    def record(self, request: Request) -> Dict[str, Any]:
        entry = {
            "provider": self.dialect.name, "method": request.method, "path": request.path,
            "headers": request.headers, "trailers": request.trailers,
            "body": request.body.decode("utf-8", "replace"), "body_base64": base64.b64encode(request.body).decode(),
            "ended": "unfinished", "model": None, "usage": None,
        }
        self.requests.append(entry)
        self.usage["requests"] += 1
        return entry

    def next_fault(self, request: Request, name: str) -> Fault:
        asked = faults.ordered_by(request, name, self.named)
        if asked is not None:
            return asked
        if not self.plan:
            return {}
        if self.sticky and len(self.plan) == 1:
            return self.plan[0]
        return self.plan.pop(0)

    def answer(self, request: Request, entry: Dict[str, Any]) -> Tuple[Answer, Fault]:
        """What to send, and how to spoil it. A request that is wrong is refused before any fault is spent on it."""
        endpoint = self.dialect.endpoint(request)
        if endpoint is None:
            return self.dialect.no_such_path(), {}
        body = None if endpoint.bodiless else _parsed(request.body)
        refusal = self.dialect.refuses_key(request) or endpoint.refuses(request, body)
        if refusal:
            return refusal, {}
        entry["model"] = endpoint.model(request, body)
        fault = self.next_fault(request, entry["model"])
        if "error" in fault or "status" in fault:
            return self.error(endpoint, fault), fault
        at_once = endpoint.at_once(request, body)
        if at_once:
            self.charge(at_once[1], entry)
            return at_once[0], fault
        ask = endpoint.ask(request, body)
        reply = model.answer(ask, fault.get("text"), fault.get("usage"), fault.get("soft"))
        answer = endpoint.stream(ask, reply, fault.get("delta")) if ask.stream else endpoint.whole(ask, reply)
        if "error_event" in fault and answer.events is not None:
            # Comments do not count, so that a place in the stream is the same place with every provider.
            kept = faults.first_events(answer.events, fault.get("after_events", 0))
            answer.events = kept + endpoint.error_event(fault["error_event"])
        self.charge(reply.usage, entry)
        return answer, fault

    def error(self, endpoint: Endpoint, fault: Fault) -> Answer:
        status = fault.get("status")
        kind = fault.get("error") or ERROR_OF_STATUS.get(status, "server_error")
        if kind not in self.dialect.errors:
            raise UnknownFault("%s has no error %r" % (self.dialect.name, kind))
        answer = endpoint.error(kind)
        answer.status = status or answer.status
        if "retry_after" in fault:
            answer.headers = [pair for pair in answer.headers if not pair[0].startswith("retry-after")]
            answer.headers.append(("retry-after", str(fault["retry_after"])))
        return answer

    def charge(self, usage: Optional[model.Usage], entry: Dict[str, Any]) -> None:
        self.usage["answers"] += 1
        if usage:
            entry["usage"] = {"input": usage.input, "output": usage.output}
            self.usage["input"] += usage.input
            self.usage["output"] += usage.output


class Fakes:
    """All providers of this process."""

    def __init__(self, names: List[str]):
        self.providers = {name: Provider(DIALECTS[name]) for name in names}

    async def serve(self, provider: Provider, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                request = await read_request(reader)
                if request is None:
                    break
                if request.path.startswith("/_fake/"):
                    await play(faults.script(self.control(provider, request), {}), reader, writer)
                else:
                    await self.exchange(provider, request, reader, writer)
                if (request.header("connection") or "").lower() == "close":
                    break
        except (BadRequest, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # a client that breaks off or talks nonsense ends its own connection only
        finally:
            writer.close()

    async def exchange(self, provider: Provider, request: Request, reader: asyncio.StreamReader,
                       writer: asyncio.StreamWriter) -> None:
        entry = provider.record(request)
        try:
            script = faults.script(*provider.answer(request, entry))
        except (UnknownFault, KeyError, TypeError, AttributeError) as error:
            problem = Answer(500, [], json.dumps({"fake": repr(error)}).encode())
            script = faults.script(problem, {})
        entry["ended"] = await play(script, reader, writer)

    def control(self, provider: Provider, request: Request) -> Answer:
        what = (request.method, request.path)
        if what == ("GET", "/_fake/requests"):
            return _json_answer(provider.requests)
        if what == ("GET", "/_fake/errors"):
            errors = provider.dialect.errors
            return _json_answer({"errors": {kind: error.status for kind, error in errors.items()},
                                 "in_front": [kind for kind, error in errors.items() if error.in_front],
                                 "soft": list(provider.dialect.soft)})
        if what == ("GET", "/_fake/usage"):
            return _json_answer(provider.usage)
        if what == ("DELETE", "/_fake/requests"):
            provider.forget()
            return _json_answer({})
        if what == ("DELETE", "/_fake/faults"):
            provider.behave()
            return _json_answer({})
        if what == ("DELETE", "/_fake/everything"):
            for each in self.providers.values():
                each.behave()
                each.forget()
            return _json_answer({})
        if what == ("POST", "/_fake/faults"):
            return self.order(provider, request)
        return _json_answer({"error": "unknown control request"}, 404)

    def order(self, provider: Provider, request: Request) -> Answer:
        try:
            order = json.loads(request.body)
            provider = self.providers[order.get("provider", provider.dialect.name)]
            plan = [faults.parse(entry) for entry in order.get("plan", [])]
            named = {name: faults.parse(entry) for name, entry in order.get("named", {}).items()}
        except (ValueError, KeyError, AttributeError) as error:
            return _json_answer({"error": repr(error)}, 400)
        provider.plan, provider.sticky = plan, bool(order.get("sticky"))
        provider.named.update(named)
        return _json_answer({"planned": len(plan)})


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, [], json.dumps(value).encode())


async def run(ports: Dict[str, int]) -> None:
    fakes = Fakes(list(ports))
    chosen = {}
    for name, port in ports.items():
        provider = fakes.providers[name]
        server = await asyncio.start_server(
            lambda reader, writer, provider=provider: fakes.serve(provider, reader, writer),
            "127.0.0.1", port, limit=MAX_HEAD, backlog=1024)
        chosen[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(chosen), flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def main(arguments: List[str]) -> None:
    parser = argparse.ArgumentParser(description="Fake LLM providers on loopback ports.")
    for name in DIALECTS:
        parser.add_argument("--" + name.replace("_", "-"), type=int, metavar="PORT", dest=name)
    ports = {name: port for name, port in vars(parser.parse_args(arguments)).items() if port is not None}
    if not ports:
        parser.error("name at least one provider and its port")
    asyncio.run(run(ports))


if __name__ == "__main__":
    main(sys.argv[1:])
