"""Azure OpenAI: OpenAI's models by deployment, with a filter's report in every answer."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Type

import model
from chat import FOREIGN, Chat
from dialect import Endpoint, Error, Vendor, as_json, page, path_of, query
from endpoints import Completions, Embeddings, Models
from faults import Answer, Event
from http1 import Headers, Request
from openai import OpenAILike, error
from responses import Responses

DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)(/.+)")
VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
SAFE = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}
PROMPT = [{"prompt_index": 0, "content_filter_results": dict(SAFE, jailbreak={"detected": False, "filtered": False})}]


def azure(status: int, code: str, message: str, headers: Optional[Headers] = None) -> Error:
    return Error(status, {"error": {"code": code, "message": message}}, headers or [])


ERRORS: Dict[str, Error] = {
    "auth": azure(401, "401", "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide "
                              "a valid key for an active subscription and use a correct regional API endpoint for your "
                              "resource."),
    "invalid_request": error(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                                  "'max_completion_tokens' instead.", "invalid_request_error", "unsupported_parameter",
                             "max_tokens"),
    "context_length": error(400, "This model's maximum context length is 16385 tokens. However, your messages resulted in "
                                 "20001 tokens. Please reduce the length of the messages.", "invalid_request_error",
                            "context_length_exceeded", "messages"),
    "content_filter": Error(400, {"error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
                   "Please modify your prompt and retry. To learn more about our content filtering policies please read "
                   "our documentation: https://go.microsoft.com/fwlink/?linkid=2198766",
        "type": None, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": dict(
            SAFE, jailbreak={"detected": True, "filtered": True})}}}),
    "not_found": Error(404, {"error": {
        "type": "invalid_request_error", "code": "DeploymentNotFound",
        "message": "The API deployment for this resource does not exist. If you created the deployment within the last 5 "
                   "minutes, please wait a moment and try again."}}),
    "rate_limited": azure(429, "429", "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version "
                                      "2024-10-21 have exceeded call rate limit of your current OpenAI S0 pricing tier. "
                                      "Please retry after 8 seconds. Please go here: https://aka.ms/oai/quotaincrease if "
                                      "you would like to further increase the default rate limit.",
                          [("retry-after", "8"), ("retry-after-ms", "8000")]),
    "rate_limited/tokens": azure(429, "RateLimitReached", "Your requests to gpt-4.1-nano for gpt-4.1-nano in Sweden "
                                                          "Central have exceeded the token rate limit for your current "
                                                          "AIServices S0 pricing tier. Please retry after 45 seconds.",
                                 [("retry-after", "45"), ("x-ratelimit-remaining-tokens", "0")]),
    "too_large": azure(413, "413", "Request entity too large."),
    "server_error": error(500, "The server had an error processing your request. Sorry about that!", "server_error",
                          None),
    # An overload is a 429 here.
    "overloaded": azure(429, "429", "The system is currently experiencing high demand and cannot process your request. "
                                    "Your request exceeds the maximum usage size allowed during peak load. Please retry "
                                    "after 20 seconds. For improved latency reliability, consider switching to "
                                    "Provisioned Throughput.", [("retry-after", "20")]),
    "timeout": page(504, "Gateway Time-out"),
}


class ByDeployment(Endpoint):
    def model(self, request: Request, body: Any) -> str:
        found = DEPLOYMENT.fullmatch(path_of(request))
        return found[1] if found else super().model(request, body)


class AzureChat(ByDeployment, Chat):
    refused = FOREIGN - {"data_sources"}

    def whole(self, ask: model.Ask, reply: model.Reply) -> Answer:
        answer = super().whole(ask, reply)
        answer.body = answer.body[:-1] + b',"prompt_filter_results":' + as_json(PROMPT) + b"}"
        return answer

    def choice(self, index: int, content: Dict[str, Any], finish: Optional[str]) -> Dict[str, Any]:
        """In alphabetical order; what was filtered away has no message at all."""
        if finish == "content_filter":
            content.pop("message", None)
        return {"content_filter_results": SAFE, **content, "finish_reason": finish, "index": index, "logprobs": None}

    def events(self, chunks: List[Dict[str, Any]]) -> List[Event]:
        """The filter's report on the prompt comes first, in a chunk that is empty in all other ways."""
        first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": PROMPT}
        return super().events([first] + [dict(sorted(chunk.items())) for chunk in chunks])


class AzureEmbeddings(ByDeployment, Embeddings):
    """The same by deployment."""


class AzureCompletions(ByDeployment, Completions):
    """The same by deployment."""


class Azure(OpenAILike):
    name = "azure_openai"
    base = "/openai/v1"
    credentials = ("api-key", "authorization")
    errors = ERRORS
    soft = ("content_filter",)
    table = {("POST", "/chat/completions"): AzureChat, ("POST", "/responses"): Responses,
             ("POST", "/completions"): AzureCompletions, ("POST", "/embeddings"): AzureEmbeddings,
             ("GET", "/models"): Models}
    by_deployment: Dict[str, Type[Endpoint]] = {"/chat/completions": AzureChat, "/completions": AzureCompletions,
                                                "/embeddings": AzureEmbeddings}
    models = ["gpt-5.4", "text-embedding-3-small"]

    def endpoint(self, request: Request) -> Optional[Endpoint]:
        """Classic paths name the deployment and need a version; the new ones are OpenAI's."""
        found = DEPLOYMENT.fullmatch(path_of(request))
        if not found:
            return super().endpoint(request)
        kind = self.by_deployment.get(found[2]) if request.method == "POST" else None
        return kind(self) if kind and VERSION.fullmatch(query(request).get("api-version", "")) else None

    def headers(self) -> Headers:
        return [("apim-request-id", "012075d0-d890-4a92-8502-2f1b3965d825"), ("x-ms-region", "Sweden Central")]

    def no_such_path(self) -> Answer:
        return Answer(404, self.headers(), as_json(azure(404, "404", "Resource not found").body))


VENDORS: List[Vendor] = [Azure()]
