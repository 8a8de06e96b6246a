"""The official SDKs behind one interface, so that one test can be run with each of them.

A driver does with its SDK what an application does: it asks, collects a stream, appends the model's turn and the tools'
results to the conversation, and asks again. `Wish` says what to ask for, `Said` what came of it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

import anthropic
import httpx2
import openai
import pydantic
from google import genai
from google.genai import errors as genai_errors
from google.genai import types
from mistralai.client import Mistral
from mistralai.client.errors import MistralError

# The smallest PNG: one pixel.
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PNG_URI = "data:image/png;base64," + base64.b64encode(PNG).decode()
PARAMETERS = {"type": "object", "properties": {"query": {"type": "string", "description": "what to look for"}},
              "required": ["query"]}
TOOLS = {"find": "Finds things.", "count": "Counts things."}
SECONDS = 20


class Card(pydantic.BaseModel):
    """The form of a structured answer."""
    model_config = pydantic.ConfigDict(extra="forbid")
    title: str
    tags: List[str]
    pages: int
    final: bool


@dataclass
class Wish:
    model: str
    text: str
    stream: bool = False
    system: Optional[str] = None
    stop: Optional[str] = None
    image: bool = False
    tools: bool = False
    structured: bool = False
    thinks: bool = False
    max_tokens: Optional[int] = 4000


@dataclass
class Said:
    text: str = ""
    thoughts: str = ""
    calls: List[Tuple[str, str, Dict[str, Any]]] = field(default_factory=list)   # identifier, name, arguments
    finish: Optional[str] = None
    usage: Optional[Dict[str, int]] = None      # input with cached tokens, output with reasoning
    pieces: int = 0                             # of a stream: how many of them had text or arguments
    turn: Any = None                            # the model's turn, as it has to be given back
    card: Optional[Card] = None

    @property
    def named(self) -> List[Tuple[str, Dict[str, Any]]]:
        return [(name, arguments) for _, name, arguments in self.calls]


class Driver:
    """One SDK. `lacks` are the features that its API has no words for."""

    name = ""
    title = ""
    lacks: Tuple[str, ...] = ()
    shows_thoughts = True        # the SDK gives access to the text of the model's reasoning
    counts_thoughts = True       # … and to how many tokens it took
    errors: Tuple[type, ...] = ()

    def __init__(self, url: str, key: str, **options: Any):
        raise NotImplementedError

    def begin(self, wish: Wish) -> Any:
        """The conversation's first turn."""
        raise NotImplementedError

    def ask(self, wish: Wish, talk: Any) -> Said:
        raise NotImplementedError

    def go_on(self, talk: Any, said: Said, results: List[str]) -> Any:
        """The conversation with the model's turn and the tools' results."""
        raise NotImplementedError

    def say(self, wish: Wish) -> Said:
        return self.ask(wish, self.begin(wish))

    @staticmethod
    def status(error: Exception) -> int:
        return int(getattr(error, "status_code", 0))


FINISH = {"stop": "stop", "length": "length", "tool_calls": "tools", "content_filter": "filter"}


