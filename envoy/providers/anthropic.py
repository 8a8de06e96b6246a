"""Anthropic's Messages API: blocks instead of strings, named events, JSON padded with spaces as by the real one."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Tuple

import model
from faults import Answer, Event
from http1 import Headers, Request

DEFAULT_DELTA = 4
VERSIONS = ("2023-06-01", "2026-10-21")
REQUEST_ID = "req_011CVQe1dLrGNMJyE1ghG1av"


class Anthropic:
    name = "anthropic"

    def takes(self, request: Request) -> bool:
        return request.method == "POST" and request.path.split("?")[0].endswith("/v1/messages")

    def headers(self) -> Headers:
        return [("request-id", REQUEST_ID), ("server", "cloudflare")]

    def refuses(self, request: Request, body: Any) -> Optional[Answer]:
        """The error for a request that the real one would not take."""
        bearer = (request.header("authorization") or "").replace("Bearer", "").strip()
        if not (request.header("x-api-key") or bearer):
            return self.error("auth")
        version = request.header("anthropic-version")
        if version is None:
            return self.invalid("anthropic-version: header is required")
        if version not in VERSIONS:
            return self.invalid('anthropic-version: "%s" is not a valid version' % version)
        if not isinstance(body, dict):
            return self.invalid("The request body is not valid JSON")
        for field in ("model", "max_tokens", "messages"):
            if field not in body:
                return self.invalid(field + ": Field required")
        unknown = sorted(set(body) - FIELDS)
        if unknown:
            return self.invalid(unknown[0] + ": Extra inputs are not permitted")
        if version >= "2026-10-21" and set(body) & {"temperature", "top_p", "top_k"}:
            return self.invalid("temperature: Extra inputs are not permitted")
        roles = [message.get("role") for message in body["messages"]]
        if not roles or not set(roles) <= {"user", "assistant", "system"}:
            return self.invalid("messages: Input should be 'user', 'assistant' or 'system'")
        return None

    def invalid(self, message: str) -> Answer:
        return self._error_answer(400, [], {"type": "invalid_request_error", "message": message})

    def error(self, kind: str) -> Answer:
        return self._error_answer(*ERRORS[kind])

    def _error_answer(self, status: int, headers: Headers, error: Dict[str, Any]) -> Answer:
        body = {"type": "error", "error": error, "request_id": REQUEST_ID}
        return Answer(status, self.headers() + headers, _json(body))

    def error_event(self, kind: str) -> List[Event]:
        error = dict({"details": None}, **ERRORS[kind][2])
        return [Event(_json({"type": "error", "error": error, "request_id": REQUEST_ID}).decode(), "error")]

    def ask(self, body: Dict[str, Any]) -> model.Ask:
        messages = body["messages"]
        last_user = next((m for m in reversed(messages) if m.get("role") == "user"), {})
        results = [_text(block.get("content")) for block in _blocks(messages[-1].get("content"))
                   if block.get("type") == "tool_result"]
        choice = (body.get("tool_choice") or {}).get("type")
        tools = [tool["name"] for tool in body.get("tools") or [] if "input_schema" in tool]
        return model.Ask(
            model=body["model"],
            stream=bool(body.get("stream")),
            texts=[_text(body.get("system"))] + [_text(message.get("content")) for message in messages] + results,
            last_text=_text(last_user.get("content")),
            tools=tools if choice != "none" else [],
            tool_result="\n".join(results) if results else None,
            max_tokens=body["max_tokens"],
            include_usage=True,
        )

    def whole(self, ask: model.Ask, reply: model.Reply) -> Answer:
        content: List[Dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
        content += [dict(self.call(number, call), input=call.value) for number, call in enumerate(reply.calls)]
        message = self.message(reply, content)
        message["stop_reason"] = _stop(reply)
        return Answer(200, self.headers(), _json(message))

    def stream(self, ask: model.Ask, reply: model.Reply, delta: Optional[int]) -> Answer:
        size = delta or DEFAULT_DELTA
        start = self.message(reply, [])
        if reply.usage:
            start["usage"]["output_tokens"] = 1
        events: List[Dict[str, Any]] = [{"type": "message_start", "message": start}]
        index = 0
        if reply.text or not reply.calls:
            deltas = [{"type": "text_delta", "text": piece} for piece in model.pieces(reply.text, size)]
            events += _block(index, {"type": "text", "text": ""}, deltas)
            index += 1
        for number, call in enumerate(reply.calls):
            parts = [""] + model.pieces(call.arguments, size)
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
            events += _block(index + number, dict(self.call(number, call), input={}), deltas)
        events.insert(2, {"type": "ping"})
        last: Dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": _stop(reply), "stop_sequence": None}}
        last["usage"] = {"output_tokens": reply.usage.output} if reply.usage else {}
        events += [last, {"type": "message_stop"}]
        encoded = [Event(_padded(event, number), event["type"]) for number, event in enumerate(events)]
        return Answer(200, self.headers(), events=encoded, content_type="text/event-stream; charset=utf-8")

    def message(self, reply: model.Reply, content: List[Dict[str, Any]]) -> Dict[str, Any]:
        spent = reply.usage
        usage: Dict[str, Any] = {"input_tokens": spent.input, "cache_creation_input_tokens": 0,
                                 "cache_read_input_tokens": 0, "output_tokens": spent.output,
                                 "service_tier": "standard", "inference_geo": "global"} if spent else {}
        return {"model": reply.model, "id": "msg_015eAVGKhBrs95jUkYb2BaDt", "type": "message", "role": "assistant",
                "content": content, "stop_reason": None, "stop_sequence": None, "stop_details": None, "usage": usage}

    def call(self, number: int, call: model.Call) -> Dict[str, Any]:
        return {"type": "tool_use", "id": "toolu_01A09q90qw90lq91783%05d" % number, "name": call.name}


def _block(index: int, block: Dict[str, Any], deltas: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    events: List[Dict[str, Any]] = [{"type": "content_block_start", "index": index, "content_block": block}]
    events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return events + [{"type": "content_block_stop", "index": index}]


def _stop(reply: model.Reply) -> str:
    return "tool_use" if reply.calls else "max_tokens" if reply.cut_short else "end_turn"


def _blocks(content: Any) -> List[Dict[str, Any]]:
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(block.get("text") or "" for block in _blocks(content) if block.get("type") == "text")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _padded(event: Dict[str, Any], number: int) -> str:
    if event["type"] == "ping":
        return '{"type": "ping"}'
    return _json(event).decode()[:-1] + " " * (number * 3 % 9) + "}"


FIELDS = {
    "model", "messages", "max_tokens", "system", "stream", "temperature", "top_p", "top_k", "stop_sequences", "tools",
    "tool_choice", "metadata", "thinking", "service_tier", "container", "context_management", "mcp_servers",
    "output_config", "output_format", "inference_geo", "cache_control", "speed",
}

ERRORS: Dict[str, Tuple[int, Headers, Dict[str, Any]]] = {
    "auth": (401, [], {"type": "authentication_error", "message": "invalid x-api-key"}),
    "invalid_request": (400, [], {"type": "invalid_request_error",
                                  "message": "temperature: Extra inputs are not permitted"}),
    "context_length": (400, [], {"type": "invalid_request_error",
                                 "message": "prompt is too long: 208310 tokens > 200000 maximum"}),
    "content_filter": (400, [], {"details": None, "type": "invalid_request_error",
                                 "message": "Output blocked by content filtering policy"}),
    "not_found": (404, [], {"type": "not_found_error", "message": "model: claude-does-not-exist"}),
    "quota_exhausted": (400, [], {"type": "invalid_request_error", "message":
                                  "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
                                  "Billing to upgrade or purchase credits."}),
    "rate_limited": (429, [("retry-after", "37"), ("x-should-retry", "true"),
                           ("anthropic-ratelimit-requests-limit", "50"),
                           ("anthropic-ratelimit-requests-remaining", "0")],
                     {"type": "rate_limit_error", "message":
                      "Number of request tokens has exceeded your per-minute rate limit "
                      "(https://docs.anthropic.com/en/api/rate-limits); see the response headers for current usage."}),
    "too_large": (413, [], {"type": "request_too_large", "message": "Request exceeds the maximum size"}),
    "server_error": (500, [], {"type": "api_error", "message": "Internal server error"}),
    "overloaded": (529, [("x-should-retry", "true")], {"type": "overloaded_error", "message": "Overloaded"}),
    "timeout": (504, [], {"type": "timeout_error", "message": "Request timed out"}),
}

VENDORS: Dict[str, Anthropic] = {"anthropic": Anthropic()}
