import subprocess
import sys

import pytest

from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.providers.prices import Prices
from ccos.providers.tokens import likely_prompt_tokens, likely_tokens
from ccos.settings import load
from ccos.wiring.premium import premium_cost, premium_model

PROMPT = Prompt(Task.SOLUTION_DRAFT, "You answer.", (Turn("user", "환불은 언제 되나요?"),))
TEXT = "영업일 3일 안에 환불해 드립니다."
COUNTED = likely_prompt_tokens(PROMPT), likely_tokens(TEXT)


def found(**values):
    return load({}, _env_file=None, **values)


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ({}, ("openai", "gpt-4o")),
        ({"anthropic_api_key": "k"}, ("anthropic", "claude-sonnet-4-5")),
        ({"anthropic_api_key": "k", "openai_api_key": "k"}, ("openai", "gpt-4o")),
        ({"openai_base_url": "http://gateway:4000/v1", "openai_model": "gpt-4o-mini"}, (None, "gpt-4o-mini")),
    ],
    ids=["none", "only anthropic", "both", "gateway"],
)
def test_the_premium_model_is_the_one_that_is_configured(configured, expected):
    assert premium_model(found(**configured)) == expected


def test_it_is_the_price_of_prompt_and_answer_by_our_own_count():
    cost = premium_cost(found())(PROMPT, TEXT)
    assert cost == Prices().price("openai", "gpt-4o", *COUNTED) > 0


def test_a_configured_price_stands_for_a_model_nobody_knows():
    prices = {"cloud_price_in": "1", "cloud_price_out": "2"}
    by_name = {
        "CCOS_CLOUD_PRICE_IN": prices["cloud_price_in"],
        "CCOS_CLOUD_PRICE_OUT": prices["cloud_price_out"],
    }
    cost = premium_cost(found(openai_model="nobody-knows-1", **by_name))(PROMPT, TEXT)
    assert cost == COUNTED[0] * 1 + COUNTED[1] * 2


def test_without_a_price_nothing_was_saved():
    assert premium_cost(found(openai_model="nobody-knows-1"))(PROMPT, TEXT) == 0


def test_the_price_table_is_not_read_before_it_is_needed():
    code = (
        "import sys; from ccos.settings import load; from ccos.wiring.premium import premium_cost;"
        "premium_cost(load({}, _env_file=None)); print('genai_prices' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
