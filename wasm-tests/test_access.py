"""Who may use what: held against the name that is asked for, the chain, and the target that would answer."""

import anthropic
import openai
import pytest

from house import HOUSE, asked, house, user

ACCESS = [{"caller": "models", "models": ["gpt-5*"]}, {"caller": "alias", "models": ["smart"]},
          {"caller": "economy", "models": ["economy"]}, {"caller": "everything"}]


@pytest.fixture
def tollgate(gateway):
    hard = {"name": "hard", "when": {"header": {"x-task": "hard"}}, "use": "premium"}
    family = {"name": "family", "when": {"model": "gpt-5*"}, "use": "premium"}
    return gateway(policy=house(access=ACCESS, routes=[hard] + HOUSE["routes"] + [family]))


def ask(tollgate, team, model, **headers):
    client = tollgate.openai(team=team, default_headers=headers).chat.completions.with_raw_response
    return client.create(model=model, messages=user("hi")).headers["x-tollgate-provider"]


def test_the_alias_and_the_chain_open_all_of_the_chain(tollgate):
    tollgate.fake["openai"].faults("500")
    assert ask(tollgate, "alias", "smart") == "deepseek"
    tollgate.fake["deepseek"].faults("500")
    assert ask(tollgate, "economy", "cheap") == "openai"


def test_a_models_name_opens_that_model_alone(tollgate):
    assert ask(tollgate, "models", "gpt-5.4") == "openai"
    tollgate.fake["openai"].faults("500", sticky=True)
    with pytest.raises(openai.InternalServerError):
        ask(tollgate, "models", "gpt-5.4")
    assert asked(tollgate) == ["openai", "openai"]
    assert ask(tollgate, "everything", "gpt-5.4") == "deepseek"


@pytest.mark.parametrize("team, model, headers", [
    ("economy", "smart", {}), ("economy", "gpt-5.4", {}), ("economy", "cheap", {"x-task": "hard"}),
    ("alias", "cheap", {}), ("alias", "claude-sonnet-5", {}), ("models", "smart", {}), ("nobody", "smart", {})], ids=str)
def test_everything_else_is_refused_with_the_sdks_own_exception(tollgate, team, model, headers):
    with pytest.raises(openai.PermissionDeniedError) as raised:
        ask(tollgate, team, model, **headers)
    assert raised.value.code == "model_not_allowed"
    with pytest.raises(anthropic.PermissionDeniedError):
        tollgate.anthropic(team=team, default_headers=headers).messages.create(
            model=model, max_tokens=9, messages=user("hi"))
    assert asked(tollgate) == []
    assert [record["error.type"] for record in tollgate.records(2)] == ["model_not_allowed"] * 2
