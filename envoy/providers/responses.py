"""OpenAI's Responses API: items in, items out, and a stream that tells everything twice."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import model
from dialect import DEFAULT_DELTA, SSE, Endpoint, as_json, parts_of, text_of
from faults import Answer, Event
from http1 import Request

FIELDS = {
    "access_programs", "background", "background_options", "context_management", "conversation", "image", "include",
    "input", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "model", "moderation",
    "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store", "stream_options",
    "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user", "stream",
}
TEXTS = ("input_text", "output_text", "text", "refusal")
ANSWER_ID = "resp_689f74b2f1e0819088b30c8105dc8b29"


class Responses(Endpoint):
    fields = FIELDS
    named_events = True                    # each event's name stands on a line of its own, too
    done_marker = False

    def refuses(self, request: Request, body: Any) -> Optional[Answer]:
        invalid = self.vendor.invalid
        if not isinstance(body, dict):
            return invalid("We could not parse the JSON body of your request.")
        if not isinstance(body.get("model"), str):
            return invalid("Missing required parameter: 'model'.", "model")
        if "input" not in body and "prompt" not in body:
            return invalid("Missing required parameter: 'input'.", "input")
        unknown = sorted(set(body) - self.fields)
        if unknown:
            return invalid("Unknown parameter: '%s'." % unknown[0], unknown[0])
        if body.get("previous_response_id"):
            return invalid("Previous response with id '%s' not found." % body["previous_response_id"],
                           "previous_response_id")
        return self.refuses_items(body)

    def refuses_items(self, body: Dict[str, Any]) -> Optional[Answer]:
        calls, results = set(), set()
        for number, item in enumerate(parts_of(body.get("input"))):
            kind = item.get("type", "message")
            if kind == "function_call":
                calls.add(item["call_id"])
            elif kind == "function_call_output":
                if item.get("call_id") not in calls:
                    return self.vendor.invalid("No tool call found for function call output with call_id %s." %
                                               item.get("call_id"), "input")
                results.add(item["call_id"])
            elif kind == "reasoning" and item.get("encrypted_content"):
                text = "".join(part.get("text") or "" for part in parts_of(item.get("summary")))
                if text and item["encrypted_content"] != model.signature(text):
                    return self.vendor.invalid("The encrypted content could not be verified.",
                                               "input[%d].encrypted_content" % number)
            elif kind == "message" and item.get("role") not in ("user", "assistant", "system", "developer"):
                return self.vendor.invalid("Invalid value: '%s'." % item.get("role"), "input[%d].role" % number)
        if calls - results:
            return self.vendor.invalid("No tool output found for function call %s." % sorted(calls - results)[0],
                                       "input")
        return None

    def ask(self, request: Request, body: Dict[str, Any]) -> model.Ask:
        given = body["input"]
        items = [{"role": "user", "content": given}] if isinstance(given, str) else parts_of(given)
        messages = [item for item in items if item.get("type", "message") == "message"]
        users = [text_of(item.get("content"), TEXTS) for item in messages if item.get("role") == "user"]
        system = [body.get("instructions") or ""] + [text_of(item.get("content"), TEXTS) for item in messages
                                                     if item.get("role") in ("system", "developer")]
        results: List[str] = []
        for item in reversed(items):
            if item.get("type") != "function_call_output":
                break
            results.insert(0, text_of(item.get("output"), TEXTS))
        tools = {tool["name"]: tool.get("parameters") for tool in body.get("tools") or []
                 if tool.get("type") == "function"}
        choice = body.get("tool_choice")
        named = choice.get("name") if isinstance(choice, dict) else None
        form = (body.get("text") or {}).get("format") or {}
        schema = {"json_schema": form.get("schema"), "json_object": True}.get(form.get("type") or "")
        reasoning = body.get("reasoning") or {}
        effort = reasoning.get("effort") or ("medium" if reasoning.get("summary") else "none")
        images = [part for item in messages for part in parts_of(item.get("content"))
                  if part.get("type") == "input_image"]
        return model.Ask(
            model=body.get("model") or "",
            stream=bool(body.get("stream")),
            texts=[text for text in [body.get("instructions") or ""] if text]
            + [text_of(item.get("content"), TEXTS) for item in messages] + results,
            last_text=users[-1] if users else "",
            system="\n".join(text for text in system if text),
            tools=tools if choice != "none" else {},
            forced=named or (next(iter(tools), None) if choice == "required" else None),
            parallel=body.get("parallel_tool_calls") is not False,
            tool_result="\n".join(results) if results else None,
            schema=schema,
            images=len(images),
            thinks=effort != "none",
            shows_thoughts=bool(reasoning.get("summary")),
            max_tokens=body.get("max_output_tokens"),
            include_usage=True,
        )

    # ── The answer, whole ───────────────────────────────────────────────────────────────────────────────────────────

    def whole(self, ask: model.Ask, reply: model.Reply) -> Answer:
        return Answer(200, self.vendor.headers(), as_json(self.response(reply, self.output(ask, reply))))

    def output(self, ask: model.Ask, reply: model.Reply) -> List[Dict[str, Any]]:
        items: List[Dict[str, Any]] = []
        if reply.thoughts:
            summary = [{"type": "summary_text", "text": reply.thoughts}] if ask.shows_thoughts else []
            items.append({"id": "rs_01", "type": "reasoning", "encrypted_content": model.signature(reply.thoughts),
                          "summary": summary})
        if reply.text or not reply.calls:
            items.append({"id": "msg_01", "type": "message", "status": self.status(reply), "role": "assistant",
                          "content": [self.part(reply.text)]})
        items += [{"id": "fc_%02d" % number, "type": "function_call", "status": "completed", "name": call.name,
                   "arguments": call.arguments, "call_id": "call_%s%d" % ("abcdefgh"[number % 8], number + 1)}
                  for number, call in enumerate(reply.calls)]
        return items

    def part(self, text: str) -> Dict[str, Any]:
        return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}

    def status(self, reply: model.Reply) -> str:
        return "incomplete" if reply.cut_short or reply.soft == "content_filter" else \
            "failed" if reply.soft else "completed"

    def response(self, reply: model.Reply, output: Optional[List[Dict[str, Any]]]) -> Dict[str, Any]:
        """The response as a whole; as it begins, where there is no output yet."""
        status = self.status(reply) if output is not None else "in_progress"
        reason = "max_output_tokens" if reply.cut_short else reply.soft
        usage = reply.usage
        error = {"code": "server_error", "message": "An error occurred while processing your request."}
        return {
            "id": ANSWER_ID, "object": "response", "created_at": model.CREATED, "status": status, "background": False,
            "error": error if status == "failed" else None,
            "incomplete_details": {"reason": reason} if status == "incomplete" else None,
            "instructions": None, "max_output_tokens": None, "max_tool_calls": None, "model": reply.model,
            "output": output or [], "parallel_tool_calls": True, "previous_response_id": None,
            "prompt_cache_key": None, "reasoning": {"effort": "low", "summary": None}, "safety_identifier": None,
            "service_tier": "default", "store": False, "temperature": 1.0,
            "text": {"format": {"type": "text"}, "verbosity": "medium"}, "tool_choice": "auto", "tools": [],
            "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled",
            "usage": self.usage(usage) if usage and output is not None else None, "user": None, "metadata": {}}

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"input_tokens": usage.input, "input_tokens_details": {"cached_tokens": usage.cached},
                "output_tokens": usage.output, "output_tokens_details": {"reasoning_tokens": usage.reasoning},
                "total_tokens": usage.input + usage.output}

    # ── The answer as a stream ──────────────────────────────────────────────────────────────────────────────────────

    def stream(self, ask: model.Ask, reply: model.Reply, delta: Optional[int]) -> Answer:
        size = delta or DEFAULT_DELTA
        events: List[Dict[str, Any]] = [{"type": "response.created", "response": self.response(reply, None)},
                                        {"type": "response.in_progress", "response": self.response(reply, None)}]
        items = self.output(ask, reply)
        for index, item in enumerate(items):
            events += {"reasoning": self.reasoning, "message": self.message,
                       "function_call": self.function_call}[item["type"]](index, item, size)
        events.append({"type": "response." + self.status(reply), "response": self.response(reply, items)})
        return Answer(200, self.vendor.headers(), events=self.events(events), content_type=SSE)

    def events(self, events: List[Dict[str, Any]], first: int = 0) -> List[Event]:
        numbered = [dict({"type": event["type"], "sequence_number": first + number}, **event)
                    for number, event in enumerate(events)]
        encoded = [Event(as_json(event).decode(), event["type"] if self.named_events else None) for event in numbered]
        return encoded + ([Event("[DONE]")] if self.done_marker else [])

    def reasoning(self, index: int, item: Dict[str, Any], size: int) -> List[Dict[str, Any]]:
        at = {"item_id": item["id"], "output_index": index}
        inner: List[Dict[str, Any]] = []
        for part in item["summary"]:
            where = dict(at, summary_index=0)
            inner += [{"type": "response.reasoning_summary_part.added", **where, "part": dict(part, text="")}]
            inner += [{"type": "response.reasoning_summary_text.delta", **where, "delta": piece}
                      for piece in model.pieces(part["text"], size)]
            inner += [{"type": "response.reasoning_summary_text.done", **where, "text": part["text"]},
                      {"type": "response.reasoning_summary_part.done", **where, "part": part}]
        return self.item(index, dict(item, encrypted_content="", summary=[]), inner, item)

    def message(self, index: int, item: Dict[str, Any], size: int) -> List[Dict[str, Any]]:
        (part,) = item["content"]
        where = {"item_id": item["id"], "output_index": index, "content_index": 0}
        inner: List[Dict[str, Any]] = [{"type": "response.content_part.added", **where, "part": dict(part, text="")}]
        inner += [{"type": "response.output_text.delta", **where, "delta": piece, "logprobs": [], "obfuscation": "q"}
                  for piece in model.pieces(part["text"], size)]
        inner += [{"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []},
                  {"type": "response.content_part.done", **where, "part": part}]
        return self.item(index, dict(item, status="in_progress", content=[]), inner, item)

    def function_call(self, index: int, item: Dict[str, Any], size: int) -> List[Dict[str, Any]]:
        where = {"item_id": item["id"], "output_index": index}
        inner: List[Dict[str, Any]] = [{"type": "response.function_call_arguments.delta", **where, "delta": piece,
                                        "obfuscation": "z"} for piece in model.pieces(item["arguments"], size)]
        inner.append({"type": "response.function_call_arguments.done", **where, "arguments": item["arguments"],
                      "name": item["name"]})
        return self.item(index, dict(item, status="in_progress", arguments=""), inner, item)

    def item(self, index: int, begun: Dict[str, Any], inner: List[Dict[str, Any]],
             done: Dict[str, Any]) -> List[Dict[str, Any]]:
        return [{"type": "response.output_item.added", "output_index": index, "item": begun}, *inner,
                {"type": "response.output_item.done", "output_index": index, "item": done}]

    def error_event(self, kind: str) -> List[Event]:
        error = self.error(kind)
        words = self.vendor.errors[kind].body
        inside = words["error"] if isinstance(words, dict) and "error" in words else {"message": error.body.decode()}
        code, message = inside.get("code") or "server_error", inside["message"]
        failed = self.response(model.Reply("", "", [], False, None, soft="server_error"), [])
        failed["error"] = {"code": code, "message": message}
        return self.events([{"type": "error", "code": code, "message": message, "param": None},
                            {"type": "response.failed", "response": failed}], 100)
