"""What all fakes have in common, whatever they speak: endpoints, errors, and whose key a key is.

A vendor is a set of endpoints, found by method and path. An endpoint says what of a request the real one would not
take, reads the request into `model.Ask`, and writes `model.Reply` as one body or as a stream.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import parse_qs, urlsplit

import model
from faults import Answer, Event
from http1 import Headers, Request

DEFAULT_DELTA = 4
SSE = "text/event-stream; charset=utf-8"

CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
# Keys whose owner can be told by their looks; those that the test gateway gives to a provider say it themselves.
OWNERS = {"sk-ant-": "anthropic", "sk-or-": "openrouter", "sk-proj-": "openai", "AIza": "gemini"}


@dataclass
class Error:
    """One error in a vendor's words."""
    status: int
    body: Any                            # JSON, or text that is sent as it stands
    headers: Headers = field(default_factory=list)
    content_type: str = "application/json"
    in_front: bool = False               # said by a proxy in front of the provider, so never in a 200


def page(status: int, title: str) -> Error:
    """What the proxy in front of a provider says when the provider itself says nothing."""
    text = "<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%d %s</h1></center>\r\n" \
           "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n" % (status, title, status, title)
    return Error(status, text, [], "text/html", True)


class Endpoint:
    """One operation of a vendor. Those that answer without the model override `at_once`."""

    method = "POST"
    bodiless = False

    def __init__(self, vendor: "Vendor"):
        self.vendor = vendor

    def model(self, request: Request, body: Any) -> str:
        return str((body or {}).get("model") or "")

    def refuses(self, request: Request, body: Any) -> Optional[Answer]:
        """The error for a request that the vendor would not take."""
        return None

    def at_once(self, request: Request, body: Any) -> "Optional[Tuple[Answer, Optional[model.Usage]]]":
        return None

    def ask(self, request: Request, body: Any) -> model.Ask:
        raise NotImplementedError

    def whole(self, ask: model.Ask, reply: model.Reply) -> Answer:
        raise NotImplementedError

    def stream(self, ask: model.Ask, reply: model.Reply, delta: Optional[int]) -> Answer:
        raise NotImplementedError

    def error(self, kind: str) -> Answer:
        return self.vendor.error(kind)

    def error_event(self, kind: str) -> List[Event]:
        """How that error is told in a stream that has begun."""
        raise NotImplementedError


class Vendor:
    """A provider. `errors` has a key for every class of failure, and `CLASS/VARIANT` where it says it in more ways;
    `soft` names the classes that it tells inside a 200."""

    name = ""
    credentials: Tuple[str, ...] = ("authorization",)
    errors: Dict[str, Error] = {}
    soft: Tuple[str, ...] = ()

    def endpoint(self, request: Request) -> Optional[Endpoint]:
        raise NotImplementedError

    def headers(self) -> Headers:
        return []

    def error(self, kind: str) -> Answer:
        error = self.errors[kind]
        body = error.body.encode() if isinstance(error.body, str) else as_json(error.body)
        return Answer(error.status, self.headers() + list(error.headers), body, content_type=error.content_type)

    def invalid(self, message: str, param: Optional[str] = None, status: int = 400) -> Answer:
        """The request is at fault, in the vendor's words."""
        raise NotImplementedError

    def no_such_path(self) -> Answer:
        return self.error("not_found")

    def no_key(self) -> Answer:
        return self.error("auth")

    def refuses_key(self, request: Request) -> Optional[Answer]:
        given = credentials(request)
        own = [given[name] for name in self.credentials if name in given]
        if not own:
            return self.no_key()
        strangers = sorted(set(given) - set(self.credentials))
        if strangers:
            return self.invalid("unexpected credential: %s" % ", ".join(strangers), None, 401)
        owners = {owner_of(key) for key in own} - {None, self.name}
        if owners:
            return self.invalid("this is a key of %s" % ", ".join(sorted(map(str, owners))), None, 401)
        return None


def credentials(request: Request) -> Dict[str, str]:
    """The keys that the request carries, by header; `?key` for one in the address."""
    given = {}
    for name in CREDENTIALS:
        value = (request.header(name) or "").removeprefix("Bearer").strip()
        if value:
            given[name] = value
    in_address = query(request).get("key")
    if in_address:
        given["?key"] = in_address
    return given


def owner_of(key: str) -> Optional[str]:
    if key.startswith("fake-") and key.endswith("-key"):
        return key[len("fake-"):-len("-key")].replace("-", "_")
    return next((owner for start, owner in OWNERS.items() if key.startswith(start)), None)


def path_of(request: Request) -> str:
    return urlsplit(request.path).path


def query(request: Request) -> Dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(request.path).query).items()}


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def text_of(content: Any, kinds: Tuple[str, ...] = ("text",)) -> str:
    """The text of a message, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in parts_of(content) if part.get("type") in kinds)


def parts_of(content: Any) -> List[Dict[str, Any]]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def embedding(text: str, size: int) -> List[float]:
    """A vector that depends on the text and on nothing else."""
    value = sum(text.encode("utf-8")) % 1000
    return [round(((value + 7 * place) % 1000) / 1000 - 0.5, 6) for place in range(size)]
