"""Embeddings and legacy completions through the official SDK."""

import openai
import pytest

import kinds
from house import EMAIL, HOUSE, OTHER_EMAIL, REDACTED, TEXT, asked, assert_nowhere, house, said, team, user


@pytest.fixture
def tollgate(gateway):
    spare = {"dialect": "openai", "cluster": "openai", "host": "spare.internal", "credential": {"env": "OPENAI_API_KEY"}}
    return gateway(policy=house(
        providers=dict(HOUSE["providers"], spare=spare),
        chains=dict(HOUSE["chains"], vectors={"targets": ["anthropic/claude-sonnet-5", "openai/text-embedding-3-small",
                                                          "spare/text-embedding-3-small"]},
                    instruct={"targets": ["openai/gpt-3.5-turbo-instruct"], "cluster": "openai"}),
        routes=HOUSE["routes"] + [{"name": "vectors", "when": {"model": "vectors"}, "use": "vectors"},
                                  {"name": "instruct", "when": {"model": "instruct"}, "use": "instruct"}]))


# The SDK asks for base64 by itself where the caller does not say.
@pytest.mark.parametrize("form", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}], ids=str)
def test_texts_leave_redacted_and_vectors_come_back_as_they_are(tollgate, form):
    client = tollgate.openai(team=team())
    answer = client.embeddings.create(model="vectors", input=[TEXT, "plain"], dimensions=4, **form)
    (request,) = tollgate.fake["openai"].requests()
    assert request["path"] == "/v1/embeddings" and request["json"]["input"] == [REDACTED, "plain"]
    assert request["json"]["model"] == "text-embedding-3-small" and "store" not in request["json"]
    assert [item.index for item in answer.data] == [0, 1] and len(answer.data[0].embedding) > 0
    assert asked(tollgate) == ["openai"]
    (record,) = tollgate.records(1)
    assert record["gen_ai.operation.name"] == "embeddings" and record["gen_ai.usage.output_tokens"] == 0
    assert record["gen_ai.usage.input_tokens"] == answer.usage.prompt_tokens > 0
    assert record["tollgate.findings"] == {"email": 3, "credit_card": 1} and record["tollgate.cost_microusd"] >= 0
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL)


def test_embeddings_fail_over_to_the_next_that_the_chain_names(tollgate):
    tollgate.fake["openai"].faults("429")
    answer = tollgate.openai(team=team()).embeddings.with_raw_response.create(model="vectors", input="plain")
    assert answer.headers["x-tollgate-provider"] == "spare"
    assert [got["headers"]["host"] for got in tollgate.fake["openai"].requests()] == ["api.openai.com", "spare.internal"]


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]], ids=str)
def test_tokens_cannot_be_inspected(tollgate, tokens):
    client = tollgate.openai(team=team())
    with pytest.raises(openai.BadRequestError) as raised:
        client.embeddings.create(model="vectors", input=tokens)
    assert raised.value.param == "input"
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model="instruct", prompt=tokens)
    assert asked(tollgate) == []


def test_the_callers_budget_is_charged_for_vectors(gateway):
    budget = {"name": "small", "per": ["caller"], "limit": {"tokens": 60}, "window": "month",
              "at": [{"percent": 100, "reject": True}]}
    tollgate = gateway(policy=house(budgets=[budget]), concurrency=1)
    client = tollgate.openai(team=team())
    with pytest.raises(openai.RateLimitError):
        for _ in range(40):
            client.embeddings.create(model="text-embedding-3-small", input="one two three four five six")
    assert len(tollgate.fake["openai"].requests()) > 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model, provider", [("instruct", "openai"), ("cheap", "deepseek"), ("claude", "anthropic")])
def test_a_legacy_completion_is_continued_by_any_provider(tollgate, model, provider, stream):
    client = tollgate.openai(team=team())
    answer = client.completions.create(model=model, prompt=TEXT, max_tokens=100, stream=stream)
    if stream:
        chunks = list(answer)
        assert {chunk.object for chunk in chunks} == {"text_completion"}
        text, finish = "".join(chunk.choices[0].text for chunk in chunks), chunks[-1].choices[0].finish_reason
    else:
        text, finish = answer.choices[0].text, answer.choices[0].finish_reason
        assert answer.object == "text_completion" and answer.usage.total_tokens > 0
    assert (text, finish) == (TEXT, "stop")
    assert asked(tollgate) == [provider]
    (request,) = tollgate.fake[provider].requests()
    sent = request["json"]
    assert (sent["prompt"] if provider == "openai" else sent["messages"][-1]["content"]) in (
        REDACTED, [{"type": "text", "text": REDACTED}])
    (record,) = tollgate.records(1)
    assert record["gen_ai.operation.name"] == "text_completion" and record["gen_ai.usage.output_tokens"] > 0
    assert_nowhere(tollgate, EMAIL, OTHER_EMAIL)


