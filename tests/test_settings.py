import pytest

from ccos.domain.errors import BadSetting
from ccos.domain.tier import Tier
from ccos.settings import Settings, given, load, unknown_names, variable


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


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("  http://10.0.0.5:8000/v1/  ", ("http://10.0.0.5:8000/v1",)),
        ("HTTP://gpu_a:8000", ("http://gpu_a:8000",)),
        ("http://[::1]:8000/v1", ("http://[::1]:8000/v1",)),
        ("http://[fe80::1%25eth0]:8000/v1", ("http://[fe80::1%25eth0]:8000/v1",)),
        ("http://모델서버:8000/v1", ("http://모델서버:8000/v1",)),
        ("http://gpu.example.:8000", ("http://gpu.example.:8000",)),
        ("http://u:p@w@h/v1?key=1", ("http://u:p@w@h/v1?key=1",)),
        ("http://a , http://b/v1/,,", ("http://a", "http://b/v1")),
    ],
)
def test_a_url_is_taken_as_people_write_it(monkeypatch, written, read):
    monkeypatch.setenv("MINIMAX_BASE_URL", written)
    assert load({}).minimax_urls == read


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("10.0.0.5:8000/v1", "must begin with http:// or https://."),
        ("unix:///run/model.sock", "must begin with http:// or https://."),
        ("/run/model.sock", "must begin with http:// or https://."),
        ('"http://10.0.0.5"', "must begin with http:// or https://."),
        ("u:pwsecret@10.0.0.5:8000/v1", "must begin with http:// or https://."),
        ("http://10.0.0.5,u:pwsecret@10.0.0.6", "must begin with http:// or https://."),
        ("http://10.0.0.5/v1;http://10.0.0.6/v1", "is more than one URL"),
        (
            "http://10.0.0.5/v1 http://10.0.0.6/v1",
            "is more than one URL; in a list put a comma between them.",
        ),
        ("http://u:1#pwsecret@10.0.0.5/v1", "is not a whole URL such as http://10.0.0.5:8000/v1."),
        ("http://u:pwsecret/x@10.0.0.5/v1", "is not a whole URL"),
        ("http://u:pw secret@10.0.0.5/v1", "is not a whole URL"),
        ("http://u:pwsecret,x@10.0.0.5/v1", "is not a whole URL"),
        ("http://10.0.0.5/v1#part", "is not a whole URL"),
        ("http://10.0.0.555:8000/v1", "is not a whole URL"),
        ("http://10.0.0:8000/v1", "is not a whole URL"),
        ("http://::1:8000/v1", "is not a whole URL"),
        ("http://a..b/v1", "is not a whole URL"),
        ("http://*:8000/v1", "is not a whole URL"),
        ("http://%:8000/v1", "is not a whole URL"),
        ("http://-a/v1", "is not a whole URL"),
        ("http://h:0/v1", "is not a whole URL"),
        ("http://", "is not a whole URL"),
    ],
)
def test_a_url_that_is_none_is_one_sentence_and_shows_no_password(monkeypatch, written, sentence):
    monkeypatch.setenv("MINIMAX_BASE_URL", written)
    (told,) = problems()
    assert told.startswith("MINIMAX_BASE_URL: " + sentence)
    (shown,) = (each.text for each in given() if each.variable == "MINIMAX_BASE_URL")
    assert "pwsecret" not in told + shown and "pw secret" not in told + shown
    assert "x@" not in shown and ("@" not in written or "10.0.0." in shown)
