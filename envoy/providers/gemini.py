"""Google's Gemini API: the model and the verb in the path, parts instead of blocks, lines that end with CR LF."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional, Tuple

import model
from dialect import Endpoint, Error, Vendor, as_json, embedding, parts_of, path_of, query
from faults import Answer, Event
from http1 import Headers, Request

PATH = re.compile(r"/(v1beta|v1)/models/([^/:]+)(?::(\w+))?")
TYPES = "type.googleapis.com/google.rpc."
DEFAULT_DELTA = 12
# What a caller may write where it has no signature, because another model made the call.
NO_SIGNATURE = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
RESPONSE_ID = "n1P6abvRFaKdz7IPkcuQ2Aw"


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def names(*given: str) -> Dict[str, str]:
    """The API's names of fields, by either spelling."""
    return {**{name: name for name in given}, **{snake(name): name for name in given}}


FIELDS = names("contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "generationConfig",
               "cachedContent", "serviceTier", "store", "labels", "continuationToken")
CONFIG = names(
    "audioTimestamp", "candidateCount", "enableAffectiveDialog", "enableEnhancedCivicAnswers", "frequencyPenalty",
    "logprobs", "maxOutputTokens", "mediaResolution", "modelSelectionConfig", "presencePenalty", "responseFormat",
    "responseJsonSchema", "responseLogprobs", "responseMimeType", "responseModalities", "responseSchema",
    "routingConfig", "seed", "speechConfig", "stopSequences", "temperature", "thinkingConfig", "topK", "topP",
    "translationConfig")
PART = names("text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse",
             "executableCode", "codeExecutionResult", "videoMetadata", "partMetadata", "mediaResolution", "toolCall",
             "toolResponse", "audioTranscription")
DECLARATION = names("name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema",
                    "behavior")
FIND = names("functionDeclarations", "functionCallingConfig", "allowedFunctionNames", "includeThoughts",
             "thinkingBudget", "thinkingLevel", "outputDimensionality", "taskType", "title", "content", "model",
             "generateContentRequest", "requests", "role", "parts", "mode", "id", "args")


class Unknown(ValueError):
    """A field that the API does not have."""


def read(value: Any, known: Dict[str, str], where: str = "") -> Dict[str, Any]:
    """The object with the API's own names of fields."""
    for name in value or {}:
        if name not in known:
            raise Unknown('Invalid JSON payload received. Unknown name "%s"%s: Cannot find field.' %
                          (name, " at '%s'" % where if where else ""))
    return {known[name]: part for name, part in (value or {}).items()}


def either(value: Any) -> Dict[str, Any]:
    """The same where unknown fields do not matter."""
    return {FIND.get(name, name): part for name, part in (value or {}).items()}


def error(status: int, message: str, code: str, *details: Dict[str, Any]) -> Error:
    inside: Dict[str, Any] = {"code": status, "message": message, "status": code}
    if details:
        inside["details"] = list(details)
    return Error(status, json.dumps({"error": inside}, indent=2) + "\n", [], "application/json; charset=UTF-8")


def quota(kind: str, seconds: str) -> List[Dict[str, Any]]:
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    return [{"@type": TYPES + "QuotaFailure", "violations": [
        {"quotaMetric": metric, "quotaId": kind, "quotaDimensions": {"location": "global"}, "quotaValue": "20"}]},
        {"@type": TYPES + "Help", "links": [{"description": "Learn more about Gemini API quotas",
                                             "url": "https://ai.google.dev/gemini-api/docs/rate-limits"}]},
        {"@type": TYPES + "RetryInfo", "retryDelay": seconds}]


