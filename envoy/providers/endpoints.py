"""OpenAI's smaller endpoints: legacy completions, embeddings, counts of tokens, lists of models."""

from __future__ import annotations

import base64
import struct
from typing import Any, Dict, List, Optional, Tuple

import model
from chat import Chat
from dialect import Endpoint, as_json, embedding
from faults import Answer
from http1 import Request

ANSWER = Tuple[Answer, Optional[model.Usage]]


class Completions(Chat):
    """The old ones: a prompt in, text out; a stream looks the same in pieces."""

    fields = {"model", "prompt", "best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "n",
              "presence_penalty", "seed", "stop", "stream", "stream_options", "suffix", "temperature", "top_p", "user"}
    answer_id = "cmpl-C4HqHBe4xca0k0EzsCnf1t6V3YFXp"
    obfuscated = False

    def refuses(self, request: Request, body: Any) -> Optional[Answer]:
        if not isinstance(body, dict) or not self.model(request, body):
            return self.vendor.invalid("you must provide a model parameter", "model")
        unknown = sorted(set(body) - (self.fields or set(body)))
        return self.unknown_field(unknown[0]) if unknown else None

    def ask(self, request: Request, body: Dict[str, Any]) -> model.Ask:
        prompt = body.get("prompt") or ""
        texts = [prompt] if isinstance(prompt, str) else [text for text in prompt if isinstance(text, str)]
        stop = body.get("stop") or []
        return model.Ask(
            model=self.model(request, body), stream=bool(body.get("stream")), texts=texts,
            last_text=texts[-1] if texts else "", stop=[stop] if isinstance(stop, str) else stop,
            max_tokens=body.get("max_tokens"), choices=(body.get("n") or 1) * max(1, len(texts)),
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")))

    def whole(self, ask: model.Ask, reply: model.Reply) -> Answer:
        choices = [self.choice(index, {"text": reply.text}, self.finish(reply)) for index in range(ask.choices)]
        body = {"id": self.answer_id, "object": "text_completion", "created": model.CREATED, "model": reply.model,
                "choices": choices, **({"usage": self.usage(reply.usage)} if reply.usage else {})}
        return Answer(200, self.vendor.headers(), as_json(body))

    def deltas(self, reply: model.Reply, size: int) -> List[Dict[str, Any]]:
        return [{"text": piece} for piece in model.pieces(reply.text, size)]

    def chunk(self, reply: model.Reply, index: int, delta: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        choice = self.choice(index, {"text": "", **delta}, finish)
        return {"id": self.answer_id, "object": "text_completion", "created": model.CREATED, "model": reply.model,
                "choices": [choice]}

    def usage(self, usage: model.Usage) -> Dict[str, Any]:
        return {"prompt_tokens": usage.input, "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output}


class Embeddings(Endpoint):
    fields = {"input", "model", "dimensions", "encoding_format", "user"}
    size = 8

    def refuses(self, request: Request, body: Any) -> Optional[Answer]:
        if not isinstance(body, dict) or not self.model(request, body):
            return self.vendor.invalid("you must provide a model parameter", "model")
        unknown = sorted(set(body) - self.fields)
        if unknown:
            return self.vendor.invalid("Unrecognized request argument supplied: " + unknown[0], unknown[0])
        if not body.get("input"):
            return self.vendor.invalid("'$.input' is invalid. Please check the API reference.", "input")
        return None

    def at_once(self, request: Request, body: Any) -> ANSWER:
        given = body["input"]
        texts = [given] if isinstance(given, str) else [text for text in given if isinstance(text, str)]
        spent = model.Usage(model.words(*texts) if texts else len(given), 0)
        data = [{"object": "embedding", "index": index, "embedding": self.vector(body, text)}
                for index, text in enumerate(texts or [""])]
        answer = {"object": "list", "data": data, "model": self.model(request, body),
                  "usage": {"prompt_tokens": spent.input, "total_tokens": spent.input}}
        return Answer(200, self.vendor.headers(), as_json(answer)), spent

    def vector(self, body: Dict[str, Any], text: str) -> Any:
        vector = embedding(text, body.get("dimensions") or self.size)
        if body.get("encoding_format") == "base64":
            return base64.b64encode(struct.pack("<%df" % len(vector), *vector)).decode()
        return vector


class Models(Endpoint):
    method = "GET"
    bodiless = True

    def at_once(self, request: Request, body: Any) -> ANSWER:
        listed = [entry(self.vendor, name) for name in self.vendor.models]
        return Answer(200, self.vendor.headers(), as_json({"object": "list", "data": listed})), None


class Model(Endpoint):
    method = "GET"
    bodiless = True

    def __init__(self, vendor: Any, name: str):
        super().__init__(vendor)
        self.name = name

    def at_once(self, request: Request, body: Any) -> ANSWER:
        if self.name not in self.vendor.models:
            return self.vendor.error("not_found"), None
        return Answer(200, self.vendor.headers(), as_json(entry(self.vendor, self.name))), None


def entry(vendor: Any, name: str) -> Dict[str, Any]:
    return {"id": name, "object": "model", "created": model.CREATED, "owned_by": vendor.name}


class InputTokens(Endpoint):
    """How many tokens a request to the Responses API would have."""

    def at_once(self, request: Request, body: Any) -> ANSWER:
        from responses import Responses  # it needs this file's neighbours
        ask = Responses(self.vendor).ask(request, dict({"input": ""}, **body))
        count = {"object": "response.input_tokens", "input_tokens": model.words(*ask.texts)}
        return Answer(200, self.vendor.headers(), as_json(count)), None
