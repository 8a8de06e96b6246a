"""DeepSeek: OpenAI's format with reasoning in the open, and a parser that names the variant it did not expect.

The real one ignores fields that it does not know. This one refuses OpenAI's own, to show that nobody sends them.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import model
from chat import Chat
from dialect import Error, Vendor, page
from endpoints import Models
from faults import Answer, Event
from http1 import Headers, Request
from openai import OpenAILike, error
from responses import Responses

ERRORS: Dict[str, Error] = {
    "auth": error(401, "Authentication Fails, Your api key: ****key is invalid", "authentication_error",
                  "invalid_request_error"),
    "invalid_request": Error(422, "Failed to deserialize the JSON body into the target type: messages[0].role: unknown "
                                  "variant `foo`, expected one of `system`, `user`, `assistant`, `tool` at line 1 "
                                  "column 60", [], "text/plain; charset=utf-8"),
    "context_length": error(400, "This model's maximum context length is 131072 tokens. However, you requested 140000 "
                                 "tokens (132000 in the messages, 8000 in the completion). Please reduce the length of "
                                 "the messages or completion.", "invalid_request_error", "invalid_request_error"),
    "content_filter": error(400, "Content Exists Risk", "invalid_request_error", "invalid_request_error"),
    "not_found": error(400, "Model Not Exist", "invalid_request_error", "invalid_request_error"),
    "quota_exhausted": error(402, "Insufficient Balance", "unknown_error", "invalid_request_error"),
    "rate_limited": error(429, "Too many concurrent requests. Please slow down and retry later.", "rate_limit_error",
                          "rate_limit_exceeded"),
    "too_large": page(413, "Request Entity Too Large"),
    "server_error": error(500, "Internal server error", "server_error", "internal_error"),
    "overloaded": error(503, "Service is too busy. We advise users to temporarily switch to alternative LLM API service "
                             "providers.", "service_unavailable_error", "service_unavailable_error"),
    "timeout": page(504, "Gateway Time-out"),
}


class DeepSeekChat(Chat):
    refused = {"store", "max_completion_tokens", "service_tier", "parallel_tool_calls", "safety_identifier",
               "prompt_cache_key", "prompt_cache_retention", "verbosity", "prediction"}
    roles = ("system", "user", "assistant", "tool")
    image_parts = ()
    obfuscated = False
    usage_in_last_choice = True            # in the last choice's chunk, asked for or not
    thoughts_field = "reasoning_content"
    answer_id = "33be18fc-3842-486c-8c29-dd8e578f7f20"
    finishes = {"content_filter": "content_filter", "overloaded": "insufficient_system_resource"}

    def unknown_field(self, field: str) -> Answer:
        return self.vendor.plain("unknown field `%s`" % field)

    def unknown_variant(self, where: str, value: Any, known: Any) -> Answer:
        return self.vendor.plain("%s: unknown variant `%s`, expected one of %s" %
                                 (where, value, ", ".join("`%s`" % name for name in known)))

    def refuses_value(self, request: Request, body: Dict[str, Any]) -> Optional[Answer]:
        form = (body.get("response_format") or {}).get("type")
        if form == "json_schema":
            return self.vendor.invalid("This response_format type is unavailable now")
        if form == "json_object" and "json" not in " ".join(map(str, body["messages"])).lower():
            return self.vendor.invalid("Prompt must contain the word 'json' in some form to use 'response_format' of "
                                       "type 'json_object'.")
        turn = len(body["messages"]) - 1
        while turn > 0 and body["messages"][turn]["role"] in ("assistant", "tool"):
            message = body["messages"][turn]
            if self.thinks(body) and message.get("tool_calls") and not message.get("reasoning_content"):
                return self.vendor.invalid("The `reasoning_content` in the thinking mode must be passed back to the "
                                           "API.")
            turn -= 1
        return None

    def thinks(self, body: Dict[str, Any]) -> bool:
        return (body.get("thinking") or {}).get("type") == "enabled" or super().thinks(body)

    def message(self, ask: model.Ask, reply: model.Reply) -> Dict[str, Any]:
        message = super().message(ask, reply)
        message.pop("refusal")
        message.pop("annotations", None)
        return dict(message, content=reply.text)

    def deltas(self, reply: model.Reply, size: int) -> List[Dict[str, Any]]:
        deltas = super().deltas(reply, size)
        deltas[0] = {"role": "assistant", "content": None, "reasoning_content": ""} if reply.thoughts else \
            {"role": "assistant", "content": ""}
        return deltas

    def thought(self, piece: str) -> Dict[str, Any]:
        return {"content": None, "reasoning_content": piece}

    def last_delta(self) -> Dict[str, Any]:
        return {"content": ""}

    def call_id(self, number: int) -> str:
        return "call_%02d_k3j2h1" % number

    def extras(self) -> Dict[str, Any]:
        return {"system_fingerprint": "fp_393bca965e_prod0623_fp8_kvcache"}

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"prompt_tokens": usage.input, "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output, "prompt_tokens_details": {"cached_tokens": usage.cached},
                "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
                "prompt_cache_hit_tokens": usage.cached, "prompt_cache_miss_tokens": usage.input - usage.cached}


class DeepSeekResponses(Responses):
    def error_event(self, kind: str) -> List[Event]:
        return super().error_event(kind)[:1]


class DeepSeek(OpenAILike):
    name = "deepseek"
    base = ""                              # and /v1, which is the same
    errors = ERRORS
    soft = ("content_filter", "overloaded")
    table = {("POST", "/chat/completions"): DeepSeekChat, ("POST", "/responses"): DeepSeekResponses,
             ("GET", "/models"): Models}
    models = ["deepseek-v4-flash", "deepseek-v4-pro"]

    def below(self, method: str, path: str) -> Any:
        return super().below(method, path.removeprefix("/v1"))

    def headers(self) -> Headers:
        return [("x-ds-trace-id", "88b824431188b08b7c138f56801ba1ca")]

    def plain(self, message: str) -> Answer:
        text = "Failed to deserialize the JSON body into the target type: %s at line 1 column 60" % message
        return Answer(422, self.headers(), text.encode(), content_type="text/plain; charset=utf-8")


VENDORS: List[Vendor] = [DeepSeek()]
