"""Whatever stands in `ccos.toml`: one sentence for each mistake, and no secret in any of them."""

import pytest

from ccos.domain.errors import BadSetting
from ccos.domain.tier import Tier
from ccos.settings import Settings, load, read_deployments
from ccos.wiring import advice
from support.ccos_command import Command

SERVER = "[[tier_1]]\nname = 'a'\nbase_url = 'http://10.0.0.1'\n"


@pytest.fixture
def told(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def problems_of(text: str | bytes) -> list[str]:
        (tmp_path / "ccos.toml").write_bytes(text.encode() if isinstance(text, str) else text)
        return advice.problems(Settings(CCOS_HOME=tmp_path / "home"))

    return problems_of


def at(url: str, name: str = "a") -> str:
    return f"[[tier_1]]\nname = '{name}'\nbase_url = \"{url}\"\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[tier_0]]\nname = 'a'", "tier_0 is not a part of it; for the cloud set OPENAI_API_KEY or ANTHROPIC_API"),
        ("[[tier_3]]\nname = 'a'", "tier_3 is not a part of it; the rules need no server."),
        ("tier_1 = 'http://a'", "tier_1: must be a list of servers, each under [[tier_1]]"),
        ("tier_1 = ['http://a']", "server 1 of tier_1: must be a list of servers"),
        (SERVER + "slots = true", "server a, slots: must be a whole number."),
        (SERVER + "slots = '4'", "server a, slots: must be a whole number."),
        (SERVER + "slots = 2.5", "server a, slots: must be a whole number."),
        (SERVER + "slots = 0", "server a, slots: must be 1 or more."),
        (
            at("http://u:pwsecret@h") + "api_key_env = 'KEY'",
            "server a: base_url holds a login and api_key_env is set too; remove one of them.",
        ),
        (SERVER + "price_in = nan\nprice_out = 1", "server a, price_in: must be a number that ends."),
        (SERVER + "price_in = true\nprice_out = 1", "server a, price_in: must be a number."),
        (SERVER + "price_in = 1e30\nprice_out = 1", "server a, price_in: must be 1000000 or less."),
        (SERVER + "model = '  '", "server a, model: must not be empty."),
        (SERVER + "api_key = 'pwsecret'", "keys stay out of the file: name the variable that holds it"),
        ("[[tier_1]]\nname = 7\nbase_url = 'http://h'", "server 1 of tier_1, name: must be text in quotes."),
        ("".join(at(f"http://10.0.0.{n}", f"s{n}") for n in range(65)), "tier_1: holds more than 64 servers."),
        (at("http://"), "server a, base_url: is not a whole URL such as http://10.0.0.5:8000/v1."),
        (at("http://u:pwsecret@h:99999/v1"), "base_url: is not a whole URL"),
        (at("http://[::1/v1"), "base_url: is not a whole URL"),
        (at("http://h x/v1"), "base_url: is not a whole URL"),
        (at("http://h\\nx/v1"), "base_url: is not a whole URL"),
        (at("u:pwsecret@10.0.0.1"), "base_url: must begin with http:// or https://."),
        (at("http://h") + at("http://h/v1", "b"), "ccos.toml: the servers a and b of tier_1 are one and the same"),
        (at("http://H:80/v1") + at("http://h", "b"), "one and the same"),
        (at("http://u:pwsecret@h") + at("http://h", "b"), "one and the same"),
        (SERVER + "api_key_env = 'pwsecret'", "wants its key in the variable that api_key_env names; set it."),
        ("[[tier_1]]\nname = 'x\nbase_url = 'http://u:pwsecret@h'", "is not TOML"),
        (SERVER + "slots = " + "9" * 5000, "a number that is too long"),
        ("a = " + "[" * 5000 + "]" * 5000, "nests deeper than a list of servers"),
        (b"[[tier_1]]\nname = '\xff'", "is not UTF-8 text; save it as UTF-8."),
        ("[[tier_1]]\n".encode("utf-16"), "is not UTF-8 text"),
        (b"#" * 1_000_001, "is larger than a list of servers can be"),
    ],
)  # fmt: skip
def test_each_is_one_sentence_that_names_the_file_and_hides_what_is_secret(told, text, sentence):
    problems = told(text)
    assert len(problems) == 1 and sentence in problems[0], problems
    assert "ccos.toml" in problems[0] and "pwsecret" not in problems[0] and len(problems[0]) < 300