OVER = ("You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. ")
ERRORS: Dict[str, Error] = {
    # A wrong key is a 400 here, and a missing one a 403.
    "auth": error(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT",
                  {"@type": TYPES + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com",
                   "metadata": {"service": "generativelanguage.googleapis.com"}},
                  {"@type": TYPES + "LocalizedMessage", "locale": "en-US",
                   "message": "API key not valid. Please pass a valid API key."}),
    "auth/missing": error(403, "Method doesn't allow unregistered callers (callers without established identity). "
                               "Please use API Key or other form of API consumer identity to call this API.",
                          "PERMISSION_DENIED"),
    "auth/location": error(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"),
    "invalid_request": error(400, 'Invalid JSON payload received. Unknown name "foo": Cannot find field.',
                             "INVALID_ARGUMENT"),
    "context_length": error(400, "The input token count (1200293) exceeds the maximum number of tokens allowed "
                                 "(1048576).", "INVALID_ARGUMENT"),
    "not_found": error(404, "models/gemini-9-pro is not found for API version v1beta, or is not supported for "
                            "generateContent. Call ModelService.ListModels to see the list of available models and "
                            "their supported methods.", "NOT_FOUND"),
    "quota_exhausted": error(429, OVER, "RESOURCE_EXHAUSTED",
                             *quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "31s")),
    "quota_exhausted/no_delay": error(429, OVER, "RESOURCE_EXHAUSTED", *quota("", "")[1:2]),
    "quota_exhausted/credits": error(402, "Your prepayment credits are depleted.", "RESOURCE_EXHAUSTED"),
    "rate_limited": error(429, OVER, "RESOURCE_EXHAUSTED",
                          *quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "34.074824224s")),
    "rate_limited/bare": error(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED"),
    "too_large": error(413, "Request payload size exceeds the limit: 20971520 bytes.", "INVALID_ARGUMENT"),
    "server_error": error(500, "An internal error has occurred. Please retry or report in "
                               "https://developers.generativeai.google/guide/troubleshooting", "INTERNAL"),
    "overloaded": error(503, "This model is currently experiencing high demand. Spikes in demand are usually temporary. "
                             "Please try again later.", "UNAVAILABLE"),
    "timeout": error(504, "The request timed out. Please try again.", "DEADLINE_EXCEEDED"),
}


class Named(Endpoint):
    """An operation on the model that the path names."""

    def __init__(self, vendor: "Gemini", name: str, streams: bool = False):
        super().__init__(vendor)
        self.name, self.streams = name, streams

    def model(self, request: Request, body: Any) -> str:
        return self.name

    def refuses(self, request: Request, body: Any) -> Optional[Answer]:
        if not isinstance(body, dict):
            return self.vendor.invalid("Invalid JSON payload received.")
        try:
            wrong = self.wrong(body)
        except Unknown as unknown:
            wrong = str(unknown)
        return self.vendor.invalid(wrong) if wrong else None

    def wrong(self, body: Dict[str, Any]) -> Optional[str]:
        return None