class OpenAIChat(Driver):
    name, title = "openai", "OpenAI chat completions (openai)"
    errors = (openai.APIStatusError,)

    def __init__(self, url: str, key: str, client: Any = None, **_: Any):
        self.client = client or openai.OpenAI(base_url=url + "/v1", **openai_options(key))

    def begin(self, wish: Wish) -> Any:
        content: Any = wish.text
        if wish.image:
            content = [{"type": "text", "text": wish.text}, {"type": "image_url", "image_url": {"url": PNG_URI}}]
        system = [{"role": "system", "content": wish.system}] if wish.system else []
        return system + [{"role": "user", "content": content}]

    def options(self, wish: Wish) -> Dict[str, Any]:
        asked: Dict[str, Any] = {"model": wish.model}
        if wish.max_tokens:
            asked["max_completion_tokens"] = wish.max_tokens
        if wish.stop:
            asked["stop"] = [wish.stop]
        if wish.tools:
            asked["tools"] = [{"type": "function", "function": {
                "name": name, "description": text, "parameters": PARAMETERS}} for name, text in TOOLS.items()]
        if wish.thinks:
            asked["reasoning_effort"] = "low"
        return asked

    def ask(self, wish: Wish, talk: Any) -> Said:
        chat = self.client.chat.completions
        if wish.structured:
            answer = chat.parse(messages=talk, response_format=Card, **self.options(wish))
        elif wish.stream:
            return self.collected(chat.create(messages=talk, stream=True, stream_options={"include_usage": True},
                                              **self.options(wish)))
        else:
            answer = chat.create(messages=talk, **self.options(wish))
        (choice,) = answer.choices
        calls = [(call.id, call.function.name, json.loads(call.function.arguments))
                 for call in choice.message.tool_calls or []]
        return Said(choice.message.content or "", thoughts_of(choice.message), calls,
                    FINISH.get(choice.finish_reason), self.usage(answer.usage), 0,
                    choice.message.model_dump(exclude_none=True, exclude={"parsed"}),
                    getattr(choice.message, "parsed", None))

    def collected(self, stream: Any) -> Said:
        said, calls = Said(), {}
        for chunk in stream:
            said.usage = self.usage(chunk.usage) or said.usage
            for choice in chunk.choices:
                said.finish = FINISH.get(choice.finish_reason) or said.finish
                thought = thoughts_of(choice.delta)
                said.text += choice.delta.content or ""
                said.thoughts += thought
                said.pieces += bool(choice.delta.content or thought)
                for part in choice.delta.tool_calls or []:
                    call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
                    call["id"] = part.id or call["id"]
                    call["name"] += part.function.name or ""
                    call["arguments"] += part.function.arguments or ""
                    said.pieces += 1
        said.calls = [(call["id"], call["name"], json.loads(call["arguments"])) for call in calls.values()]
        said.turn = {"role": "assistant", "content": said.text or None}
        if calls:
            said.turn["tool_calls"] = [{"id": call["id"], "type": "function", "function": {
                "name": call["name"], "arguments": call["arguments"]}} for call in calls.values()]
        if said.thoughts:
            said.turn["reasoning_content"] = said.thoughts
        return said

    @staticmethod
    def usage(usage: Any) -> Optional[Dict[str, int]]:
        if usage is None:
            return None
        cached = getattr(usage.prompt_tokens_details, "cached_tokens", 0) if usage.prompt_tokens_details else 0
        details = getattr(usage, "completion_tokens_details", None)
        return {"input": usage.prompt_tokens, "output": usage.completion_tokens, "cached": cached or 0,
                "reasoning": (details and details.reasoning_tokens) or 0}

    def go_on(self, talk: Any, said: Said, results: List[str]) -> Any:
        answers = [{"role": "tool", "tool_call_id": call[0], "content": result}
                   for call, result in zip(said.calls, results)]
        return talk + [said.turn] + answers


