"""Qwen on Alibaba's Model Studio, in its OpenAI-compatible mode."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import model
from chat import Chat
from dialect import Error, Vendor, as_json
from endpoints import Embeddings, Models
from faults import Answer, Event
from http1 import Headers, Request
from openai import OpenAILike, error

REQUEST_ID = "d0bf6b58-86db-9278-a087-30490db5dc97"


def told(status: int, message: str, kind: str, code: str) -> Error:
    """The request's id stands beside the error, not in it."""
    plain = error(status, message, kind, code)
    plain.body["request_id"] = REQUEST_ID
    return plain


ERRORS: Dict[str, Error] = {
    "auth": told(401, "Incorrect API key provided. ", "invalid_request_error", "invalid_api_key"),
    "auth/permission": told(403, "Access denied.", "access_denied", "access_denied"),
    "invalid_request": told(400, "<400> InternalError.Algo.InvalidParameter: The parameters are wrong.",
                            "invalid_request_error", "invalid_parameter_error"),
    "context_length": told(400, "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, "
                                "129024]", "invalid_request_error", "invalid_parameter_error"),
    "content_filter": told(400, "Input data may contain inappropriate content.", "data_inspection_failed",
                           "data_inspection_failed"),
    "content_filter/output": told(400, "Output data may contain inappropriate content.", "data_inspection_failed",
                                  "data_inspection_failed"),
    "not_found": told(404, "The model `qwen-nope` does not exist or you do not have access to it.",
                      "invalid_request_error", "model_not_found"),
    "quota_exhausted": told(400, "Access denied, please make sure your account is in good standing.", "Arrearage",
                            "Arrearage"),
    "quota_exhausted/free_tier": told(403, "The free tier of the model has been exhausted. If you wish to continue "
                                           "access the model on a paid basis, please disable the \"use free tier "
                                           "only\" mode in the management console.", "AllocationQuota.FreeTierOnly",
                                      "AllocationQuota.FreeTierOnly"),
    "rate_limited": told(429, "You exceeded your current requests list.", "limit_requests", "limit_requests"),
    # The code that means an empty account elsewhere means too many tokens a minute here.
    "rate_limited/tokens": told(429, "You exceeded your current quota, please check your plan and billing details.",
                                "insufficient_quota", "insufficient_quota"),
    "too_large": told(413, "Request entity too large.", "invalid_request_error", "request_too_large"),
    "server_error": told(500, "An internal error has occured, please try again later or contact service support.",
                         "internal_error", "internal_error"),
    "overloaded": told(503, "Too many requests. Your requests are being throttled due to system capacity limits. "
                            "Please try again later.", "ModelServingError", "ModelServingError"),
    "timeout": told(500, "Request timed out, please try again later.", "RequestTimeOut", "RequestTimeOut"),
}


class QwenChat(Chat):
    refused = {"store", "max_completion_tokens", "service_tier", "metadata", "safety_identifier", "prompt_cache_key",
               "prompt_cache_retention", "verbosity", "prediction"}
    roles = ("system", "user", "assistant", "tool")
    obfuscated = False
    thoughts_field = "reasoning_content"
    answer_id = "chatcmpl-d3db4161-2bf7-9e3a-a350-8910646d81d9"

    def unknown_field(self, field: str) -> Answer:
        return self.vendor.invalid("<400> InternalError.Algo.InvalidParameter: unknown parameter %s" % field)

    def unknown_variant(self, where: str, value: Any, known: Any) -> Answer:
        return self.vendor.invalid("<400> InternalError.Algo.InvalidParameter: %s is not one of %s - '%s'" %
                                   (value, list(known), where))

    def refuses_value(self, request: Request, body: Dict[str, Any]) -> Optional[Answer]:
        form = (body.get("response_format") or {}).get("type")
        if form == "json_object" and "json" not in " ".join(map(str, body["messages"])).lower():
            return self.vendor.invalid("<400> InternalError.Algo.InvalidParameter: 'messages' must contain the word "
                                       "'json' in some form, to use 'response_format' of type 'json_object'.")
        if body.get("enable_thinking") and not body.get("stream"):
            return self.vendor.invalid("parameter.enable_thinking must be set to false for non-streaming calls")
        return None

    def thinks(self, body: Dict[str, Any]) -> bool:
        return bool(body.get("enable_thinking")) or super().thinks(body)

    def message(self, ask: model.Ask, reply: model.Reply) -> Dict[str, Any]:
        message = super().message(ask, reply)
        message.pop("refusal")
        message.pop("annotations", None)
        return dict(message, content=reply.text)

    def deltas(self, reply: model.Reply, size: int) -> List[Dict[str, Any]]:
        first, *rest = super().deltas(reply, size)
        first.pop("refusal")
        if reply.thoughts:
            first.update(content=None, reasoning_content="")
        return [first] + [part if "tool_calls" in part else {"role": None, "reasoning_content": None, **part}
                          for part in rest]

    def thought(self, piece: str) -> Dict[str, Any]:
        return {"content": None, "reasoning_content": piece}

    def call_deltas(self, number: int, call: model.Call, size: int) -> List[Dict[str, Any]]:
        """Later fragments have an empty id where others have none."""
        first, *rest = super().call_deltas(number, call, size)
        for fragment in rest:
            fragment["tool_calls"][0].update(id="", type="function")
        return [first] + rest

    def call_id(self, number: int) -> str:
        return "call_61a2bbd82a8042289f1ff%d" % number

    def last_delta(self) -> Dict[str, Any]:
        return {"content": "", "role": None}

    def chunk(self, reply: model.Reply, index: int, delta: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        """The order of keys is its own, and the reason for the end is absent until the end."""
        choice = {"delta": delta, "index": index, **({"finish_reason": finish} if finish else {})}
        return {"model": reply.model, "id": self.answer_id, "choices": [choice], "created": model.CREATED,
                "object": "chat.completion.chunk", "usage": None}

    def extras(self) -> Dict[str, Any]:
        return {"system_fingerprint": None}

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"total_tokens": usage.input + usage.output, "completion_tokens": usage.output,
                "prompt_tokens": usage.input, "prompt_tokens_details": {"cached_tokens": usage.cached},
                "completion_tokens_details": {"reasoning_tokens": usage.reasoning}}

    def error_event(self, kind: str) -> List[Event]:
        return [Event(self.error(kind).body.decode())]


class Qwen(OpenAILike):
    name = "qwen"
    base = "/compatible-mode/v1"
    errors = ERRORS
    soft = ("content_filter",)
    table = {("POST", "/chat/completions"): QwenChat, ("POST", "/embeddings"): Embeddings, ("GET", "/models"): Models}
    models = ["qwen-plus", "qwen-max", "text-embedding-v4"]

    def headers(self) -> Headers:
        return [("x-request-id", "046a1692-e458-416f-b644-7b3460294978"), ("server", "istio-envoy")]

    def invalid(self, message: str, param: Optional[str] = None, status: int = 400) -> Answer:
        body = told(status, message, "invalid_request_error", "invalid_parameter_error").body
        return Answer(status, self.headers(), as_json(body))


VENDORS: List[Vendor] = [Qwen()]