class Generate(Named):
    def wrong(self, body: Dict[str, Any]) -> Optional[str]:
        given = read(body, FIELDS)
        config = read(given.get("generationConfig"), CONFIG, "generation_config")
        contents = _contents(given)
        if not contents:
            return "* GenerateContentRequest.contents: contents is not specified"
        if len(config.get("stopSequences") or []) > 5:
            return "The number of stop sequences must not exceed 5."
        if config.get("responseSchema") and config.get("responseJsonSchema"):
            return "response_schema and response_json_schema are mutually exclusive"
        if (config.get("responseSchema") or config.get("responseJsonSchema")) and not config.get("responseMimeType"):
            return "Response schema requires response mime type to be application/json."
        for declared in _declarations(given):
            schema = read(declared, DECLARATION, "tools[0].function_declarations[0]").get("parameters")
            found = schema and _not_in_subset(schema)
            if found:
                return found
        return self._wrong_turns(contents)

    def _wrong_turns(self, contents: List[Tuple[str, List[Dict[str, Any]]]]) -> Optional[str]:
        current = max([number for number, (role, parts) in enumerate(contents)
                       if role == "user" and not any("functionResponse" in part for part in parts)] or [0])
        open_calls: List[str] = []
        for number, (role, parts) in enumerate(contents):
            if role not in ("user", "model", "function", "tool"):
                return "Please use a valid role: user, model."
            if not parts or any(set(part) <= {"thoughtSignature", "thought"} for part in parts):
                return "* GenerateContentRequest.contents[%d].parts: contents.parts must not be empty." % number
            results = [part["functionResponse"].get("name") for part in parts if "functionResponse" in part]
            if sorted(map(str, results)) != sorted(open_calls) and (results or open_calls):
                return ("Please ensure that the number of function response parts is equal to the number of function "
                        "call parts of the function call turn.")
            if any(not isinstance(part["functionResponse"].get("response"), dict) for part in parts
                   if "functionResponse" in part):
                return "Invalid value at 'contents[%d].parts[0].function_response.response'" % number
            calls = [part for part in parts if "functionCall" in part]
            open_calls = [part["functionCall"]["name"] for part in calls]
            for place, part in enumerate(calls):
                signed = part.get("thoughtSignature")
                if signed and signed not in NO_SIGNATURE and signed != _signature(part["functionCall"]):
                    return "Corrupted thought signature."
                if not signed and place == 0 and number > current and self.name.startswith("gemini-3"):
                    return ("Function call is missing a thought_signature in functionCall parts. This is required for "
                            "tools to work correctly, and missing thought_signature may lead to degraded model "
                            "performance. Additional data, function call `default_api:%s` , position %d." %
                            (part["functionCall"]["name"], number))
        return None

    def ask(self, request: Request, body: Dict[str, Any]) -> model.Ask:
        given = read(body, FIELDS)
        config = read(given.get("generationConfig"), CONFIG)
        contents = _contents(given)
        system = _text(_parts(given.get("systemInstruction")))
        spoken = [_text(parts) for role, parts in contents if role == "user"
                  and not any("functionResponse" in part for part in parts)]
        results = [_result(part["functionResponse"]["response"]) for part in contents[-1][1]
                   if "functionResponse" in part]
        tools = {tool["name"]: tool.get("parametersJsonSchema") or tool.get("parameters")
                 for tool in (read(declared, DECLARATION) for declared in _declarations(given))}
        choice = either(either(given.get("toolConfig")).get("functionCallingConfig"))
        mode = str(choice.get("mode") or "AUTO").upper()
        allowed = choice.get("allowedFunctionNames") or list(tools)
        thinking = either(config.get("thinkingConfig"))
        schema = config.get("responseJsonSchema") or config.get("responseSchema")
        as_json_text = config.get("responseMimeType") == "application/json"
        data = [part for _, parts in contents for part in parts if "inlineData" in part or "fileData" in part]
        return model.Ask(
            model=self.name,
            stream=self.streams,
            texts=[system] + [_text(parts) for _, parts in contents] + results,
            last_text=spoken[-1] if spoken else "",
            system=system,
            tools=tools if mode != "NONE" else {},
            forced=allowed[0] if mode == "ANY" and allowed else None,
            tool_result="\n".join(results) if results else None,
            schema=(schema or True) if as_json_text else None,
            images=len(data),
            thinks=bool(thinking) and thinking.get("thinkingBudget") != 0,
            shows_thoughts=bool(thinking.get("includeThoughts")),
            stop=config.get("stopSequences") or [],
            max_tokens=config.get("maxOutputTokens"),
            include_usage=query(request).get("alt") == "sse",
            choices=config.get("candidateCount") or 1,
        )

    # ── What it says ────────────────────────────────────────────────────────────────────────────────────────────────

    def whole(self, ask: model.Ask, reply: model.Reply) -> Answer:
        thoughts = [{"text": reply.thoughts, "thought": True}] if ask.shows_thoughts and reply.thoughts else []
        text = [{"text": reply.text}] if reply.text or not reply.calls else []
        body = self.chunk(ask, reply, thoughts + text + self.calls(reply), True)
        if not reply.soft and ask.choices > 1:
            body["candidates"] = [dict(body["candidates"][0], index=index) for index in range(ask.choices)]
        text_body = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
        return Answer(200, self.vendor.headers(), text_body.encode(), content_type="application/json; charset=UTF-8")

    def stream(self, ask: model.Ask, reply: model.Reply, delta: Optional[int]) -> Answer:
        size = delta or DEFAULT_DELTA
        parts: List[List[Dict[str, Any]]] = []
        if ask.shows_thoughts:
            parts += [[{"text": piece, "thought": True}] for piece in model.pieces(reply.thoughts, size)]
        parts += [[{"text": piece}] for piece in model.pieces(reply.text, size)]
        parts += [self.calls(reply)] if reply.calls else []
        if reply.soft or not parts:
            parts.append([{"text": ""}])
        chunks = [self.chunk(ask, reply, each, number == len(parts) - 1) for number, each in enumerate(parts)]
        if ask.include_usage:
            events = [Event("data: " + as_json(chunk).decode() + "\r\n\r\n", raw=True) for chunk in chunks]
            return Answer(200, self.vendor.headers(), events=events, content_type="text/event-stream")
        # Without alt=sse: one JSON array, an element at a time.
        marks = ["[" if number == 0 else ",\r\n" for number in range(len(chunks))]
        events = [Event(mark + json.dumps(chunk, indent=2, ensure_ascii=False) + "\n", raw=True)
                  for mark, chunk in zip(marks, chunks)]
        events[-1].data += "]"
        return Answer(200, self.vendor.headers(), events=events, content_type="application/json; charset=UTF-8")

    def calls(self, reply: model.Reply) -> List[Dict[str, Any]]:
        """Of calls in parallel only the first is signed."""
        parts = [{"functionCall": {"name": call.name, "args": call.value, "id": "8xju7mu%d" % number}}
                 for number, call in enumerate(reply.calls)]
        return [dict(part, thoughtSignature=_signature(part["functionCall"])) if place == 0 else part
                for place, part in enumerate(parts)]

    def chunk(self, ask: model.Ask, reply: model.Reply, parts: List[Dict[str, Any]], last: bool) -> Dict[str, Any]:
        candidate: Dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        body: Dict[str, Any] = {"candidates": [candidate]}
        if last and reply.soft == "content_filter" and not reply.text:
            body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
        elif last and reply.soft:
            reason = "SAFETY" if reply.soft == "content_filter" else "MALFORMED_FUNCTION_CALL"
            candidate.update(content={}, finishReason=reason)
        elif last:
            candidate["finishReason"] = "MAX_TOKENS" if reply.cut_short else "STOP"
        if reply.usage:
            body["usageMetadata"] = self.usage(reply.usage, last)
        return {**body, "modelVersion": ask.model, "responseId": RESPONSE_ID}

    def usage(self, usage: model.Usage, last: bool) -> Dict[str, Any]:
        """Thoughts are counted beside the answer, and what is zero is left out."""
        answer = usage.output - usage.reasoning
        count = {"promptTokenCount": usage.input, "candidatesTokenCount": answer if last else 0,
                 "thoughtsTokenCount": usage.reasoning, "cachedContentTokenCount": usage.cached,
                 "totalTokenCount": usage.input + (usage.output if last else usage.reasoning)}
        details = [{"modality": "TEXT", "tokenCount": usage.input}]
        return {**{name: value for name, value in count.items() if value}, "promptTokensDetails": details}

    def error_event(self, kind: str) -> List[Event]:
        """Plain JSON in the middle of the events, without the `data:` that would make it one."""
        return [Event(self.error(kind).body.decode(), raw=True)]


