"""OpenRouter: OpenAI's format in front of many; comments while it waits, numbers as codes, errors inside a 200."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import model
from chat import FIELDS, Chat
from dialect import Error, Vendor, as_json
from endpoints import Completions, Embeddings, Models
from faults import Answer, Event
from http1 import Headers, Request
from openai import OpenAILike
from responses import Responses

EXTRAS = {"cache_control", "debug", "deferred_tools", "image_config", "min_p", "models", "plugins", "provider",
          "reasoning", "repetition_penalty", "session_id", "stop_server_tools_when", "top_a", "top_k", "trace",
          "transforms", "preset", "usage"}


def error(status: int, message: str, metadata: Optional[Dict[str, Any]] = None,
          headers: Optional[Headers] = None) -> Error:
    inside: Dict[str, Any] = {"code": status, "message": message}
    if metadata:
        inside["metadata"] = metadata
    return Error(status, {"error": inside, "user_id": "user_2abcDEF"}, headers or [])


ERRORS: Dict[str, Error] = {
    "auth": error(401, "No auth credentials found"),
    "invalid_request": error(400, "messages: Invalid input", {"error_type": "invalid_request"}),
    "context_length": error(400, "This endpoint's maximum context length is 131072 tokens. However, you requested about "
                                 "140000 tokens (132000 of text input, 8000 in the output). Please reduce the length of "
                                 "either one, or use the \"middle-out\" transform to compress your prompt "
                                 "automatically.", {"error_type": "context_length_exceeded"}),
    "content_filter": error(403, "Your chosen model requires moderation and your input was flagged", {
        "reasons": ["violence"], "flagged_input": "a flagged prompt", "provider_name": "OpenAI",
        "model_slug": "openai/gpt-5.6-sol"}),
    "not_found": error(400, "vendor/nope is not a valid model ID"),
    "not_found/data_policy": error(404, "No endpoints found matching your data policy (Zero data retention). "
                                        "Configure: https://openrouter.ai/settings/privacy"),
    "quota_exhausted": error(402, "This request requires more credits, or fewer max_tokens. You requested up to 65536 "
                                  "tokens, but can only afford 1204. To increase, visit "
                                  "https://openrouter.ai/settings/credits and upgrade to a paid account"),
    "rate_limited": error(429, "Provider returned error", {
        "provider_name": "Google", "raw": "google/gemini-2.0-flash-exp:free is temporarily rate-limited upstream. "
                                          "Please retry shortly, or add your own key to accumulate your rate limits: "
                                          "https://openrouter.ai/settings/integrations"}),
    "rate_limited/own": error(429, "Rate limit exceeded: free-models-per-min. ", {
        "headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1764000060000"},
        "error_type": "rate_limit_exceeded"}, [("retry-after", "60")]),
    "too_large": error(413, "Payload too large", {"error_type": "payload_too_large"}),
    "server_error": error(502, "Provider returned error", {
        "provider_name": "DeepInfra", "raw": "upstream connect error", "error_type": "provider_unavailable"}),
    "overloaded": error(503, "There is no available model provider that meets your routing requirements", None,
                        [("retry-after", "5")]),
    "overloaded/provider": error(529, "Provider overloaded", {"error_type": "provider_overloaded"}),
    "timeout": error(408, "Your request timed out"),
}


class OpenRouterChat(Chat):
    fields = FIELDS | EXTRAS
    obfuscated = False
    thoughts_field = "reasoning"
    answer_id = "gen-1773012759-4u9w7As08eMtL75bWtu8"
    finishes = {"content_filter": "content_filter", "server_error": "error"}

    def refuses_value(self, request: Request, body: Dict[str, Any]) -> Optional[Answer]:
        if "/" not in self.model(request, body):
            return self.vendor.invalid("%s is not a valid model ID" % self.model(request, body))
        for message in body["messages"]:
            for detail in message.get("reasoning_details") or []:
                if detail.get("signature") not in (None, model.signature(detail.get("text") or "")):
                    return self.vendor.invalid("Provider returned error: Invalid `signature` in `thinking` block")
        return None

    def thinks(self, body: Dict[str, Any]) -> bool:
        wish = body.get("reasoning") or {}
        wanted = wish.get("enabled") or wish.get("max_tokens") or (wish.get("effort") or "none") != "none"
        return bool(wanted) or super().thinks(body)

    def message(self, ask: model.Ask, reply: model.Reply) -> Dict[str, Any]:
        message = super().message(ask, reply)
        message.pop("annotations", None)
        if reply.thoughts:
            message["reasoning_details"] = [detail(reply.thoughts, model.signature(reply.thoughts))]
        return message

    def deltas(self, reply: model.Reply, size: int) -> List[Dict[str, Any]]:
        first, *rest = super().deltas(reply, size)
        first.pop("refusal")
        if reply.thoughts:
            signed = {"content": "", "reasoning_details": [detail(None, model.signature(reply.thoughts))]}
            rest.insert(len(model.pieces(reply.thoughts, size)), signed)
        return [first] + [dict({"role": "assistant"}, **part) for part in rest]

    def thought(self, piece: str) -> Dict[str, Any]:
        return {"content": "", "reasoning": piece, "reasoning_details": [detail(piece)]}

    def last_delta(self) -> Dict[str, Any]:
        return {"content": "", "role": "assistant"}

    def choice(self, index: int, content: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        return {"index": index, **content, "finish_reason": finish, "native_finish_reason": finish, "logprobs": None}

    def chunk(self, reply: model.Reply, index: int, delta: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        return dict(super().chunk(reply, index, delta, finish), provider="DeepInfra")

    def extras(self) -> Dict[str, Any]:
        return {"provider": "DeepInfra"}

    def stream(self, ask: model.Ask, reply: model.Reply, delta: Optional[int]) -> Answer:
        """Usage comes unasked, in a chunk behind the one that says why it ended, whose reason is null again."""
        answer = super().stream(ask, reply, delta)
        events = [event for event in answer.events or [] if '"choices":[]' not in event.data]
        for event in events[:-1]:
            event.data = event.data.replace(',"usage":null', "")
        if reply.usage:
            behind = self.chunk(reply, 0, self.last_delta(), None)
            events.insert(-1, Event(as_json(dict(behind, usage=self.usage(reply.usage))).decode()))
        answer.events = [waiting(), waiting()] + events[:2] + [waiting()] + events[2:]
        return answer

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"prompt_tokens": usage.input, "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output, "cost": 0.004, "is_byok": False,
                "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0, "audio_tokens": 0},
                "cost_details": {"upstream_inference_cost": 0.004},
                "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "image_tokens": 0}}

    def error_event(self, kind: str) -> List[Event]:
        words = self.vendor.errors[kind].body["error"]
        chunk = self.chunk(model.Reply("x/y", "", [], False, None), 0, {"content": ""}, "error")
        return [Event(as_json(dict(chunk, error=words)).decode()), Event("[DONE]")]


def detail(text: Optional[str], signed: Optional[str] = None) -> Dict[str, Any]:
    detail: Dict[str, Any] = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    if text is not None:
        detail["text"] = text
    if signed is not None:
        detail["signature"] = signed
    return detail


def waiting() -> Event:
    return Event(": OPENROUTER PROCESSING\n\n", raw=True)


class OpenRouterResponses(Responses):
    fields = Responses.fields | EXTRAS | {"top_k"}
    named_events = False
    done_marker = True


class OpenRouterCompletions(Completions):
    fields = (Completions.fields or set()) | EXTRAS


class OpenRouterEmbeddings(Embeddings):
    fields = Embeddings.fields | {"provider", "input_type"}


class OpenRouter(OpenAILike):
    name = "openrouter"
    base = "/api/v1"
    errors = ERRORS
    soft = ("content_filter", "server_error")
    table = {("POST", "/chat/completions"): OpenRouterChat, ("POST", "/responses"): OpenRouterResponses,
             ("POST", "/completions"): OpenRouterCompletions, ("POST", "/embeddings"): OpenRouterEmbeddings,
             ("GET", "/models"): Models}
    models = ["anthropic/claude-sonnet-5", "openai/gpt-5.4", "openai/text-embedding-3-small"]

    def headers(self) -> Headers:
        return [("x-generation-id", "gen-1773012759-4u9w7As08eMtL75bWtu8")]

    def invalid(self, message: str, param: Optional[str] = None, status: int = 400) -> Answer:
        return Answer(status, self.headers(), as_json(error(status, message, {"error_type": "invalid_request"}).body))


VENDORS: List[Vendor] = [OpenRouter()]
