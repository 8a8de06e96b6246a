"""Faults on demand: how an answer is spoilt on its way out.

A fault is a JSON object; its keys can be combined. `SHORT` names the usual ones, and a name can stand wherever a fault
can. It is ordered in one of three ways:

* `POST /_fake/faults` with `{"plan": ["429", {"delay": 0.5}, "ok"], "sticky": false}`: one entry per request, in
  order; with `sticky` the last one stays;
* a request header: `x-fake-fault: reset-headers`, or `x-fake-fault: {"end": "stall", "after": 3}`;
* the model's name: `gpt-5.4-fail-429`; more names are given by `POST /_fake/faults` with `{"named": {name: fault}}`, for
  many requests at once that each have a fault of their own.

Keys:

    error         the dialect's error of that class (rate_limited, overloaded, …) in place of an answer; CLASS/VARIANT
                  where the dialect says it in more than one way
    soft          the dialect's way to say that class inside a 200, as a reason why the answer ended; after `text`
    status        the same, chosen by HTTP status; with `error`, overrides that error's status
    retry_after   seconds, as the header of an error
    headers       more response headers
    delay         seconds before the first byte
    end, after    how the answer ends early (clean, close, reset, stall), and after what: "nothing", "headers", or a
                  number of events of a stream, of bytes of another body. `clean` is a well-formed end of the HTTP body
    body          this text instead of the answer, with the answer's status and headers
    content_type  for that text
    error_event   in a stream: this class's error event instead of the rest …
    after_events  … after so many events (0: as the first thing), comments not counted
    drip          {"bytes": n, "every": seconds}
    cut           bytes per HTTP chunk, without regard for events and characters (1: a byte at a time)
    delta         characters per text delta of a stream
    line_ends     crlf | cr | lf
    bom           true: a byte order mark first
    comments      true: comment lines between events (keep-alives)
    split_data    true: each event's JSON on several `data:` lines
    trailers      {"name": "value"} after the body
    gzip          true: content-encoding gzip
    text, usage   what the model says, and what it says that it cost ({"input": n, "output": n} or false: nothing)

This file knows HTTP bodies and event streams; what an error looks like is the dialect's business.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Union

from http1 import Action, Close, Headers, Reset, Request, Send, Stall, Wait, chunk, head, last_chunk

Fault = Dict[str, Any]

SHORT: Dict[str, Fault] = {
    "ok": {},
    "429": {"status": 429}, "500": {"status": 500}, "503": {"status": 503}, "529": {"status": 529},
    "401": {"status": 401}, "402": {"status": 402}, "404": {"status": 404}, "400": {"status": 400},
    "context": {"error": "context_length"},
    "filter": {"error": "content_filter"},
    "quota": {"error": "quota_exhausted"},
    "reset": {"end": "reset", "after": "nothing"},
    "reset-headers": {"end": "reset", "after": "headers"},
    "reset-mid": {"end": "reset", "after": 4},
    "stall": {"end": "stall", "after": "nothing"},
    "stall-headers": {"end": "stall", "after": "headers"},
    "stall-mid": {"end": "stall", "after": 4},
    "truncated": {"end": "clean", "after": 4},
    "closed": {"end": "close", "after": 4},
    "empty": {"body": ""},
    "garbage": {"body": "\x00\x01{{{ not json at all"},
    "html": {"body": "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
             "content_type": "text/html"},
    "error-first": {"error_event": "overloaded", "after_events": 0},
    "error-mid": {"error_event": "overloaded", "after_events": 4},
    "slow": {"delay": 2.0},
    "drip": {"drip": {"bytes": 7, "every": 0.01}},
    "bytes": {"cut": 1},
    "crlf": {"line_ends": "crlf"}, "cr": {"line_ends": "cr"}, "bom": {"bom": True},
    "comments": {"comments": True}, "split-data": {"split_data": True},
    "trailers": {"trailers": {"x-fake-trailer": "1"}},
    "gzip": {"gzip": True},
    "no-usage": {"usage": False},
}

KEYS = {"error", "soft", "status", "retry_after", "headers", "delay", "end", "after", "body", "content_type", "error_event",
        "after_events", "drip", "cut", "delta", "line_ends", "bom", "comments", "split_data", "trailers", "gzip",
        "text", "usage"}

LINE_ENDS = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


class UnknownFault(ValueError):
    """What was ordered is not in the vocabulary above."""


@dataclass
class Event:
    """One server-sent event."""
    data: str
    name: Optional[str] = None
    raw: bool = False                      # these bytes as they stand: a comment, or something that is no event at all

    @property
    def comment(self) -> bool:
        return self.raw and self.data.startswith(":")


@dataclass
class Answer:
    """What the provider would send if nothing went wrong: one body, or a stream of events."""
    status: int
    headers: Headers
    body: bytes = b""
    events: Optional[List[Event]] = None
    content_type: str = "application/json"


def parse(order: Union[str, Fault]) -> Fault:
    """A fault from its name, its JSON text, or as it is."""
    if isinstance(order, str):
        if order.lstrip().startswith("{"):
            order = json.loads(order)
        elif order in SHORT:
            return dict(SHORT[order])
        else:
            raise UnknownFault("unknown fault %r; known: %s" % (order, ", ".join(SHORT)))
    unknown = set(order) - KEYS
    if unknown:
        raise UnknownFault("unknown keys %s; known: %s" % (sorted(unknown), ", ".join(sorted(KEYS))))
    return dict(order)


def ordered_by(request: Request, model: str, named: Dict[str, Fault]) -> Optional[Fault]:
    """The fault that the request itself orders, by header or by the model's name."""
    header = request.header("x-fake-fault")
    if header:
        return parse(header)
    if "-fail-" in model:
        name = model.rsplit("-fail-", 1)[1]
        return dict(named[name]) if name in named else parse(name)
    return None