class CountTokens(Named):
    def at_once(self, request: Request, body: Any) -> Any:
        given = either(body)
        given = given.get("generateContentRequest") or {"contents": given.get("contents") or []}
        given = {name: part for name, part in given.items() if name != "model"}
        count = model.words(*Generate(self.vendor, self.name).ask(request, given).texts)
        details = [{"modality": "TEXT", "tokenCount": count}]
        return Answer(200, self.vendor.headers(), as_json({"totalTokens": count, "promptTokensDetails": details})), None


class Embed(Named):
    def at_once(self, request: Request, body: Any) -> Any:
        requests = [body] if self.streams else either(body).get("requests") or []
        texts = [_text(_parts(either(each).get("content"))) for each in requests]
        sizes = [either(each).get("outputDimensionality") or 8 for each in requests]
        vectors = [{"values": embedding(text, size)} for text, size in zip(texts, sizes)]
        answer = {"embedding": vectors[0]} if self.streams else {"embeddings": vectors}
        return Answer(200, self.vendor.headers(), as_json(answer)), model.Usage(model.words(*texts), 0)


class Models(Endpoint):
    method = "GET"
    bodiless = True

    def at_once(self, request: Request, body: Any) -> Any:
        listed = [{"name": "models/" + name, "version": "001", "displayName": name, "inputTokenLimit": 1048576,
                   "outputTokenLimit": 65536, "supportedGenerationMethods": ["generateContent", "countTokens"]}
                  for name in self.vendor.models]
        return Answer(200, self.vendor.headers(), as_json({"models": listed})), None


