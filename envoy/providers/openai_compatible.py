"""A server of one's own that speaks OpenAI's format, such as vLLM: nothing is added, and what it does not know it ignores."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Set

import model
from chat import Chat
from dialect import Error, Vendor, as_json, page
from endpoints import Completions, Embeddings, Models
from faults import Answer, Event
from http1 import Headers, Request
from openai import OpenAILike


def error(status: int, message: str, kind: str) -> Error:
    """Its codes are numbers."""
    return Error(status, {"error": {"message": message, "type": kind, "param": None, "code": status}})


ERRORS: Dict[str, Error] = {
    "auth": Error(401, {"error": "Unauthorized"}),
    "invalid_request": error(400, "1 validation error: {'type': 'missing', 'loc': ('body', 'messages')}",
                             "Bad Request"),
    "context_length": error(400, "This model's maximum context length is 131072 tokens. However, you requested 140000 "
                                 "tokens in the messages, Please reduce the length of the messages.",
                            "BadRequestError"),
    "not_found": error(404, "The model `house-nope` does not exist.", "NotFoundError"),
    "rate_limited": error(429, "Too many requests.", "RateLimitError"),
    "too_large": page(413, "Request Entity Too Large"),
    "server_error": error(500, "EngineCore encountered an issue. See stack trace (above) for the root cause.",
                          "InternalServerError"),
    "overloaded": page(503, "Service Temporarily Unavailable"),
    "timeout": page(504, "Gateway Time-out"),
}


class CompatibleChat(Chat):
    refused: Set[str] = set()
    obfuscated = False
    thoughts_field = "reasoning_content"
    answer_id = "chatcmpl-7c2d1f0a9b8e4d3c"

    def refuses_value(self, request: Request, body: Dict[str, Any]) -> Optional[Answer]:
        return None

    def message(self, ask: model.Ask, reply: model.Reply) -> Dict[str, Any]:
        message = super().message(ask, reply)
        return {**message, "annotations": None, "tool_calls": message.get("tool_calls", [])}

    def call_id(self, number: int) -> str:
        return "chatcmpl-tool-%016x" % (number + 1)

    def extras(self) -> Dict[str, Any]:
        return {}

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"prompt_tokens": usage.input, "total_tokens": usage.input + usage.output,
                "completion_tokens": usage.output, "prompt_tokens_details": {"cached_tokens": usage.cached},
                "completion_tokens_details": {"reasoning_tokens": usage.reasoning}}

    def error_event(self, kind: str) -> List[Event]:
        body = self.vendor.errors[kind].body
        told = body if isinstance(body, dict) else {"error": {"message": "Internal server error", "code": 500}}
        return [Event(as_json(told).decode()), Event("[DONE]")]


class Compatible(OpenAILike):
    name = "openai_compatible"
    errors = ERRORS
    soft = ("content_filter",)
    table = {("POST", "/chat/completions"): CompatibleChat, ("POST", "/completions"): Completions,
             ("POST", "/embeddings"): Embeddings, ("GET", "/models"): Models}
    models = ["house-llama"]

    def headers(self) -> Headers:
        return [("server", "uvicorn")]

    def invalid(self, message: str, param: Optional[str] = None, status: int = 400) -> Answer:
        return Answer(status, self.headers(), as_json(error(status, message, "BadRequestError").body))


VENDORS: List[Vendor] = [Compatible()]
