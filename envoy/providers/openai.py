"""OpenAI's chat completions, and the vendors that speak the same with small differences.

Shapes and error bodies follow what the vendors really send; each difference is a line in `VENDORS`.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Tuple

import model
from faults import Answer, Event
from http1 import Headers, Request

DEFAULT_DELTA = 4


class Vendor:
    """OpenAI itself; the others override what they do differently."""

    name = "openai"
    usage_in_last_choice = False           # the stream's usage: a chunk of its own, on request
    known_fields: Optional[set] = None     # None: unknown fields are ignored
    request_id = ("x-request-id", "req_8f2c1d0e9a7b4c3d")
    obfuscated = True                      # chunks carry a random `obfuscation` against traffic analysis

    def takes(self, request: Request) -> bool:
        path = request.path.split("?")[0]
        return request.method == "POST" and path.endswith("/chat/completions")

    def headers(self) -> Headers:
        return [self.request_id, ("openai-processing-ms", "42"), ("openai-version", "2020-10-01")]

    def refuses(self, request: Request, body: Any) -> Optional[Answer]:
        """The error for a request that the vendor would not take."""
        key = request.header("authorization") or request.header("api-key") or ""
        if not key.replace("Bearer", "").strip():
            return self.error("auth")
        if not isinstance(body, dict):
            return self.invalid("We could not parse the JSON body of your request.", None)
        if not isinstance(body.get("model"), str):
            return self.invalid("you must provide a model parameter", "model")
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            return self.invalid("Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages")
        unknown = set(body) - self.known_fields if self.known_fields is not None else set()
        if unknown:
            return self.unknown_field(sorted(unknown)[0])
        return self.refuses_value(body)

    def refuses_value(self, body: Dict[str, Any]) -> Optional[Answer]:
        if "max_tokens" in body and body["model"].startswith(("gpt-5", "gpt-6", "o1", "o3", "o4")):
            return self.error("invalid_request")
        return None

    def unknown_field(self, field: str) -> Answer:
        return self.invalid("Unrecognized request argument supplied: " + field, field)

    def invalid(self, message: str, param: Optional[str]) -> Answer:
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
        return Answer(400, self.headers(), _json({"error": error}))

    def error(self, kind: str) -> Answer:
        status, headers, error = self.errors()[kind]
        if isinstance(error, str):
            return Answer(status, headers, error.encode(), content_type="text/html")
        return Answer(status, self.headers() + headers, _json({"error": error}))

    def errors(self) -> Dict[str, Tuple[int, Headers, Any]]:
        return ERRORS

    def error_event(self, kind: str) -> List[Event]:
        return [Event(self.error(kind).body.decode()), Event("[DONE]")]

    def ask(self, body: Dict[str, Any]) -> model.Ask:
        messages = body["messages"]
        last_user = next((m for m in reversed(messages) if m.get("role") == "user"), {})
        last = messages[-1]
        tools = [tool["function"]["name"] for tool in body.get("tools") or [] if tool.get("type") == "function"]
        return model.Ask(
            model=body["model"],
            stream=bool(body.get("stream")),
            texts=[_text(message.get("content")) for message in messages],
            last_text=_text(last_user.get("content")),
            tools=tools if body.get("tool_choice") != "none" else [],
            tool_result=_text(last.get("content")) if last.get("role") == "tool" else None,
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            choices=body.get("n") or 1,
        )

    def whole(self, ask: model.Ask, reply: model.Reply) -> Answer:
        message: Dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
        if reply.calls:
            message["tool_calls"] = [self.call(number, call) for number, call in enumerate(reply.calls)]
        else:
            message["annotations"] = []
        choices = [{"index": index, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
                   for index in range(ask.choices)]
        body = {"id": self.answer_id, "object": "chat.completion", "created": model.CREATED, "model": reply.model,
                "choices": choices}
        if reply.usage:
            body["usage"] = self.usage(reply.usage)
        body.update({"service_tier": "default", "system_fingerprint": None})
        return Answer(200, self.headers(), _json(body))

    def stream(self, ask: model.Ask, reply: model.Reply, delta: Optional[int]) -> Answer:
        size = delta or DEFAULT_DELTA
        own_chunk = reply.usage is not None and ask.include_usage and not self.usage_in_last_choice
        deltas: List[Dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
        deltas += [{"content": piece} for piece in model.pieces(reply.text, size)]
        for number, call in enumerate(reply.calls):
            deltas.append({"tool_calls": [dict(self.call(number, call, ""), index=number)]})
            deltas += [{"tool_calls": [{"index": number, "function": {"arguments": piece}}]}
                       for piece in model.pieces(call.arguments, size)]
        chunks = [self.chunk(reply, index, part, None) for part in deltas for index in range(ask.choices)]
        chunks += [self.chunk(reply, index, {}, _finish(reply)) for index in range(ask.choices)]
        if own_chunk:
            for part in chunks:
                part["usage"] = None
            chunks.append(dict(self.chunk(reply, 0, {}, None), choices=[], usage=self.usage(reply.usage)))
        elif reply.usage and self.usage_in_last_choice:
            chunks[-1]["usage"] = self.usage(reply.usage)
        events = [Event(_json(part).decode()) for part in chunks] + [Event("[DONE]")]
        return Answer(200, self.headers(), events=events, content_type="text/event-stream; charset=utf-8")

    def chunk(self, reply: model.Reply, index: int, delta: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = {"id": self.answer_id, "object": "chat.completion.chunk", "created": model.CREATED,
                 "model": reply.model, "service_tier": "default", "system_fingerprint": None, "choices": [choice]}
        if self.obfuscated:
            chunk["obfuscation"] = "aB3"
        return chunk

    answer_id = "chatcmpl-C4HqHBe4xca0k0EzsCnf1t6V3YFXp"

    def call(self, number: int, call: model.Call, arguments: Optional[str] = None) -> Dict[str, Any]:
        function = {"name": call.name, "arguments": call.arguments if arguments is None else arguments}
        return {"id": "call_%s%d" % ("abcdefgh"[number % 8], number + 1), "type": "function", "function": function}

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"prompt_tokens": usage.input, "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
                                              "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}


class DeepSeek(Vendor):
    name = "deepseek"
    obfuscated = False
    usage_in_last_choice = True            # in the last choice's chunk, asked for or not
    request_id = ("x-ds-trace-id", "88b824431188b08b7c138f56801ba1ca")
    answer_id = "33be18fc-3842-486c-8c29-dd8e578f7f20"

    def headers(self) -> Headers:
        return [self.request_id]

    def refuses_value(self, body: Dict[str, Any]) -> Optional[Answer]:
        return None                        # fields that it does not know, `store` among them, are ignored

    def errors(self) -> Dict[str, Tuple[int, Headers, Any]]:
        return dict(ERRORS, **DEEPSEEK_ERRORS)

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"prompt_tokens": usage.input, "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output, "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
                "prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": usage.input}


class Mistral(Vendor):
    name = "mistral"
    obfuscated = False
    usage_in_last_choice = True
    request_id = ("mistral-correlation-id", "0198c6a1-3c44-7e1f-9d0a-5b2f6a7c8d9e")
    known_fields = {
        "model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "response_format",
        "tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction", "parallel_tool_calls",
        "prompt_mode", "safe_prompt", "metadata", "reasoning_effort",
    }

    def headers(self) -> Headers:
        return [self.request_id]

    def refuses_value(self, body: Dict[str, Any]) -> Optional[Answer]:
        return None

    def errors(self) -> Dict[str, Tuple[int, Headers, Any]]:
        return dict(ERRORS, **MISTRAL_ERRORS)

    def error(self, kind: str) -> Answer:
        status, headers, error = self.errors()[kind]
        if "detail" in error:
            return Answer(status, self.headers() + headers, _json(error))
        return Answer(status, self.headers() + headers, _json(dict(error, object="error", raw_status_code=status)))

    def unknown_field(self, field: str) -> Answer:
        detail = [{"type": "extra_forbidden", "loc": ["body", field], "msg": "Extra inputs are not permitted"}]
        return Answer(422, self.headers(), _json({"object": "error", "message": {"detail": detail},
                                                  "type": "invalid_request_error", "param": None, "code": None}))


class Compatible(Vendor):
    """Speaks OpenAI's format and adds nothing: Qwen, OpenRouter, Azure, a model of one's own."""

    obfuscated = False

    def __init__(self, name: str):
        self.name = name

    def refuses_value(self, body: Dict[str, Any]) -> Optional[Answer]:
        return None


def _finish(reply: model.Reply) -> str:
    return "tool_calls" if reply.calls else "length" if reply.cut_short else "stop"


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part.get("text") or "" for part in parts if isinstance(part, dict) and part.get("type") == "text")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _error(message: str, kind: str, code: Optional[str], param: Optional[str] = None) -> Dict[str, Any]:
    return {"message": message, "type": kind, "param": param, "code": code}


ERRORS: Dict[str, Tuple[int, Headers, Any]] = {
    "auth": (401, [], _error(
        "Incorrect API key provided: sk-abc*****************************wxyz. You can find your API key at "
        "https://platform.openai.com/account/api-keys.", "invalid_request_error", "invalid_api_key")),
    "invalid_request": (400, [], _error(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "invalid_request_error", "unsupported_parameter", "max_tokens")),
    "context_length": (400, [], _error(
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens. "
        "Please reduce the length of the messages.", "invalid_request_error", "context_length_exceeded", "messages")),
    "content_filter": (400, [], _error(
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a "
        "different prompt.", "invalid_request_error", "invalid_prompt")),
    "not_found": (404, [], _error(
        "The model `gpt-9` does not exist or you do not have access to it.", "invalid_request_error",
        "model_not_found")),
    "quota_exhausted": (429, [], _error(
        "You exceeded your current quota, please check your plan and billing details.", "insufficient_quota",
        "insufficient_quota")),
    "rate_limited": (429, [("retry-after", "1"), ("retry-after-ms", "120"), ("x-ratelimit-limit-requests", "500"),
                           ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "120ms")], _error(
        "Rate limit reached for gpt-5.6-luna on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try "
        "again in 120ms.", "requests", "rate_limit_exceeded")),
    "too_large": (413, [], _error("Request too large", "invalid_request_error", None)),
    "server_error": (500, [], _error(
        "The server had an error while processing your request. Sorry about that!", "server_error", None)),
    "overloaded": (503, [("retry-after", "2")], _error(
        "The requested model does not have enough capacity to process your request at the moment. Please try again "
        "later.", "service_unavailable_error", "server_is_overloaded")),
    "timeout": (504, [], "<html>\n<head><title>504 Gateway Time-out</title></head>\n</html>\n"),
}

DEEPSEEK_ERRORS: Dict[str, Tuple[int, Headers, Any]] = {
    "auth": (401, [], _error("Authentication Fails, Your api key: ****key is invalid", "authentication_error",
                             "invalid_request_error")),
    "context_length": (400, [], _error(
        "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens (132000 in the "
        "messages, 8000 in the completion). Please reduce the length of the messages or completion.",
        "invalid_request_error", "invalid_request_error")),
    "not_found": (400, [], _error("Model Not Exist", "invalid_request_error", "invalid_request_error")),
    "quota_exhausted": (402, [], _error("Insufficient Balance", "unknown_error", "invalid_request_error")),
    "rate_limited": (429, [], _error("Too many concurrent requests. Please slow down and retry later.",
                                     "rate_limit_error", "rate_limit_exceeded")),
    "server_error": (500, [], _error("Internal server error", "server_error", "internal_error")),
    "overloaded": (503, [], _error(
        "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
        "service_unavailable_error", "service_unavailable_error")),
}

MISTRAL_ERRORS: Dict[str, Tuple[int, Headers, Any]] = {
    "auth": (401, [], {"detail": "Unauthorized"}),
    "rate_limited": (429, [], _error("Rate limit exceeded", "rate_limited", "1300")),
    "overloaded": (429, [], _error("Service tier capacity exceeded for this model.",
                                   "service_tier_capacity_exceeded", "3505")),
    "server_error": (500, [], _error("Internal server error", "internal_server_error", "1000")),
    "timeout": (504, [], _error("Request timed out", "timeout", None)),
}

VENDORS: Dict[str, Vendor] = {
    vendor.name: vendor
    for vendor in (Vendor(), DeepSeek(), Mistral(), Compatible("qwen"), Compatible("openrouter"),
                   Compatible("azure_openai"))
}