class Gemini(Vendor):
    name = "gemini"
    credentials = ("x-goog-api-key", "?key")
    errors = ERRORS
    soft = ("content_filter", "server_error")
    models = ["gemini-3.5-flash", "gemini-2.5-pro", "gemini-embedding-001"]

    def endpoint(self, request: Request) -> Optional[Endpoint]:
        path = path_of(request)
        if request.method == "GET" and path in ("/v1beta/models", "/v1/models"):
            return Models(self)
        found = PATH.fullmatch(path)
        if not found or request.method != "POST":
            return None
        name, verb = found[2], found[3]
        return {"generateContent": lambda: Generate(self, name), "streamGenerateContent": lambda: Generate(self, name, True),
                "countTokens": lambda: CountTokens(self, name), "embedContent": lambda: Embed(self, name, True),
                "batchEmbedContents": lambda: Embed(self, name)}.get(verb, lambda: None)()

    def headers(self) -> Headers:
        return [("server-timing", "gfet4t7; dur=120"), ("vary", "Origin, X-Origin, Referer")]

    def no_key(self) -> Answer:
        return self.error("auth/missing")

    def invalid(self, message: str, param: Optional[str] = None, status: int = 400) -> Answer:
        told = error(status, message, "UNAUTHENTICATED" if status == 401 else "INVALID_ARGUMENT")
        return Answer(status, self.headers(), told.body.encode(), content_type=told.content_type)


# ── Reading, in either spelling ─────────────────────────────────────────────────────────────────────────────────────

def _parts(content: Any) -> List[Dict[str, Any]]:
    if isinstance(content, str):
        return [{"text": content}]
    parts = either(content).get("parts") if isinstance(content, dict) else content
    parts = [parts] if isinstance(parts, dict) else parts
    return [read(part, PART, "contents[0].parts[0]") for part in parts_of(parts)]


def _contents(given: Dict[str, Any]) -> List[Tuple[str, List[Dict[str, Any]]]]:
    contents = given.get("contents") or []
    contents = [contents] if isinstance(contents, dict) else contents
    return [(content.get("role") or "user", _parts(content)) for content in contents]


def _text(parts: List[Dict[str, Any]]) -> str:
    return "".join(part.get("text") or "" for part in parts if not part.get("thought"))


def _declarations(given: Dict[str, Any]) -> List[Dict[str, Any]]:
    return [declared for tool in given.get("tools") or [] for declared in either(tool).get("functionDeclarations") or []]


def _result(response: Dict[str, Any]) -> str:
    """A result that is a text comes wrapped, as the API takes objects only."""
    inner = [response[name] for name in ("result", "output", "content") if len(response) == 1 and name in response]
    value = inner[0] if inner else response
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _signature(call: Dict[str, Any]) -> str:
    return model.signature(call["name"])


def _not_in_subset(schema: Any, where: str = "parameters") -> Optional[str]:
    """`parameters` takes a part of OpenAPI only; plain JSON Schema has a field of its own."""
    if isinstance(schema, list):
        return next((found for item in schema if (found := _not_in_subset(item, where))), None)
    if not isinstance(schema, dict):
        return None
    for name in ("$ref", "$defs", "$schema", "additionalProperties", "oneOf", "allOf", "const"):
        if name in schema:
            return 'Invalid JSON payload received. Unknown name "%s" at \'tools[0].function_declarations[0].%s\': ' \
                   "Cannot find field." % (name, where)
    if str(schema.get("type")).lower() == "object" and schema.get("properties") == {}:
        return "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties: should be non-empty " \
               "for OBJECT type"
    inner = list((schema.get("properties") or {}).values()) + [schema.get("items"), schema.get("anyOf")]
    return next((found for part in inner if (found := _not_in_subset(part, where + ".properties"))), None)


VENDORS: List[Vendor] = [Gemini()]