def test_what_would_steer_a_terminal_is_not_shown_as_it_is(told):
    (problem,) = told(SERVER + '"x\\u001b[31m" = 1')
    assert "\x1b" not in problem and "x\\x1b[31m" in problem


def test_a_key_that_is_none_is_told_with_its_server(told, monkeypatch):
    monkeypatch.setenv("GPU_KEY", "pwsecret\n키")
    (problem,) = told(SERVER + "api_key_env = 'GPU_KEY'")
    assert (
        problem.startswith("ccos.toml: server a: An API key holds characters") and "pwsecret" not in problem
    )


def test_a_key_may_stand_in_the_file_of_the_other_settings_and_the_environment_wins(
    told, monkeypatch, tmp_path
):
    (tmp_path / ".env").write_text("GPU_KEY=from-the-file\n", "utf-8")

    def key() -> str:
        (server,) = read_deployments(Settings()).of(Tier.LOCAL_MINIMAX)
        return server.api_key().get_secret_value()

    assert told(SERVER + "api_key_env = 'GPU_KEY'") == [] and key() == "from-the-file"
    monkeypatch.setenv("GPU_KEY", "from-the-environment")
    assert key() == "from-the-environment"


def test_an_empty_list_and_an_empty_file_leave_the_environment_in_force(told, tmp_path):
    for text in ("", "tier_1 = []", "# nothing yet\n"):
        assert told(text) == []
        assert read_deployments(Settings(CCOS_HOME=tmp_path)).of(Tier.LOCAL_MINIMAX) == ()


def test_a_file_that_was_saved_with_a_byte_order_mark_is_read(told, tmp_path):
    assert told(b"\xef\xbb\xbf" + SERVER.encode()) == []
    assert [each.name for each in read_deployments(Settings()).of(Tier.LOCAL_MINIMAX)] == ["a"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: path.symlink_to("nowhere"), "cannot be read (No such file or directory)"),
        (lambda path: path.symlink_to(path), "cannot be read (Too many levels of symbolic links)"),
    ],
    ids=["folder", "dangling", "loop"],
)
def test_what_has_its_name_and_is_no_file_is_told_and_not_passed_over(monkeypatch, tmp_path, make, sentence):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "ccos.toml")
    with pytest.raises(BadSetting) as caught:
        read_deployments(Settings(CCOS_HOME=tmp_path / "home"))
    assert sentence in caught.value.facts["problems"][0]


def test_the_variables_of_servers_are_looked_at_alike(monkeypatch):
    monkeypatch.setenv("MINIMAX_BASE_URL", "http://10.0.0.1,http://u:pwsecret@h:99999")
    with pytest.raises(BadSetting, match="MINIMAX_BASE_URL: is not a whole URL") as caught:
        load()
    assert "pwsecret" not in str(caught.value.facts)


def test_config_check_shows_the_mistake_and_what_of_the_environment_is_not_used(tmp_path):
    ccos = Command(tmp_path / "home", tmp_path)
    environment = {"MINIMAX_BASE_URL": "http://10.0.0.9", "MINIMAX_MODEL_PATH": "/m.gguf"}
    (tmp_path / "ccos.toml").write_text("[[tier_0]]\nname = 'a'\n")
    bad = ccos("config", "check", **environment)
    assert bad.code == 2 and "ccos.toml: tier_0 is not a part of it" in bad.err
    other = ccos("models", "list", **environment)
    assert other.code == 2 and "tier_0 is not a part of it" in other.sentence
    (tmp_path / "ccos.toml").write_text(SERVER)
    good = ccos("config", "check", **environment)
    assert good.code == 0 and "tier_1 is served by a, listed in ccos.toml." in good.err
    for name in environment:
        assert f"{name} is not used, because ccos.toml lists servers." in good.err