class OpenAIResponses(Driver):
    name, title = "responses", "OpenAI Responses (openai)"
    lacks = ("stop",)
    errors = (openai.APIStatusError,)

    def __init__(self, url: str, key: str, client: Any = None, **_: Any):
        self.client = client or openai.OpenAI(base_url=url + "/v1", **openai_options(key))

    def begin(self, wish: Wish) -> Any:
        content: List[Dict[str, Any]] = [{"type": "input_text", "text": wish.text}]
        if wish.image:
            content.append({"type": "input_image", "image_url": PNG_URI, "detail": "auto"})
        return [{"role": "user", "content": content}]

    def options(self, wish: Wish) -> Dict[str, Any]:
        asked: Dict[str, Any] = {"model": wish.model, "store": False}
        if wish.max_tokens:
            asked["max_output_tokens"] = wish.max_tokens
        if wish.system:
            asked["instructions"] = wish.system
        if wish.tools:
            asked["tools"] = [{"type": "function", "name": name, "description": text, "parameters": PARAMETERS,
                               "strict": False} for name, text in TOOLS.items()]
        if wish.thinks:
            asked.update(reasoning={"effort": "low", "summary": "auto"}, include=["reasoning.encrypted_content"])
        return asked

    def ask(self, wish: Wish, talk: Any) -> Said:
        api = self.client.responses
        if wish.structured:
            return self.said(api.parse(input=talk, text_format=Card, **self.options(wish)))
        if not wish.stream:
            return self.said(api.create(input=talk, **self.options(wish)))
        text, thoughts, arguments, pieces, final = "", "", {}, 0, None
        for event in api.create(input=talk, stream=True, **self.options(wish)):
            pieces += event.type.endswith(".delta")
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type == "response.reasoning_summary_text.delta":
                thoughts += event.delta
            elif event.type == "response.function_call_arguments.delta":
                arguments[event.output_index] = arguments.get(event.output_index, "") + event.delta
            elif event.type in ("response.completed", "response.incomplete"):
                final = event.response
        assert final is not None, "the stream had no end"
        said = self.said(final)
        assert (said.text, said.thoughts) == (text, thoughts), "the deltas differ from the whole"
        assert [call[2] for call in said.calls] == [json.loads(each) for _, each in sorted(arguments.items())]
        said.pieces = pieces
        return said

    def said(self, answer: Any) -> Said:
        said = Said(text=answer.output_text, turn=[item.model_dump(exclude_none=True) for item in answer.output])
        for item in answer.output:
            if item.type == "function_call":
                said.calls.append((item.call_id, item.name, json.loads(item.arguments)))
            elif item.type == "reasoning":
                said.thoughts += "".join(part.text for part in item.summary)
        for item in said.turn:
            for part in item.get("content") or []:
                part.pop("parsed", None)
            item.pop("parsed_arguments", None)
        reason = answer.incomplete_details and answer.incomplete_details.reason
        said.finish = {"max_output_tokens": "length", "content_filter": "filter"}.get(
            reason or "", "tools" if said.calls else "stop")
        usage = answer.usage
        said.usage = usage and {
            "input": usage.input_tokens, "output": usage.output_tokens,
            "cached": usage.input_tokens_details.cached_tokens,
            "reasoning": usage.output_tokens_details.reasoning_tokens}
        said.card = getattr(answer, "output_parsed", None)
        return said

    def go_on(self, talk: Any, said: Said, results: List[str]) -> Any:
        return talk + said.turn + [{"type": "function_call_output", "call_id": call[0], "output": result}
                                   for call, result in zip(said.calls, results)]


class AnthropicMessages(Driver):
    name, title = "anthropic", "Anthropic messages (anthropic)"
    errors = (anthropic.APIStatusError,)
    FINISH = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tools",
              "refusal": "filter"}

    def __init__(self, url: str, key: str, **_: Any):
        self.client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=SECONDS,
                                          http_client=anthropic.DefaultHttpxClient(trust_env=False))

    def begin(self, wish: Wish) -> Any:
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                             "data": base64.b64encode(PNG).decode()}}
        content: Any = [{"type": "text", "text": wish.text}, image] if wish.image else wish.text
        return [{"role": "user", "content": content}]

    def options(self, wish: Wish) -> Dict[str, Any]:
        asked: Dict[str, Any] = {"model": wish.model, "max_tokens": wish.max_tokens or 100}
        if wish.system:
            asked["system"] = wish.system
        if wish.stop:
            asked["stop_sequences"] = [wish.stop]
        if wish.tools:
            asked["tools"] = [{"name": name, "description": text, "input_schema": PARAMETERS}
                              for name, text in TOOLS.items()]
        if wish.thinks:
            asked["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        if wish.structured:
            asked["output_format"] = Card
        return asked

    def ask(self, wish: Wish, talk: Any) -> Said:
        messages = self.client.messages
        if wish.stream:
            with messages.stream(messages=talk, **self.options(wish)) as stream:
                pieces = sum(event.type == "content_block_delta" for event in stream)
                answer = stream.get_final_message()
        else:
            pieces = 0
            answer = (messages.parse if wish.structured else messages.create)(messages=talk, **self.options(wish))
        said = Said(pieces=pieces, finish=self.FINISH.get(answer.stop_reason or ""))
        for block in answer.content:
            if block.type == "text":
                said.text += block.text
            elif block.type == "thinking":
                said.thoughts += block.thinking
            elif block.type == "tool_use":
                said.calls.append((block.id, block.name, block.input))
        turn = [block.model_dump(exclude_none=True, exclude={"parsed_output"}) for block in answer.content]
        said.turn = {"role": "assistant", "content": turn}
        usage = answer.usage
        cached = usage.cache_read_input_tokens or 0
        details = getattr(usage, "output_tokens_details", None)
        said.usage = {"input": usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0),
                      "output": usage.output_tokens, "cached": cached,
                      "reasoning": getattr(details, "thinking_tokens", None) or 0}
        said.card = getattr(answer, "parsed_output", None)
        return said

    def go_on(self, talk: Any, said: Said, results: List[str]) -> Any:
        blocks = [{"type": "tool_result", "tool_use_id": call[0], "content": result}
                  for call, result in zip(said.calls, results)]
        return talk + [said.turn, {"role": "user", "content": blocks}]


