"""Lists of models: the policy's word, in the caller's dialect, as the SDKs read it."""

import anthropic
import openai
import pytest

from house import HOUSE, asked, house
from wire import Connection

TEAMS = {"access": [{"caller": "labs", "models": ["economy", "house-llama"]}, {"caller": "core"}]}


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=house(**TEAMS))


def genai(tollgate, team):
    from google import genai
    options = genai.types.HttpOptions(base_url=tollgate.url, headers={"x-team": team},
                                      client_args={"trust_env": False})
    return genai.Client(api_key="AIza-test", http_options=options)


def test_openais_sdk_lists_what_a_caller_may_use(tollgate):
    everything = [model.id for model in tollgate.openai(team="core").models.list()]
    assert {"smart", "cheap", "gpt-5.4", "claude-sonnet-5", "house-llama"} <= set(everything)
    assert everything == sorted(everything)
    page = tollgate.openai(team="labs").models.list()
    assert [(model.id, model.owned_by) for model in page.data] == [("cheap", "tollgate"), ("house-llama", "inner")]
    assert page.data[0].context_length > 0
    assert asked(tollgate) == []


def test_openais_sdk_retrieves_one_or_raises(tollgate):
    model = tollgate.openai(team="labs").models.retrieve("cheap")
    assert (model.id, model.object) == ("cheap", "model")
    for team, name in [("labs", "smart"), ("core", "no/such model")]:
        with pytest.raises(openai.NotFoundError) as raised:
            tollgate.openai(team=team).models.retrieve(name)
        assert raised.value.code == "model_not_found" and raised.value.response.headers["x-should-retry"] == "false"
    assert asked(tollgate) == []


def test_anthropics_sdk_lists_page_by_page_and_retrieves(tollgate):
    client = tollgate.anthropic(team="core")
    names = [model.id for model in client.models.list(limit=2)]
    assert names == [model.id for model in tollgate.openai(team="core").models.list()] and len(names) > 4
    first = client.models.list(limit=2)
    assert first.has_more and [first.first_id, first.last_id] == names[:2]
    back = client.models.list(limit=2, before_id=names[3])
    assert [model.id for model in back.data] == names[1:3]
    model = client.models.retrieve("claude-sonnet-5")
    assert model.type == "model" and model.max_input_tokens > 0 and model.created_at.year == 1970
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("no-such-model")
    assert asked(tollgate) == []


def test_googles_sdk_lists_page_by_page_and_retrieves(tollgate):
    from google.genai import errors
    client = genai(tollgate, "core")
    names = [model.name for model in client.models.list(config={"page_size": 2})]
    assert names == ["models/" + model.id for model in tollgate.openai(team="core").models.list()]
    model = client.models.get(model="cheap")
    assert model.name == "models/cheap" and model.input_token_limit > 0
    assert "generateContent" in model.supported_actions
    with pytest.raises(errors.ClientError) as raised:
        client.models.get(model="no-such-model")
    assert raised.value.code == 404
    assert asked(tollgate) == []


def test_mistrals_sdk_lists_and_retrieves(tollgate):
    import httpx
    from mistralai.client import Mistral
    client = Mistral(api_key="k", server_url=tollgate.url,
                     client=httpx.Client(trust_env=False, headers={"x-team": "labs"}))
    listed = client.models.list()
    assert [model.id for model in listed.data] == ["cheap", "house-llama"]
    assert listed.data[0].capabilities.completion_chat and listed.data[0].max_context_length > 0
    assert client.models.retrieve(model_id="cheap").id == "cheap"


def test_a_list_is_recorded_and_counted_and_charged_to_nobody(gateway):
    budget = {"name": "tiny", "per": ["caller"], "limit": {"tokens": 1}, "window": "month",
              "at": [{"percent": 100, "reject": True}]}
    tollgate = gateway(policy=house(budgets=[budget]), concurrency=1)
    before = tollgate.metrics().value("tollgate_requests_total")
    answer = tollgate.openai(team="lister").models.with_raw_response.list()
    assert answer.headers["x-tollgate-decision"] == "allowed" and answer.headers["x-tollgate-request-id"]
    (record,) = tollgate.records(1)
    assert record["gen_ai.operation.name"] == "list_models" and record["tollgate.status"] == 200
    assert record["tollgate.caller"] == "lister" and record["tollgate.attempts"] == []
    assert "tollgate.budgets" not in record
    assert tollgate.metrics().value("tollgate_requests_total") == before + 1


def test_a_caller_who_is_not_known_gets_no_list(gateway):
    tollgate = gateway(policy=house(callers={"identify": [{"header": "x-team"}], "unknown": "reject"}), concurrency=1)
    with pytest.raises(openai.AuthenticationError):
        tollgate.openai().models.list()
    assert tollgate.openai(team="somebody").models.list().data


@pytest.mark.parametrize("method, path", [
    ("HEAD", "/v1/models"), ("OPTIONS", "/v1/models"), ("DELETE", "/v1/models/smart"), ("GET", "/v1/Models"),
    ("GET", "/v1/fine_tuning/models")])
def test_whatever_else_looks_alike_is_an_unknown_endpoint(tollgate, method, path):
    with Connection(tollgate.port) as connection:
        connection.send(("%s %s HTTP/1.1\r\nhost: h\r\nx-team: core\r\n\r\n" % (method, path)).encode())
        assert connection.head()[0] == 403
    assert asked(tollgate) == []


def test_in_observe_mode_the_provider_answers(gateway):
    tollgate = gateway(policy=dict(HOUSE, mode="observe"), concurrency=1)
    client = tollgate.openai(team="core", default_headers={"host": "api.openai.com"})
    assert "smart" not in [model.id for model in client.models.list()]
    (request,) = tollgate.fake["openai"].requests()
    assert request["path"] == "/v1/models"
    assert tollgate.records(1)[0].get("error.type") is None
