"""OpenAI, and what the vendors have in common that copied its API."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Set, Tuple, Type

from chat import Chat
from dialect import Endpoint, Error, Vendor, as_json, page, path_of
from endpoints import Completions, Embeddings, InputTokens, Model, Models
from faults import Answer
from http1 import Headers, Request
from responses import Responses


def error(status: int, message: str, kind: Optional[str], code: Any, param: Optional[str] = None,
          headers: Optional[Headers] = None) -> Error:
    return Error(status, {"error": {"message": message, "type": kind, "param": param, "code": code}}, headers or [])


ERRORS: Dict[str, Error] = {
    "auth": error(401, "Incorrect API key provided: sk-abc*****************************wxyz. You can find your API key "
                       "at https://platform.openai.com/account/api-keys.", "invalid_request_error", "invalid_api_key"),
    "auth/permission": error(403, "Country, region, or territory not supported", "request_forbidden",
                             "unsupported_country_region_territory"),
    "invalid_request": error(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                                  "'max_completion_tokens' instead.", "invalid_request_error", "unsupported_parameter",
                             "max_tokens"),
    "context_length": error(400, "This model's maximum context length is 128000 tokens. However, your messages resulted "
                                 "in 131072 tokens. Please reduce the length of the messages.", "invalid_request_error",
                            "context_length_exceeded", "messages"),
    "content_filter": error(400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy. "
                                 "Please try again with a different prompt.", "invalid_request_error", "invalid_prompt"),
    "content_filter/policy": error(400, "Your request was rejected as a result of our safety system.",
                                   "invalid_request_error", "content_policy_violation"),
    "not_found": error(404, "The model `gpt-9` does not exist or you do not have access to it.",
                       "invalid_request_error", "model_not_found"),
    "quota_exhausted": error(429, "You exceeded your current quota, please check your plan and billing details.",
                             "insufficient_quota", "insufficient_quota"),
    "quota_exhausted/spend_limit": error(429, "This organization has reached its spend limit.", "insufficient_quota",
                                         "organization_spend_limit_exceeded"),
    "rate_limited": error(429, "Rate limit reached for gpt-5.6-luna on requests per min (RPM): Limit 500, Used 500, "
                               "Requested 1. Please try again in 120ms.", "requests", "rate_limit_exceeded", None,
                          [("retry-after", "1"), ("retry-after-ms", "120"), ("x-ratelimit-limit-requests", "500"),
                           ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "120ms")]),
    "rate_limited/tokens": error(429, "Rate limit reached for gpt-5.4 in organization org-x on tokens per min (TPM): "
                                      "Limit 30000, Used 29000, Requested 6527. Please try again in 11.054s.", "tokens",
                                 "rate_limit_exceeded", None, [("retry-after", "12"), ("retry-after-ms", "11054")]),
    "too_large": error(413, "Request too large", "invalid_request_error", None),
    "server_error": error(500, "The server had an error while processing your request. Sorry about that!",
                          "server_error", None),
    "overloaded": error(503, "The requested model does not have enough capacity to process your request at the moment. "
                             "Please try again later.", "service_unavailable_error", "server_is_overloaded", None,
                        [("retry-after", "2")]),
    "timeout": page(504, "Gateway Time-out"),
}


class OpenAILike(Vendor):
    """A vendor with OpenAI's endpoints under a path of its own."""

    base = "/v1"
    errors = ERRORS
    table: Dict[Tuple[str, str], Type[Endpoint]] = {}    # method and path below the base

    def endpoint(self, request: Request) -> Optional[Endpoint]:
        path = path_of(request)
        if not path.startswith(self.base + "/"):
            return None
        return self.below(request.method, path[len(self.base):])

    def below(self, method: str, path: str) -> Optional[Endpoint]:
        kind = self.table.get((method, path))
        if kind is None and method == "GET" and re.fullmatch(r"/models/[^/]+(/[^/]+)?", path):
            return Model(self, path[len("/models/"):])
        return kind(self) if kind else None

    def invalid(self, message: str, param: Optional[str] = None, status: int = 400) -> Answer:
        body = error(status, message, "invalid_request_error", None, param).body
        return Answer(status, self.headers(), as_json(body))


class OpenAI(OpenAILike):
    """OpenAI itself. Below /inner it stands for a gateway of one's own in front of a model that is compatible."""

    name = "openai"
    soft = ("content_filter",)
    table = {("POST", "/chat/completions"): Chat, ("POST", "/responses"): Responses,
             ("POST", "/responses/input_tokens"): InputTokens, ("POST", "/completions"): Completions,
             ("POST", "/embeddings"): Embeddings, ("GET", "/models"): Models}
    models = ["gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "text-embedding-3-small"]

    def endpoint(self, request: Request) -> Optional[Endpoint]:
        if path_of(request) == "/inner/v1/chat/completions" and request.method == "POST":
            return Inner(self)
        return super().endpoint(request)

    def headers(self) -> Headers:
        return [("x-request-id", "req_8f2c1d0e9a7b4c3d"), ("openai-processing-ms", "42"),
                ("openai-version", "2020-10-01")]


class Inner(Chat):
    refused: Set[str] = set()

    def refuses_value(self, request: Request, body: Dict[str, Any]) -> Optional[Answer]:
        return None


VENDORS: List[Vendor] = [OpenAI()]