class GoogleGenAI(Driver):
    name, title = "gemini", "Gemini generateContent (google-genai)"
    errors = (genai_errors.APIError,)
    FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "filter", "PROHIBITED_CONTENT": "filter"}

    def __init__(self, url: str, key: str, **_: Any):
        self.client = genai.Client(api_key=key, vertexai=False, http_options=types.HttpOptions(
            base_url=url, timeout=SECONDS * 1000, client_args={"trust_env": False}))

    def begin(self, wish: Wish) -> Any:
        parts = [types.Part.from_text(text=wish.text)]
        if wish.image:
            parts.append(types.Part.from_bytes(data=PNG, mime_type="image/png"))
        return [types.Content(role="user", parts=parts)]

    def config(self, wish: Wish) -> types.GenerateContentConfig:
        config = types.GenerateContentConfig(
            max_output_tokens=wish.max_tokens, system_instruction=wish.system,
            stop_sequences=[wish.stop] if wish.stop else None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
        if wish.tools:
            config.tools = [types.Tool(function_declarations=[types.FunctionDeclaration(
                name=name, description=text, parameters_json_schema=PARAMETERS) for name, text in TOOLS.items()])]
        if wish.structured:
            config.response_mime_type, config.response_schema = "application/json", Card
        if wish.thinks:
            config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        return config

    def ask(self, wish: Wish, talk: Any) -> Said:
        models = self.client.models
        asked = dict(model=wish.model, contents=talk, config=self.config(wish))
        answers = models.generate_content_stream(**asked) if wish.stream else [models.generate_content(**asked)]
        said, parts = Said(), []
        for answer in answers:
            usage = answer.usage_metadata
            if usage and usage.total_token_count:
                thoughts = usage.thoughts_token_count or 0
                said.usage = {"input": usage.prompt_token_count or 0,
                              "output": (usage.candidates_token_count or 0) + thoughts,
                              "cached": usage.cached_content_token_count or 0, "reasoning": thoughts}
            for candidate in answer.candidates or []:
                parts += (candidate.content and candidate.content.parts) or []
                said.finish = self.FINISH.get(candidate.finish_reason or "", said.finish)
            said.pieces += wish.stream
            said.card = answer.parsed if wish.structured else None
        for part in parts:
            if part.function_call:
                said.calls.append((part.function_call.id or "", part.function_call.name, dict(part.function_call.args)))
            elif part.thought:
                said.thoughts += part.text or ""
            else:
                said.text += part.text or ""
        said.finish = "tools" if said.calls and said.finish == "stop" else said.finish
        said.turn = types.Content(role="model", parts=parts)
        return said

    def go_on(self, talk: Any, said: Said, results: List[str]) -> Any:
        parts = [types.Part(function_response=types.FunctionResponse(
            id=call[0] or None, name=call[1], response={"result": result})) for call, result in zip(said.calls, results)]
        return talk + [said.turn, types.Content(role="user", parts=parts)]

    @staticmethod
    def status(error: Exception) -> int:
        return int(getattr(error, "code", 0))


class MistralChat(Driver):
    name, title = "mistral", "Mistral chat completions (mistralai)"
    counts_thoughts = False      # Mistral does not
    errors = (MistralError,)

    def __init__(self, url: str, key: str, **_: Any):
        self.client = Mistral(api_key=key, server_url=url, timeout_ms=SECONDS * 1000,
                              client=httpx2.Client(trust_env=False, follow_redirects=True))

    def begin(self, wish: Wish) -> Any:
        content: Any = wish.text
        if wish.image:
            content = [{"type": "text", "text": wish.text}, {"type": "image_url", "image_url": {"url": PNG_URI}}]
        system = [{"role": "system", "content": wish.system}] if wish.system else []
        return system + [{"role": "user", "content": content}]

    def options(self, wish: Wish) -> Dict[str, Any]:
        asked: Dict[str, Any] = {"model": wish.model}
        if wish.max_tokens:
            asked["max_tokens"] = wish.max_tokens
        if wish.stop:
            asked["stop"] = [wish.stop]
        if wish.tools:
            asked["tools"] = [{"type": "function", "function": {
                "name": name, "description": text, "parameters": PARAMETERS}} for name, text in TOOLS.items()]
        if wish.thinks:
            asked["reasoning_effort"] = "high"
        return asked

    def ask(self, wish: Wish, talk: Any) -> Said:
        chat = self.client.chat
        if wish.stream:
            return self.collected(chat.stream(messages=talk, **self.options(wish)))
        if wish.structured:
            answer = chat.parse(messages=talk, response_format=Card, **self.options(wish))
        else:
            answer = chat.complete(messages=talk, **self.options(wish))
        (choice,) = answer.choices
        said = Said(finish=FINISH.get(choice.finish_reason), usage=self.usage(answer.usage))
        said.card = getattr(choice.message, "parsed", None)
        self.content(said, choice.message.content)
        said.calls = [(call.id, call.function.name, arguments(call.function.arguments))
                      for call in choice.message.tool_calls or []]
        said.turn = turn(said, choice.message.content)
        return said

    def collected(self, stream: Any) -> Said:
        said, calls = Said(), {}
        for event in stream:
            said.usage = self.usage(event.data.usage) or said.usage
            for choice in event.data.choices:
                said.finish = FINISH.get(choice.finish_reason or "") or said.finish
                said.pieces += bool(choice.delta.content or choice.delta.tool_calls)
                self.content(said, choice.delta.content)
                for part in choice.delta.tool_calls or []:
                    call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
                    call["id"] = part.id if part.id and part.id != "null" else call["id"]
                    call["name"] += part.function.name or ""
                    call["arguments"] += part.function.arguments or ""
        said.calls = [(call["id"], call["name"], json.loads(call["arguments"])) for call in calls.values()]
        thoughts = [{"type": "thinking", "thinking": [{"type": "text", "text": said.thoughts}]}]
        text = [{"type": "text", "text": said.text}] if said.text else []
        said.turn = turn(said, thoughts + text if said.thoughts else said.text)
        return said

    def content(self, said: Said, content: Any) -> None:
        if isinstance(content, str):
            said.text += content
            return
        for part in content or []:
            if part.type == "thinking":
                said.thoughts += "".join(each.text for each in part.thinking)
            elif part.type == "text":
                said.text += part.text

    @staticmethod
    def usage(usage: Any) -> Optional[Dict[str, int]]:
        if not usage or not usage.total_tokens:
            return None
        more = usage.additional_properties  # what the SDK has no name for
        return {"input": usage.prompt_tokens, "output": usage.completion_tokens,
                "cached": (more.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
                "reasoning": (more.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0}

    go_on = OpenAIChat.go_on


def thoughts_of(message: Any) -> str:
    """OpenAI has no name for it, and others have two."""
    return getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None) or ""


def arguments(given: Any) -> Dict[str, Any]:
    return json.loads(given) if isinstance(given, str) else given


def turn(said: Said, content: Any) -> Dict[str, Any]:
    told: Dict[str, Any] = {"role": "assistant", "content": content or ""}
    if said.calls:
        told["tool_calls"] = [{"id": call, "type": "function", "function": {
            "name": name, "arguments": json.dumps(given)}} for call, name, given in said.calls]
    return told


def openai_options(key: str) -> Dict[str, Any]:
    return {"api_key": key, "max_retries": 0, "timeout": SECONDS,
            "http_client": openai.DefaultHttpxClient(trust_env=False)}


DRIVERS = {driver.name: driver for driver in (OpenAIChat, OpenAIResponses, AnthropicMessages, GoogleGenAI, MistralChat)}
