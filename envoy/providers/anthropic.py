"""Anthropic's Messages API: blocks instead of strings, named events, JSON padded with spaces as by the real one."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Set, Tuple

import model
from dialect import DEFAULT_DELTA, SSE, Endpoint, Error, Vendor, as_json, parts_of, path_of, text_of
from faults import Answer, Event
from http1 import Headers, Request

VERSIONS = ("2023-06-01", "2026-10-21")
REQUEST_ID = "req_011CVQe1dLrGNMJyE1ghG1av"
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
FIELDS = {
    "model", "messages", "max_tokens", "system", "stream", "temperature", "top_p", "top_k", "stop_sequences", "tools",
    "tool_choice", "metadata", "thinking", "service_tier", "container", "context_management", "mcp_servers",
    "output_config", "output_format", "inference_geo", "cache_control", "speed", "diagnostics", "user_profile_id",
    "workspace_id",
}


def error(status: int, kind: str, message: str, headers: Optional[Headers] = None,
          details: Optional[Dict[str, Any]] = None) -> Error:
    inside: Dict[str, Any] = {"type": kind, "message": message}
    if details:
        inside["details"] = details
    return Error(status, {"type": "error", "error": inside, "request_id": REQUEST_ID}, headers or [])


ERRORS: Dict[str, Error] = {
    "auth": error(401, "authentication_error", "invalid x-api-key"),
    "auth/permission": error(403, "permission_error", "Your API key does not have permission to use the specified "
                                                      "resource."),
    "invalid_request": error(400, "invalid_request_error", "temperature: Extra inputs are not permitted"),
    "context_length": error(400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
    "context_length/max_tokens": error(400, "invalid_request_error", "input length and `max_tokens` exceed context "
                                                                     "limit: 190000 + 20000 > 200000, decrease input "
                                                                     "length or `max_tokens` and try again"),
    "content_filter": error(400, "invalid_request_error", "Output blocked by content filtering policy"),
    "not_found": error(404, "not_found_error", "model: claude-does-not-exist"),
    "quota_exhausted": error(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API. "
                                                           "Please go to Plans & Billing to upgrade or purchase "
                                                           "credits."),
    "quota_exhausted/own_limit": error(400, "invalid_request_error", "You have reached your specified API usage limits. "
                                                                     "You will regain access on 2026-08-01 at 00:00 "
                                                                     "UTC."),
    "quota_exhausted/spend_limit": error(429, "rate_limit_error", "You have reached your API usage limits: your "
                                                                  "organization has crossed its monthly API usage "
                                                                  "threshold, set based on your organization's API "
                                                                  "tier. You will regain access on 2026-09-01 at 00:00 "
                                                                  "UTC.", None,
                                         {"error_code": "enforced_spend_limit_reached"}),
    "quota_exhausted/billing": error(402, "billing_error", "There is an issue with your organization's billing."),
    "rate_limited": error(429, "rate_limit_error", "Number of request tokens has exceeded your per-minute rate limit "
                                                   "(https://docs.anthropic.com/en/api/rate-limits); see the response "
                                                   "headers for current usage.",
                          [("retry-after", "37"), ("x-should-retry", "true"),
                           ("anthropic-ratelimit-requests-limit", "50"),
                           ("anthropic-ratelimit-requests-remaining", "0")]),
    "too_large": error(413, "request_too_large", "Request exceeds the maximum size"),
    "server_error": error(500, "api_error", "Internal server error"),
    "overloaded": error(529, "overloaded_error", "Overloaded", [("x-should-retry", "true")]),
    "timeout": error(504, "timeout_error", "Request timed out"),
}


class CountTokens(Endpoint):
    required: Tuple[str, ...] = ("model", "messages")
    fields = FIELDS - {"max_tokens", "stream", "stop_sequences", "temperature", "top_p", "top_k", "metadata"}

    def refuses(self, request: Request, body: Any) -> Optional[Answer]:
        invalid = self.vendor.invalid
        version = request.header("anthropic-version")
        if version is None:
            return invalid("anthropic-version: header is required")
        if version not in VERSIONS:
            return invalid('anthropic-version: "%s" is not a valid version' % version)
        if not isinstance(body, dict):
            return invalid("The request body is not valid JSON")
        for field in self.required:
            if field not in body:
                return invalid(field + ": Field required")
        unknown = sorted(set(body) - self.fields)
        if unknown:
            return invalid(unknown[0] + ": Extra inputs are not permitted")
        if version >= "2026-10-21" and set(body) & {"temperature", "top_p", "top_k"}:
            return invalid("temperature: Extra inputs are not permitted")
        return self.refuses_messages(body)

    def refuses_messages(self, body: Dict[str, Any]) -> Optional[Answer]:
        invalid = self.vendor.invalid
        open_calls: Set[str] = set()
        if not body["messages"]:
            return invalid("messages: at least one message is required")
        for number, message in enumerate(body["messages"]):
            if message.get("role") not in ("user", "assistant", "system"):
                return invalid("messages.%d.role: Input should be 'user', 'assistant' or 'system'" % number)
            blocks = parts_of(message.get("content"))
            results = {block.get("tool_use_id") for block in blocks if block.get("type") == "tool_result"}
            if results - open_calls:
                return invalid("messages.%d.content.0: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each "
                               "`tool_result` block must have a corresponding `tool_use` block in the previous "
                               "message." % (number, sorted(results - open_calls)[0]))
            if open_calls - results:
                return invalid("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: "
                               "%s." % (number, sorted(open_calls - results)[0]))
            open_calls = {block["id"] for block in blocks if block.get("type") == "tool_use"}
            for place, block in enumerate(blocks):
                wrong = self.wrong_block(block)
                if wrong:
                    return invalid("messages.%d.content.%d: %s" % (number, place, wrong))
        return None

    def wrong_block(self, block: Dict[str, Any]) -> Optional[str]:
        kind = block.get("type")
        if kind == "text" and not block.get("text"):
            return "text content blocks must be non-empty"
        if kind == "thinking" and block.get("signature") != model.signature(block.get("thinking") or ""):
            return "Invalid `signature` in `thinking` block"
        if kind == "image" and (block.get("source") or {}).get("type") not in ("base64", "url", "file"):
            return "image.source: Input should be a valid source"
        if kind == "tool_use" and not isinstance(block.get("input"), dict):
            return "tool_use.input: Input should be a valid dictionary"
        if kind not in BLOCKS:
            return "Input tag '%s' found using 'type' does not match any of the expected tags" % kind
        return None

    def at_once(self, request: Request, body: Any) -> Any:
        ask = Messages(self.vendor).ask(request, body)
        return Answer(200, self.vendor.headers(), as_json({"input_tokens": model.words(*ask.texts)})), None


class Messages(CountTokens):
    required = ("model", "max_tokens", "messages")
    fields = FIELDS

    def at_once(self, request: Request, body: Any) -> Any:
        return None

    def refuses_messages(self, body: Dict[str, Any]) -> Optional[Answer]:
        invalid = self.vendor.invalid
        choice = (body.get("tool_choice") or {}).get("type")
        thinking = body.get("thinking") or {}
        if choice and not body.get("tools"):
            return invalid("tool_choice: may only be specified while providing tools")
        for number, tool in enumerate(body.get("tools") or []):
            if not TOOL_NAME.fullmatch(tool.get("name") or ""):
                return invalid("tools.%d.custom.name: String should match pattern" % number)
        if thinking.get("type") in ("enabled", "adaptive"):
            if choice in ("any", "tool"):
                return invalid("Thinking may not be enabled when tool_choice forces tool use.")
            if body.get("temperature", 1) != 1:
                return invalid("`temperature` may only be set to 1 when thinking is enabled.")
        if thinking.get("type") == "enabled":
            budget = thinking.get("budget_tokens")
            if not isinstance(budget, int) or budget < 1024:
                return invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
            if budget >= body["max_tokens"]:
                return invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
        if any(not mark.strip() for mark in body.get("stop_sequences") or []):
            return invalid("stop_sequences: each stop sequence must contain non-whitespace")
        return super().refuses_messages(body)

    def ask(self, request: Request, body: Dict[str, Any]) -> model.Ask:
        messages = body["messages"]
        last_user = next((m for m in reversed(messages) if m.get("role") == "user"), {})
        blocks = [block for message in messages for block in parts_of(message.get("content"))]
        results = [text_of(block.get("content")) for block in parts_of(messages[-1].get("content"))
                   if block.get("type") == "tool_result"]
        choice = body.get("tool_choice") or {}
        tools = {tool["name"]: tool["input_schema"] for tool in body.get("tools") or [] if "input_schema" in tool}
        config = body.get("output_config") or {}
        form = config.get("format") or body.get("output_format") or {}
        thinking = body.get("thinking") or {}
        system = [text_of(body.get("system"))] + [text_of(m.get("content")) for m in messages if m["role"] == "system"]
        return model.Ask(
            model=body["model"],
            stream=bool(body.get("stream")),
            texts=[text_of(body.get("system"))] + [text_of(message.get("content")) for message in messages] + results,
            last_text=text_of(last_user.get("content")),
            system="\n".join(text for text in system if text),
            tools=tools if choice.get("type") != "none" else {},
            forced=choice.get("name") or (next(iter(tools), None) if choice.get("type") == "any" else None),
            parallel=not choice.get("disable_parallel_tool_use"),
            tool_result="\n".join(results) if results else None,
            schema=form.get("schema") if form.get("type") == "json_schema" else None,
            images=len([block for block in blocks if block.get("type") == "image"]),
            thinks=thinking.get("type") in ("enabled", "adaptive"),
            shows_thoughts=thinking.get("display") != "omitted",
            stop=body.get("stop_sequences") or [],
            max_tokens=body.get("max_tokens"),
            include_usage=True,
        )

    # ── What it says ────────────────────────────────────────────────────────────────────────────────────────────────

    def whole(self, ask: model.Ask, reply: model.Reply) -> Answer:
        content: List[Dict[str, Any]] = []
        if reply.thoughts:
            content.append({"type": "thinking", "thinking": reply.thoughts,
                            "signature": model.signature(reply.thoughts)})
        content += [{"type": "text", "text": reply.text}] if reply.text else []
        content += [dict(self.call(number, call), input=call.value) for number, call in enumerate(reply.calls)]
        message = dict(self.message(reply, content), **self.stop(reply))
        return Answer(200, self.vendor.headers(), as_json(message))

    def stream(self, ask: model.Ask, reply: model.Reply, delta: Optional[int]) -> Answer:
        size = delta or DEFAULT_DELTA
        start = self.message(reply, [])
        if reply.usage:
            start["usage"]["output_tokens"] = 1
        blocks: List[Tuple[Dict[str, Any], List[Dict[str, Any]]]] = []
        if reply.thoughts:
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in model.pieces(reply.thoughts, size)]
            deltas.append({"type": "signature_delta", "signature": model.signature(reply.thoughts)})
            blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
        if reply.text or not (reply.calls or reply.soft):
            deltas = [{"type": "text_delta", "text": piece} for piece in model.pieces(reply.text, size)]
            blocks.append(({"type": "text", "text": ""}, deltas))
        for number, call in enumerate(reply.calls):
            parts = [""] + model.pieces(call.arguments, size)
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
            blocks.append((dict(self.call(number, call), input={}), deltas))
        events: List[Dict[str, Any]] = [{"type": "message_start", "message": start}]
        for index, (block, deltas) in enumerate(blocks):
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            events += [{"type": "content_block_delta", "index": index, "delta": part} for part in deltas]
            events.append({"type": "content_block_stop", "index": index})
        events.insert(2, {"type": "ping"})
        last: Dict[str, Any] = {"type": "message_delta", "delta": self.stop(reply), "usage": {}}
        if reply.usage:
            last["usage"] = {"output_tokens": reply.usage.output,
                             "output_tokens_details": {"thinking_tokens": reply.usage.reasoning}}
        events += [last, {"type": "message_stop"}]
        encoded = [Event(padded(event, number), event["type"]) for number, event in enumerate(events)]
        return Answer(200, self.vendor.headers(), events=encoded, content_type=SSE)

    def stop(self, reply: model.Reply) -> Dict[str, Any]:
        if reply.soft:
            details = {"type": "refusal", "category": "cyber", "explanation": "This is not something to help with."}
            refused = reply.soft == "content_filter"
            return {"stop_reason": "refusal" if refused else "model_context_window_exceeded", "stop_sequence": None,
                    "stop_details": details if refused else None}
        reason = "tool_use" if reply.calls else "max_tokens" if reply.cut_short else \
            "stop_sequence" if reply.stopped_at else "end_turn"
        return {"stop_reason": reason, "stop_sequence": reply.stopped_at}

    def message(self, reply: model.Reply, content: List[Dict[str, Any]]) -> Dict[str, Any]:
        """What was read from the cache is not part of `input_tokens` here."""
        spent = reply.usage
        usage: Dict[str, Any] = {
            "input_tokens": spent.input - spent.cached, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": spent.cached, "output_tokens": spent.output,
            "output_tokens_details": {"thinking_tokens": spent.reasoning}, "service_tier": "standard",
            "inference_geo": "global"} if spent else {}
        return {"model": reply.model, "id": "msg_015eAVGKhBrs95jUkYb2BaDt", "type": "message", "role": "assistant",
                "content": content, "stop_reason": None, "stop_sequence": None, "stop_details": None, "usage": usage}

    def call(self, number: int, call: model.Call) -> Dict[str, Any]:
        return {"type": "tool_use", "id": "toolu_01A09q90qw90lq91783%05d" % number, "name": call.name}

    def error_event(self, kind: str) -> List[Event]:
        words = self.vendor.errors[kind].body
        told = dict(words, error=dict({"details": None}, **words["error"]))
        return [Event(as_json(told).decode(), "error")]


class Models(Endpoint):
    method = "GET"
    bodiless = True

    def at_once(self, request: Request, body: Any) -> Any:
        listed = [{"type": "model", "id": name, "display_name": name, "created_at": "2026-02-19T00:00:00Z"}
                  for name in self.vendor.models]
        page = {"data": listed, "has_more": False, "first_id": listed[0]["id"], "last_id": listed[-1]["id"]}
        return Answer(200, self.vendor.headers(), as_json(page)), None


class Anthropic(Vendor):
    name = "anthropic"
    credentials = ("x-api-key", "authorization")
    errors = ERRORS
    soft = ("content_filter", "context_length")
    models = ["claude-sonnet-5", "claude-haiku-4-5"]

    def endpoint(self, request: Request) -> Optional[Endpoint]:
        kind = {("POST", "/v1/messages"): Messages, ("POST", "/v1/messages/count_tokens"): CountTokens,
                ("GET", "/v1/models"): Models}.get((request.method, path_of(request)))
        return kind(self) if kind else None

    def headers(self) -> Headers:
        return [("request-id", REQUEST_ID), ("server", "cloudflare")]

    def invalid(self, message: str, param: Optional[str] = None, status: int = 400) -> Answer:
        kind = "authentication_error" if status == 401 else "invalid_request_error"
        return Answer(status, self.headers(), as_json(error(status, kind, message).body))


def padded(event: Dict[str, Any], number: int) -> str:
    if event["type"] == "ping":
        return '{"type": "ping"}'
    return as_json(event).decode()[:-1] + " " * (number * 3 % 9) + "}"


BLOCKS = {
    "text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result",
    "server_tool_use", "web_search_tool_result", "code_execution_tool_result", "mcp_tool_use", "mcp_tool_result",
    "container_upload", "tool_reference",
}
VENDORS: List[Vendor] = [Anthropic()]