def script(answer: Answer, fault: Fault) -> List[Action]:
    """The answer, spoilt by the fault, as actions for `http1.play`."""
    actions: List[Action] = [Wait(fault["delay"])] if fault.get("delay") else []
    if fault.get("after") == "nothing":
        return actions + _ending(fault["end"])
    pieces, complete = _pieces(answer, fault)
    trailers = list((fault.get("trailers") or {}).items())
    # A stream's length is not known beforehand; trailers and odd cuts exist only in chunks; a broken length is made by
    # `close`.
    chunked = answer.events is not None or bool(trailers) or "cut" in fault or "drip" in fault
    headers = list(answer.headers) + list((fault.get("headers") or {}).items())
    headers.append(("content-type", fault.get("content_type", answer.content_type)))
    if fault.get("gzip"):
        headers.append(("content-encoding", "gzip"))
        pieces = _gzipped(pieces)
    if chunked:
        headers.append(("transfer-encoding", "chunked"))
    else:
        whole = len(answer.body) if fault.get("end") in ("close", "reset", "stall") else sum(map(len, pieces))
        headers.append(("content-length", str(whole)))
    actions.append(Send(head(answer.status, headers)))
    if fault.get("after") == "headers" and fault["end"] != "clean":
        return actions + _ending(fault["end"])
    actions += _body(pieces, fault, chunked)
    if not complete and fault["end"] != "clean":
        return actions + _ending(fault["end"])
    return actions + ([Send(last_chunk(trailers))] if chunked else [])


def _ending(end: str) -> List[Action]:
    # A peer may drop what it has not read yet when a reset arrives: let it read first.
    return [Wait(0.05), {"reset": Reset, "stall": Stall, "close": Close}[end]()]


def _pieces(answer: Answer, fault: Fault) -> "tuple[List[bytes], bool]":
    """The body in the pieces that the provider would write, up to where it ends; and whether that is its real end."""
    if "body" in fault:
        pieces = [fault["body"].encode("utf-8")]
    elif answer.events is None:
        pieces = [answer.body]
    else:
        pieces = _stream(answer.events, fault)
    if "end" not in fault:
        return pieces, True
    after = 0 if fault["after"] == "headers" else int(fault["after"])
    if answer.events is None or "body" in fault:
        return [b"".join(pieces)[:after]], False
    return pieces[:after], False


def first_events(events: List[Event], count: int) -> List[Event]:
    """So many events, and the comments before and between them."""
    kept: List[Event] = []
    for event in events:
        count -= not event.comment
        if count < 0:
            break
        kept.append(event)
    return kept


def _stream(events: List[Event], fault: Fault) -> List[bytes]:
    """A piece for each event; a comment goes with the event that it precedes."""
    end = LINE_ENDS[fault.get("line_ends", "lf")]
    pieces: List[bytes] = []
    waiting = b""
    for event in events:
        encoded = _encode(event, end, bool(fault.get("split_data")))
        if event.comment:
            waiting += encoded
            continue
        if fault.get("comments"):
            pieces.append(b": keep-alive" + end + end)
        pieces.append(waiting + encoded)
        waiting = b""
    if fault.get("bom") and pieces:
        pieces[0] = b"\xef\xbb\xbf" + pieces[0]
    return pieces


def _encode(event: Event, end: bytes, split: bool) -> bytes:
    data = event.data
    if event.raw:
        return data.encode("utf-8")
    if split and data.startswith("{"):
        data = json.dumps(json.loads(data), indent=1, ensure_ascii=False)
    lines = (["event: " + event.name] if event.name else []) + ["data: " + line for line in data.split("\n")]
    return end.join(line.encode("utf-8") for line in lines) + end + end


def _gzipped(pieces: List[bytes]) -> List[bytes]:
    if len(pieces) == 1:
        return [gzip.compress(pieces[0], mtime=0)]
    packer = zlib.compressobj(wbits=31)
    packed = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return packed + [packer.flush()]


def _body(pieces: List[bytes], fault: Fault, chunked: bool) -> List[Action]:
    drip = fault.get("drip")
    size = drip["bytes"] if drip else fault.get("cut")
    if size:
        whole = b"".join(pieces)
        pieces = [whole[at:at + size] for at in range(0, len(whole), size)]
    actions: List[Action] = []
    for piece in pieces:
        if drip:
            actions.append(Wait(drip["every"]))
        actions.append(Send(chunk(piece) if chunked else piece))
    return actions
