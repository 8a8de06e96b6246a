"""The smaller endpoints with the SDKs that have them: embeddings, legacy completions, lists of models, counts of tokens."""

import json

import anthropic
import openai
import pytest

import kinds
from house import EMAIL, assert_nowhere
from kinds import CALLERS_KEY, MODELS
from sdks import DRIVERS
from wire import send

EMBEDDERS = {"openai": "text-embedding-3-small", "azure_openai": "text-embedding-3-small",
             "gemini": "gemini-embedding-001", "qwen": "text-embedding-v4", "mistral": "mistral-embed",
             "openrouter": "openai/text-embedding-3-small", "openai_compatible": "house-embedding"}
COMPLETERS = ("openai", "azure_openai", "openrouter", "openai_compatible")
TEXT = "a letter to " + EMAIL
# Google's SDK asks in another way where a model's name looks like one of its newer ones.
ALIASES = {kind: "embed-" + kind.replace("gemini", "google") for kind in EMBEDDERS}
POLICY = kinds.policy([kinds.route(ALIASES[kind], "%s/%s" % (kind, model)) for kind, model in EMBEDDERS.items()])


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=POLICY)


@pytest.fixture
def client(tollgate):
    """`client(name)`: the SDK itself; Google's closes as soon as nobody holds it."""
    held = []

    def make(name):
        held.append(DRIVERS[name](tollgate.url, CALLERS_KEY).client)
        return held[-1]
    return make


def echoed(tollgate, kind):
    """What the fake read, so that its vector is known; and no address in it."""
    (request,) = tollgate.fake[kind].requests()
    assert "<EMAIL_1>" in request["body"]
    assert_nowhere(tollgate, EMAIL)
    return request["json"]


def close(one, other):
    assert len(one) == len(other) > 0
    assert all(abs(left - right) < 1e-5 for left, right in zip(one, other))


def vector(text, size=8):
    value = sum(text.encode()) % 1000
    return [((value + 7 * place) % 1000) / 1000 - 0.5 for place in range(size)]


# ── Embeddings ──────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("kind", sorted(EMBEDDERS))
def test_embeddings_for_openais_sdk(tollgate, client, kind):
    """It asks for base64 unless it is told otherwise, and unpacks that itself."""
    answer = client("openai").embeddings.create(model=ALIASES[kind], input=[TEXT, "another"])
    close(answer.data[0].embedding, vector("a letter to <EMAIL_1>"))
    close(answer.data[1].embedding, vector("another"))
    echoed(tollgate, kind)
    (record,) = tollgate.records(1)
    assert record["gen_ai.operation.name"] == "embeddings"
    if kind != "gemini":  # it says nothing of tokens
        assert answer.usage.prompt_tokens == record["gen_ai.usage.input_tokens"] == 5


@pytest.mark.parametrize("kind", sorted(EMBEDDERS))
def test_embeddings_for_googles_sdk(tollgate, client, kind):
    answer = client("gemini").models.embed_content(model=ALIASES[kind], contents=[TEXT, "another"])
    close(answer.embeddings[0].values, vector("a letter to <EMAIL_1>"))
    close(answer.embeddings[1].values, vector("another"))
    echoed(tollgate, kind)


@pytest.mark.parametrize("kind", ["anthropic", "deepseek"])
def test_who_has_no_embeddings_is_not_asked(tollgate, client, kind):
    with pytest.raises(openai.APIStatusError) as raised:
        client("openai").embeddings.create(model="to-" + kind, input="hi")
    assert raised.value.status_code in (404, 422) and not tollgate.fake[kind].requests()


# ── Legacy completions ──────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", COMPLETERS)
def test_legacy_completions(tollgate, client, kind, stream):
    answer = client("openai").completions.create(
        model="to-" + kind, prompt=TEXT, max_tokens=50, stream=stream)
    chunks = list(answer) if stream else [answer]
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == TEXT
    assert echoed(tollgate, kind)["prompt"] == "a letter to <EMAIL_1>"
    (record,) = tollgate.records(1)
    assert (record["gen_ai.usage.input_tokens"], record["gen_ai.usage.output_tokens"]) == (4, 4)


# ── Lists of models ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_models_are_listed_in_every_callers_dialect(tollgate, client):
    listed = {"openai": [model.id for model in client("openai").models.list()],
              "anthropic": [model.id for model in client("anthropic").models.list()],
              "gemini": [model.name.removeprefix("models/") for model in client("gemini").models.list()],
              "mistral": [model.id for model in client("mistral").models.list().data]}
    assert listed["openai"] and all(set(names) == set(listed["openai"]) for names in listed.values())
    assert {"to-" + kind for kind in MODELS} <= set(listed["openai"])
    assert not any(tollgate.fake[kind].requests() for kind in MODELS)


def test_one_model_is_found_and_another_is_not(tollgate, client):
    models = client("openai").models
    assert models.retrieve("to-openai").id == "to-openai"
    with pytest.raises(openai.NotFoundError):
        models.retrieve("no-such-model")


# ── Counts of tokens ────────────────────────────────────────────────────────────────────────────────────────────────

def test_tokens_are_counted_for_anthropics_sdk(tollgate, client):
    counted = client("anthropic").messages.count_tokens(
        model="to-anthropic", system="be brief", messages=[{"role": "user", "content": TEXT}])
    assert counted.input_tokens == 6
    assert echoed(tollgate, "anthropic")["model"] == MODELS["anthropic"]


def test_tokens_are_counted_for_googles_sdk(tollgate, client):
    counted = client("gemini").models.count_tokens(model="to-gemini", contents=TEXT)
    assert counted.total_tokens == 4
    echoed(tollgate, "gemini")


def test_tokens_are_counted_for_the_responses_api(tollgate, client):
    counted = client("responses").responses.input_tokens.count(model="to-openai", input=TEXT)
    assert counted.input_tokens == 4
    echoed(tollgate, "openai")


def test_tokens_can_only_be_counted_by_whose_api_it_is(tollgate, client):
    with pytest.raises(anthropic.APIStatusError) as raised:
        client("anthropic").messages.count_tokens(
            model="to-openai", messages=[{"role": "user", "content": "hi"}])
    assert raised.value.status_code in (404, 422) and not tollgate.fake["openai"].requests()


def test_the_array_form_of_geminis_stream(tollgate):
    """Without `alt=sse` the answer is one JSON array that grows. No SDK asks for it, other clients do."""
    body = {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}
    for kind in ("gemini", "openai"):
        answer = send(tollgate.port, body, path="/v1beta/models/to-%s:streamGenerateContent" % kind,
                           common=["content-type: application/json", "x-goog-api-key: " + CALLERS_KEY])
        parts = [part["text"] for chunk in json.loads(answer.body)
                 for candidate in chunk.get("candidates", []) for part in candidate.get("content", {}).get("parts", [])]
        assert "".join(parts) == TEXT and answer.ended
        tollgate.reset()
