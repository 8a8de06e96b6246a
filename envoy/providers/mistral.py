"""Mistral: close to OpenAI's format, strict about every field, and errors without a wrapper."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional

import model
from chat import Chat
from dialect import Error, Vendor, as_json, parts_of, text_of
from endpoints import ANSWER, Embeddings, Models
from faults import Answer, Event
from http1 import Headers, Request
from openai import OpenAILike

FIELDS = {
    "model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata",
    "response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "min_tokens",
    "repetition_penalty", "top_k", "logprobs", "top_logprobs", "prompt_logprobs", "top_prompt_logprobs", "n",
    "prediction", "parallel_tool_calls", "reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key",
    "service_tier", "safe_prompt",
}
CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")


def error(status: int, message: str, kind: str, code: Optional[str]) -> Error:
    body = {"object": "error", "message": message, "type": kind, "param": None, "code": code}
    return Error(status, dict(body, raw_status_code=status))


def in_front(status: int, message: str) -> Error:
    """What the gateway in front of it says."""
    return Error(status, {"message": message, "request_id": "01991c00-39eb-7fdc-aeef-2ade58b1d642"}, in_front=True)


ERRORS: Dict[str, Error] = {
    "auth": Error(401, {"detail": "Unauthorized"}),
    "auth/gateway": in_front(401, "Unauthorized"),
    "invalid_request": Error(422, {"object": "error", "message": {"detail": [
        {"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted",
         "input": 32000}]}, "type": "invalid_request_error", "param": None, "code": None}),
    "context_length": error(400, "Prompt contains 300000 tokens, too large for model with 131072 maximum context length",
                            "invalid_request_prompt", "3210"),
    "not_found": error(400, "Invalid model: mistral-nope", "invalid_model", "1500"),
    "quota_exhausted": error(402, "You have reached the monthly usage limit of your workspace.",
                             "invalid_request_error", None),
    "rate_limited": error(429, "Rate limit exceeded", "rate_limited", "1300"),
    "too_large": in_front(413, "Request size limit exceeded"),
    "server_error": error(500, "Internal server error", "internal_server_error", "1000"),
    "overloaded": error(429, "Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded",
                        "3505"),
    "overloaded/unavailable": error(503, "Service unavailable", "service_unavailable", "1100"),
    "timeout": in_front(504, "The upstream server is timing out"),
}


class MistralChat(Chat):
    fields = FIELDS
    roles = ("system", "user", "assistant", "tool")
    obfuscated = False
    usage_in_last_choice = True            # always, it cannot be asked for
    thoughts_field = "content"
    answer_id = "9f9d90210f194076abeee223863eaaf0"
    finishes = {"server_error": "error", "context_length": "model_length"}

    def unknown_field(self, field: str) -> Answer:
        return self.vendor.invalid("extra_forbidden", field, 422)

    def unknown_variant(self, where: str, value: Any, known: Any) -> Answer:
        return self.vendor.invalid("literal_error", where, 422)

    def refuses_value(self, request: Request, body: Dict[str, Any]) -> Optional[Answer]:
        last = body["messages"][-1]
        if last["role"] not in ("user", "tool") and not last.get("prefix"):
            return self.vendor.bad("Expected last role User or Tool (or Assistant with prefix True) for serving but "
                                   "got %s" % last["role"], "3230")
        for message in body["messages"]:
            ids = [call["id"] for call in message.get("tool_calls") or []] + [message.get("tool_call_id")]
            wrong = [each for each in ids if each is not None and not CALL_ID.fullmatch(each)]
            if wrong:
                return self.vendor.bad("Tool call id was %s but must be a-z, A-Z, 0-9, with a length of 9." % wrong[0],
                                       "3280")
        form = body.get("response_format") or {}
        if form.get("type") == "json_schema" and not (form.get("json_schema") or {}).get("schema"):
            return self.vendor.invalid("missing", "response_format.json_schema.schema", 422)
        return None

    def thinks(self, body: Dict[str, Any]) -> bool:
        return body.get("prompt_mode") == "reasoning" or super().thinks(body)

    def message(self, ask: model.Ask, reply: model.Reply) -> Dict[str, Any]:
        content: Any = reply.text
        if reply.thoughts:
            content = [dict(chunk(reply.thoughts), closed=True)]
            content += [{"type": "text", "text": reply.text}] if reply.text else []
        calls = [self.call(number, call) for number, call in enumerate(reply.calls)]
        return {"role": "assistant", "tool_calls": calls or None, "content": content}

    def deltas(self, reply: model.Reply, size: int) -> List[Dict[str, Any]]:
        first, *rest = super().deltas(reply, size)
        first.pop("refusal")
        return [first] + rest

    def thought(self, piece: str) -> Dict[str, Any]:
        return {"content": [chunk(piece)]}

    def call_deltas(self, number: int, call: model.Call, size: int) -> List[Dict[str, Any]]:
        return [{"tool_calls": [dict(self.call(number, call), index=number)]}]

    def call_id(self, number: int) -> str:
        return "D681PevK%d" % (number % 10)

    def last_delta(self) -> Dict[str, Any]:
        return {"content": ""}

    def choice(self, index: int, content: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        return {"index": index, **content, "finish_reason": finish}

    def chunk(self, reply: model.Reply, index: int, delta: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        return dict(super().chunk(reply, index, delta, finish), p="abcdefghij"[:len(json.dumps(delta)) % 10])

    def extras(self) -> Dict[str, Any]:
        return {}

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"prompt_tokens": usage.input, "total_tokens": usage.input + usage.output,
                "completion_tokens": usage.output, "prompt_tokens_details": {"cached_tokens": usage.cached}}

    def text(self, content: Any) -> str:
        thoughts = [text_of(part.get("thinking")) for part in parts_of(content) if part.get("type") == "thinking"]
        return "".join(thoughts) + text_of(content)

    def error_event(self, kind: str) -> List[Event]:
        return [Event(self.error(kind).body.decode())]


def chunk(thoughts: str) -> Dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}


class MistralEmbeddings(Embeddings):
    fields = {"model", "input", "metadata", "output_dimension", "output_dtype", "encoding_format"}

    def at_once(self, request: Request, body: Any) -> ANSWER:
        answer, spent = super().at_once(request, body)
        answer.body = b'{"id":"cc93a06d10244e07a4b2604c20855c61",' + answer.body[1:]
        return answer, spent


class Mistral(OpenAILike):
    name = "mistral"
    errors = ERRORS
    soft = ("server_error", "context_length")
    table = {("POST", "/chat/completions"): MistralChat, ("POST", "/embeddings"): MistralEmbeddings,
             ("GET", "/models"): Models}
    models = ["mistral-large-latest", "mistral-small-latest", "magistral-medium-latest", "mistral-embed"]

    def headers(self) -> Headers:
        return [("mistral-correlation-id", "0198c6a1-3c44-7e1f-9d0a-5b2f6a7c8d9e")]

    def invalid(self, message: str, param: Optional[str] = None, status: int = 422) -> Answer:
        text = {"extra_forbidden": "Extra inputs are not permitted", "missing": "Field required"}.get(message, message)
        detail = [{"type": message, "loc": ["body", *(param or "").split(".")], "msg": text}]
        return Answer(status, self.headers(), as_json({
            "object": "error", "message": {"detail": detail}, "type": "invalid_request_error", "param": None,
            "code": None}))

    def bad(self, message: str, code: str) -> Answer:
        return Answer(400, self.headers(), as_json(error(400, message, "invalid_request_message_order", code).body))


VENDORS: List[Vendor] = [Mistral()]