def test_what_a_conversation_has_no_place_for_is_refused_by_name(tollgate):
    client = tollgate.openai(team=team())
    for field, value in [("suffix", "the end"), ("echo", True), ("best_of", 3), ("logprobs", 2)]:
        with pytest.raises(openai.UnprocessableEntityError) as raised:
            client.completions.create(model="claude", prompt="once", **{field: value})
        assert raised.value.param == field
    assert asked(tollgate) == []


@pytest.mark.parametrize("fault", ["500", "429", "error-first", "truncated"])
def test_a_streamed_completion_fails_in_its_own_dialect(tollgate, fault):
    tollgate.fake["openai"].faults(fault, sticky=True)
    with pytest.raises(openai.APIError):
        list(tollgate.openai(team=team()).completions.create(model="instruct", prompt=TEXT, stream=True))


def test_chat_is_what_it_was(tollgate):
    chunks = tollgate.openai(team=team()).chat.completions.create(model="smart", messages=user(TEXT), stream=True)
    assert said(chunks) == TEXT


# ---- every kind that has vectors, for callers of every SDK

VECTORS = {"openai": "text-embedding-3-small", "azure_openai": "text-embedding-3-small", "gemini": "gemini-embedding-001",
           "mistral": "mistral-embed", "qwen": "text-embedding-v4", "openrouter": "openai/text-embedding-3-small",
           "openai_compatible": "house-embed"}


@pytest.fixture
def everywhere(gateway):
    # Google's SDK chooses the API by the model's name: one that tells it nothing.
    routes = [kinds.route("vectors-%d" % number, "%s/%s" % item) for number, item in enumerate(VECTORS.items())]
    return gateway(policy=kinds.policy(routes))


def by_openai(tollgate, model, texts):
    answer = tollgate.openai(team=team()).embeddings.create(model=model, input=texts)
    return [item.embedding for item in answer.data]


def by_google(tollgate, model, texts):
    from google import genai
    options = genai.types.HttpOptions(base_url=tollgate.url, client_args={"trust_env": False})
    client = genai.Client(api_key="AIza-test", http_options=options)
    return [item.values for item in client.models.embed_content(model=model, contents=texts).embeddings]


def by_mistral(tollgate, model, texts):
    import httpx
    from mistralai.client import Mistral
    client = Mistral(api_key="k", server_url=tollgate.url, client=httpx.Client(trust_env=False))
    return [item.embedding for item in client.embeddings.create(model=model, inputs=texts).data]


def alias(kind):
    return "vectors-%d" % list(VECTORS).index(kind)


# Mistral's SDK wants an id with the vectors, which nobody else sends.
@pytest.mark.parametrize("caller, kind", [(by_mistral, "mistral")] + [
    (caller, kind) for caller in (by_openai, by_google) for kind in VECTORS])
def test_any_sdk_gets_vectors_of_any_provider(everywhere, kind, caller):
    everywhere.fake[kind].reset()
    vectors = caller(everywhere, alias(kind), [TEXT, "plain"])
    assert len(vectors) == 2 and all(isinstance(number, float) for vector in vectors for number in vector)
    assert vectors[0] != vectors[1]
    (request,) = everywhere.fake[kind].requests()
    assert REDACTED in request["body"] and VECTORS[kind] in request["path"] + request["body"]
    (record,) = everywhere.records(1)
    assert record["gen_ai.operation.name"] == "embeddings" and record["gen_ai.usage.input_tokens"] > 0
    assert EMAIL not in request["body"] + request["path"] + everywhere.log


def test_errors_of_vectors_are_the_sdks_own(everywhere):
    everywhere.fake["gemini"].faults("429", sticky=True)
    with pytest.raises(openai.RateLimitError):
        by_openai(everywhere, alias("gemini"), ["plain"])
    from google.genai import errors
    everywhere.fake["mistral"].faults("429", sticky=True)
    with pytest.raises(errors.ClientError) as raised:
        by_google(everywhere, alias("mistral"), ["plain"])
    assert raised.value.code == 429
