import pytest

from ccos.domain.errors import BadSetting
from ccos.domain.tier import Tier
from ccos.settings import Settings, load, unknown_names, variable


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No .env and no settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)


def problems(**environment) -> list[str]:
    with pytest.raises(BadSetting) as caught:
        load(environment)
    return caught.value.facts["problems"]


def test_the_defaults_need_nothing():
    found = load({})
    assert found.thresholds[Tier.RULE_BASED] == 0.3 and found.database_url is None
    assert found.timezone == "Asia/Seoul" and found.port == 8080


def test_an_unknown_name_is_refused_and_the_nearest_is_named():
    assert unknown_names({"CCOS_MODEE": "x", "PATH": "y"}) == [
        "CCOS_MODEE is not a setting of CCOS: did you mean CCOS_MODE?"
    ]


def test_every_mistake_is_told_at_once(monkeypatch):
    monkeypatch.setenv("CCOS_PORT", "99999")
    monkeypatch.setenv("CCOS_MODE", "cheapest")
    monkeypatch.setenv("CCOS_TIMEZONE", "Seoul")
    monkeypatch.setenv("OPENAI_BASE_URL", "api.openai.com")
    monkeypatch.setenv("DAILY_LLM_COST_LIMIT", "-1")
    told = problems(CCOS_NONSENSE="1")
    assert len(told) == 6
    for name in (
        "CCOS_NONSENSE",
        "CCOS_PORT",
        "CCOS_MODE",
        "CCOS_TIMEZONE",
        "OPENAI_BASE_URL",
        "DAILY_LLM_COST_LIMIT",
    ):
        assert sum(sentence.startswith(name) for sentence in told) == 1, name


def test_a_secret_is_in_no_message(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("CCOS_PORT", "sk-very-secret")
    assert "sk-very-secret" not in " ".join(problems())
    monkeypatch.delenv("CCOS_PORT")
    assert "sk-very-secret" not in repr(load({}))


def test_an_env_file_is_read_and_the_environment_wins(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("CCOS_MODE=outage\nCCOS_PORT=1234\n", encoding="utf-8")
    monkeypatch.setenv("CCOS_PORT", "4321")
    found = load({})
    assert (found.mode.value, found.port) == ("outage", 4321)


def test_empty_values_count_as_unset(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert load({}).openai_api_key is None
