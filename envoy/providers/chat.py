"""OpenAI's chat completions as OpenAI speaks them. The vendors that speak the same override what they do differently."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Set

import model
from dialect import DEFAULT_DELTA, SSE, Endpoint, as_json, parts_of, text_of
from faults import Answer, Event
from http1 import Request

FIELDS = {
    "messages", "model", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
    "max_completion_tokens", "max_tokens", "metadata", "modalities", "moderation", "n", "parallel_tool_calls",
    "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
    "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store",
    "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity",
    "web_search_options", "stream",
}
# What other vendors call things. The real one refuses whatever it does not know; this one only what is known to be
# somebody else's, so that tests can send fields of their own.
FOREIGN = {
    "system", "stop_sequences", "top_k", "thinking", "output_config", "cache_control", "random_seed", "safe_prompt",
    "prompt_mode", "enable_thinking", "thinking_budget", "enable_search", "repetition_penalty", "provider", "plugins",
    "transforms", "reasoning", "max_output_tokens", "input", "instructions", "contents", "generationConfig",
    "systemInstruction", "data_sources",
}
REASONING_MODELS = ("gpt-5", "gpt-6", "o1", "o3", "o4")


class Chat(Endpoint):
    fields: Optional[Set[str]] = None      # None: fields that it does not know are ignored …
    refused: Set[str] = FOREIGN            # … but for these
    roles = ("system", "developer", "user", "assistant", "tool", "function")
    image_parts = ("image_url",)
    usage_in_last_choice = False           # the stream's usage: a chunk of its own, on request
    obfuscated = True                      # chunks carry a random `obfuscation` against traffic analysis
    thoughts_field: Optional[str] = None   # where the text of its reasoning stands; None: it is kept back
    thoughts_replayed = False              # in a loop of tools it has to come back
    answer_id = "chatcmpl-C4HqHBe4xca0k0EzsCnf1t6V3YFXp"
    finishes = {"content_filter": "content_filter"}

    # ── What it does not take ───────────────────────────────────────────────────────────────────────────────────────

    def refuses(self, request: Request, body: Any) -> Optional[Answer]:
        invalid = self.vendor.invalid
        if not isinstance(body, dict):
            return invalid("We could not parse the JSON body of your request.")
        if not self.model(request, body):
            return invalid("you must provide a model parameter", "model")
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            return invalid("Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages")
        unknown = set(body) - self.fields if self.fields is not None else set(body) & self.refused
        if unknown:
            return self.unknown_field(sorted(unknown)[0])
        for number, message in enumerate(body["messages"]):
            if message.get("role") not in self.roles:
                return self.unknown_variant("messages[%d].role" % number, message.get("role"), self.roles)
            for part in parts_of(message.get("content")):
                if part.get("type") == "image_url" and not self.image_parts:
                    return self.unknown_variant("messages[%d]" % number, "image_url", ("text",))
        return self.refuses_tools(body) or self.refuses_value(request, body)

    def unknown_field(self, field: str) -> Answer:
        return self.vendor.invalid("Unrecognized request argument supplied: " + field, field)

    def unknown_variant(self, where: str, value: Any, known: Any) -> Answer:
        return self.vendor.invalid("Invalid value: '%s'. Supported values are: %s." %
                                   (value, ", ".join("'%s'" % name for name in known)), where)

    def refuses_tools(self, body: Dict[str, Any]) -> Optional[Answer]:
        """Each call has its result, and each result its call."""
        open_calls: Set[str] = set()
        for number, message in enumerate(body["messages"]):
            if message["role"] == "tool":
                if message.get("tool_call_id") not in open_calls:
                    return self.vendor.invalid(
                        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                        "'tool_calls'.", "messages.[%d].role" % number)
                open_calls.discard(message["tool_call_id"])
                continue
            if open_calls:
                return self._unanswered(open_calls)
            open_calls = {call["id"] for call in message.get("tool_calls") or []}
        return self._unanswered(open_calls) if open_calls else None

    def _unanswered(self, calls: Set[str]) -> Answer:
        return self.vendor.invalid(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(sorted(calls)),
            "messages")

    def refuses_value(self, request: Request, body: Dict[str, Any]) -> Optional[Answer]:
        """What depends on values: overridden by every vendor that differs."""
        if "max_tokens" in body and self.model(request, body).startswith(REASONING_MODELS):
            return self.error("invalid_request")
        form = (body.get("response_format") or {}).get("json_schema") or {}
        loose = form.get("strict") and loose_object(form.get("schema"))
        if loose:
            return self.vendor.invalid(
                "Invalid schema for response_format '%s': In context=%s, 'additionalProperties' is required to be "
                "supplied and to be false." % (form.get("name"), loose), "response_format")
        if form and not form.get("name"):
            return self.vendor.invalid("Missing required parameter: 'response_format.json_schema.name'.",
                                       "response_format.json_schema.name")
        return None

    # ── What it was asked ───────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, request: Request, body: Dict[str, Any]) -> model.Ask:
        messages = body["messages"]
        last_user = next((m for m in reversed(messages) if m["role"] == "user"), {})
        results: List[str] = []
        for message in reversed(messages):
            if message["role"] != "tool":
                break
            results.insert(0, self.text(message.get("content")))
        system = [self.text(m.get("content")) for m in messages if m["role"] in ("system", "developer")]
        tools = {tool["function"]["name"]: tool["function"].get("parameters")
                 for tool in body.get("tools") or [] if tool.get("type") == "function"}
        choice = body.get("tool_choice")
        named = ((choice.get("function") or {}).get("name")) if isinstance(choice, dict) else None
        stop = body.get("stop") or []
        images = [part for m in messages for part in parts_of(m.get("content")) if part.get("type") in self.image_parts]
        return model.Ask(
            model=self.model(request, body),
            stream=bool(body.get("stream")),
            texts=[self.text(message.get("content")) for message in messages],
            last_text=self.text(last_user.get("content")),
            system="\n".join(system),
            tools=tools if choice != "none" else {},
            forced=named or (next(iter(tools), None) if choice in ("required", "any") else None),
            parallel=body.get("parallel_tool_calls") is not False,
            tool_result="\n".join(results) if results else None,
            schema=self.schema(body.get("response_format") or {}),
            images=len(images),
            thinks=self.thinks(body),
            shows_thoughts=self.thoughts_field is not None,
            stop=[stop] if isinstance(stop, str) else stop,
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            choices=body.get("n") or 1,
        )

    def text(self, content: Any) -> str:
        return text_of(content)

    def schema(self, form: Dict[str, Any]) -> Any:
        if form.get("type") == "json_schema":
            return form["json_schema"].get("schema") or True
        return True if form.get("type") == "json_object" else None

    def thinks(self, body: Dict[str, Any]) -> bool:
        return (body.get("reasoning_effort") or "none") != "none"

    # ── What it says ────────────────────────────────────────────────────────────────────────────────────────────────

    def whole(self, ask: model.Ask, reply: model.Reply) -> Answer:
        message = self.message(ask, reply)
        choices = [self.choice(index, {"message": message}, self.finish(reply)) for index in range(ask.choices)]
        body = {"id": self.answer_id, "object": "chat.completion", "created": model.CREATED, "model": reply.model,
                "choices": choices}
        if reply.usage:
            body["usage"] = self.usage(reply.usage)
        body.update(self.extras())
        return Answer(200, self.vendor.headers(), as_json(body))

    def message(self, ask: model.Ask, reply: model.Reply) -> Dict[str, Any]:
        message: Dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
        if reply.thoughts and self.thoughts_field:
            message[self.thoughts_field] = reply.thoughts
        if reply.calls:
            message["tool_calls"] = [self.call(number, call) for number, call in enumerate(reply.calls)]
        else:
            message["annotations"] = []
        return message

    def stream(self, ask: model.Ask, reply: model.Reply, delta: Optional[int]) -> Answer:
        deltas = self.deltas(reply, delta or DEFAULT_DELTA)
        chunks = [self.chunk(reply, index, part, None) for part in deltas for index in range(ask.choices)]
        chunks += [self.chunk(reply, index, self.last_delta(), self.finish(reply)) for index in range(ask.choices)]
        if reply.usage and self.usage_in_last_choice:
            chunks[-1]["usage"] = self.usage(reply.usage)
        elif reply.usage and ask.include_usage:
            for part in chunks:
                part["usage"] = None
            chunks.append(dict(self.chunk(reply, 0, {}, None), choices=[], usage=self.usage(reply.usage)))
        events = self.events(chunks) + [Event("[DONE]")]
        return Answer(200, self.vendor.headers(), events=events, content_type=SSE)

    def events(self, chunks: List[Dict[str, Any]]) -> List[Event]:
        return [Event(as_json(part).decode()) for part in chunks]

    def deltas(self, reply: model.Reply, size: int) -> List[Dict[str, Any]]:
        deltas: List[Dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
        if self.thoughts_field:
            deltas += [self.thought(piece) for piece in model.pieces(reply.thoughts, size)]
        deltas += [{"content": piece} for piece in model.pieces(reply.text, size)]
        for number, call in enumerate(reply.calls):
            deltas += self.call_deltas(number, call, size)
        return deltas

    def thought(self, piece: str) -> Dict[str, Any]:
        return {self.thoughts_field or "": piece}

    def call_deltas(self, number: int, call: model.Call, size: int) -> List[Dict[str, Any]]:
        first = {"tool_calls": [dict(index=number, **self.call(number, call, ""))]}
        return [first] + [{"tool_calls": [{"index": number, "function": {"arguments": piece}}]}
                          for piece in model.pieces(call.arguments, size)]

    def last_delta(self) -> Dict[str, Any]:
        return {}

    def chunk(self, reply: model.Reply, index: int, delta: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        chunk = {"id": self.answer_id, "object": "chat.completion.chunk", "created": model.CREATED,
                 "model": reply.model, **self.extras(), "choices": [self.choice(index, {"delta": delta}, finish)]}
        if self.obfuscated:
            chunk["obfuscation"] = "aB3"
        return chunk

    def choice(self, index: int, content: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        return {"index": index, **content, "logprobs": None, "finish_reason": finish}

    def extras(self) -> Dict[str, Any]:
        return {"service_tier": "default", "system_fingerprint": None}

    def call_id(self, number: int) -> str:
        return "call_%s%d" % ("abcdefgh"[number % 8], number + 1)

    def call(self, number: int, call: model.Call, arguments: Optional[str] = None) -> Dict[str, Any]:
        function = {"name": call.name, "arguments": call.arguments if arguments is None else arguments}
        return {"id": self.call_id(number), "type": "function", "function": function}

    def finish(self, reply: model.Reply) -> str:
        if reply.soft:
            return self.finishes[reply.soft]
        return "tool_calls" if reply.calls else "length" if reply.cut_short else "stop"

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"prompt_tokens": usage.input, "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output,
                "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0,
                                              "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}

    def error_event(self, kind: str) -> List[Event]:
        return [Event(self.error(kind).body.decode()), Event("[DONE]")]


def loose_object(schema: Any, where: str = "()") -> Optional[str]:
    """Where in the schema an object may have more than it says; strict schemas must not."""
    if isinstance(schema, list):
        return next((found for item in schema if (found := loose_object(item, where))), None)
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return where
    return next((found for name, part in schema.items()
                 if (found := loose_object(part, "('%s',)" % name))), None)
