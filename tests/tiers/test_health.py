import json
from dataclasses import replace
from datetime import UTC, datetime

from ccos.domain.errors import NoPrice, ProviderBusy, ProviderDown, ProviderRefused
from ccos.domain.money import Level
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.tiers.board import fresh_pulse
from ccos.tiers.health import health
from ccos.tiers.pulse import Pulse

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CLOUD = ProviderCard(Tier.CLOUD_PREMIUM, "openai", "gpt-4o")
OTHER_CLOUD = ProviderCard(Tier.CLOUD_PREMIUM, "anthropic", "claude")
RULES = ProviderCard(Tier.RULE_BASED, "rules", "rules-1")
REFUSED = Pulse().after_failure(ProviderRefused(status=401), now=0, at=0, admitted_at=0)


def failing(times: int) -> Pulse:
    pulse = Pulse()
    for _ in range(times):
        pulse = pulse.after_failure(ProviderDown(), now=0, at=0, admitted_at=0)
    return pulse


def test_two_healthy_tiers_are_healthy_one_is_degraded():
    both = health([(CLOUD, Pulse()), (RULES, Pulse())], now=1, at=AT)
    assert (both["overall_status"], both["healthy_tiers"]) == ("healthy", "2/4")
    one = health([(CLOUD, failing(5)), (RULES, Pulse())], now=1, at=AT)
    assert (one["overall_status"], one["healthy_tiers"]) == ("degraded", "1/4")
    assert one["tiers"]["tier_0"]["breaker"] == "open"
    assert one["tiers"]["tier_0"]["error"] == "provider.down"


def test_a_tier_without_a_provider_is_disabled_not_ill():
    assert health([(RULES, Pulse())], now=0, at=AT)["tiers"]["tier_1"]["status"] == "disabled"


def test_a_tier_is_as_healthy_as_its_healthiest_provider():
    seen = [(CLOUD, failing(5)), (OTHER_CLOUD, Pulse()), (RULES, Pulse())]
    told = health(seen, now=1, at=AT)["tiers"]["tier_0"]
    assert told["status"] == "healthy" and "error" not in told
    assert [p["status"] for p in told["providers"]] == ["unhealthy", "healthy"]


def test_a_refused_key_disables_and_says_what_to_do():
    told = health([(CLOUD, REFUSED)], now=0, at=AT)["tiers"]["tier_0"]
    assert (told["status"], told["error"]) == ("disabled", "key.refused")
    assert "key" in told["message"] and "restart" in told["message"]


def test_a_forbidden_request_says_what_may_stand_in_between_until_it_passes():
    pulse = Pulse()
    for _ in range(5):
        pulse = pulse.after_failure(ProviderRefused(status=403), now=0, at=0, admitted_at=0)
    told = health([(CLOUD, pulse)], now=1, at=AT)["tiers"]["tier_0"]
    assert (told["status"], told["error"], told["retry_in_seconds"]) == ("unhealthy", "provider.forbidden", 4)
    assert "403" in told["message"] and "proxy" in told["message"]
    back = pulse.admit(5).after_success(1, 0.0, at=6, admitted_at=5)
    told = health([(CLOUD, back)], now=6, at=AT)["tiers"]["tier_0"]
    assert told["status"] == "healthy" and "message" not in told


def test_a_model_without_a_price_says_so():
    pulse = Pulse().after_failure(NoPrice(), now=0, at=0, admitted_at=0)
    told = health([(CLOUD, pulse)], now=0, at=AT)["tiers"]["tier_0"]
    assert (told["status"], told["error"]) == ("disabled", "provider.no_price") and "price" in told["message"]


def test_a_tier_is_disabled_only_when_all_its_providers_are():
    ill = health([(CLOUD, REFUSED), (OTHER_CLOUD, failing(5))], now=1, at=AT)["tiers"]["tier_0"]
    assert (ill["status"], ill["error"]) == ("unhealthy", "provider.down") and "message" not in ill
    well = health([(CLOUD, REFUSED), (OTHER_CLOUD, Pulse())], now=1, at=AT)["tiers"]["tier_0"]
    assert well["status"] == "healthy" and well["providers"][0]["status"] == "disabled"


def test_an_open_breaker_says_when_it_is_tried_again():
    told = health([(CLOUD, failing(5))], now=1.0, at=AT)["tiers"]["tier_0"]
    assert (told["breaker"], told["retry_in_seconds"]) == ("open", 4.0)
    assert told["retry_at"] == "2026-11-22T09:00:04+00:00"
    assert "retry_at" not in health([(CLOUD, failing(5))], now=5.0, at=AT)["tiers"]["tier_0"]


def test_half_open_is_no_health_until_an_answer_whatever_a_free_probe_saw():
    half_open = failing(5)
    told = health([(CLOUD, half_open)], now=60, at=AT)["tiers"]["tier_0"]
    assert (told["breaker"], told["status"], told["error"]) == ("half_open", "unhealthy", "provider.down")
    seen = half_open.after_probe(True)
    told = health([(CLOUD, seen)], now=60, at=AT)["tiers"]["tier_0"]
    assert (told["breaker"], told["status"], told["error"]) == ("half_open", "unhealthy", "provider.down")
    answered = seen.admit(60).after_success(1, 0.0, at=61, admitted_at=60)
    assert health([(CLOUD, answered)], now=61, at=AT)["tiers"]["tier_0"]["status"] == "healthy"


def test_a_fresh_process_whose_provider_is_there_is_healthy():
    told = health([(CLOUD, Pulse().after_probe(True))], now=0, at=AT)["tiers"]["tier_0"]
    assert told["status"] == "healthy"


def test_a_breaker_another_process_opened_says_so_much():
    pulse = replace(Pulse(), breaker=Pulse().breaker.opened_elsewhere(0, seconds=4, trips=1), reachable=True)
    told = health([(CLOUD, pulse)], now=1, at=AT)["tiers"]["tier_0"]
    assert (told["status"], told["error"], told["retry_in_seconds"]) == ("unhealthy", "breaker.open", 3)


def test_one_that_asked_for_time_is_unhealthy_until_it_is_over():
    pulse = Pulse().after_failure(ProviderBusy(retry_after_seconds=120), now=0, at=0, admitted_at=0)
    told = health([(CLOUD, pulse)], now=20, at=AT)["tiers"]["tier_0"]
    assert (told["status"], told["error"], told["breaker"]) == ("unhealthy", "provider.busy", "closed")
    assert (told["retry_in_seconds"], told["retry_at"]) == (100, "2026-11-22T09:01:40+00:00")
    over = health([(CLOUD, pulse)], now=121, at=AT)["tiers"]["tier_0"]
    assert over["status"] == "healthy" and "retry_at" not in over


def hung(calls: int, since: float) -> Pulse:
    pulse = Pulse()
    for _ in range(calls):
        pulse = pulse.admit(since)
    return pulse


def saturated(pulse: Pulse, load: tuple[int, int, int], now: float) -> bool:
    told = health([(CLOUD, pulse)], now=now, at=AT, load={CLOUD.deployment: load})["tiers"]["tier_0"]
    assert (told["status"] == "unhealthy") == (told.get("error") == "provider.saturated")
    return told["status"] == "unhealthy"


def test_one_whose_every_slot_hangs_is_unhealthy_before_its_breaker_opens():
    pulse = hung(5, since=100)
    assert not saturated(pulse, (5, 5, 9), 104), "a busy moment"
    assert saturated(pulse, (5, 5, 9), 106)
    assert saturated(pulse, (5, 5, 0), 106), "those who waited were shed"
    assert not saturated(pulse, (5, 6, 0), 106), "there is a slot"


def test_calls_that_go_round_without_an_answer_are_silence_and_an_answer_ends_it():
    pulse = hung(5, since=100)
    for n in range(4):
        pulse = pulse.after_cancel(100).admit(101 + n)
    assert saturated(pulse, (5, 5, 1), 106)
    pulse = pulse.after_success(6, 0.0, at=0, admitted_at=100)
    assert not saturated(pulse, (5, 5, 1), 107)


def test_how_long_silence_may_be_follows_how_long_answers_take():
    pulse = Pulse()
    for n in range(8):
        pulse = pulse.admit(20 * n).after_success(20, 0.0, at=0, admitted_at=20 * n)
    pulse = pulse.admit(200)
    assert not saturated(pulse, (1, 1, 3), 219) and saturated(pulse, (1, 1, 3), 221)


def test_an_idle_hour_before_a_burst_is_no_silence():
    pulse = Pulse().admit(0).after_cancel(0).admit(3_600)
    assert not saturated(pulse, (1, 1, 1), 3_601)


def test_a_model_that_is_slow_by_nature_is_never_called_silent():
    local = fresh_pulse("tier_1/local/model/").admit(0)
    card = ProviderCard(Tier.LOCAL_MINIMAX, "local", "model")
    told = health([(card, local)], now=60, at=AT, load={card.deployment: (1, 1, 4)})["tiers"]["tier_1"]
    assert told["status"] == "healthy"


def test_without_money_nobody_who_is_paid_is_healthy():
    paid = replace(CLOUD, paid=True)
    seen = [(paid, Pulse()), (RULES, Pulse())]
    told = health(seen, now=0, at=AT, money=Level.EXHAUSTED)
    assert (told["tiers"]["tier_0"]["status"], told["tiers"]["tier_0"]["error"]) == (
        "unhealthy",
        "budget.exhausted",
    )
    assert "DAILY_LLM_COST_LIMIT" in told["tiers"]["tier_0"]["message"]
    assert told["tiers"]["tier_3"]["status"] == "healthy" and told["overall_status"] == "degraded"
    assert health(seen, now=0, at=AT, money=Level.COST_FIRST)["overall_status"] == "healthy"


def test_figures_are_rounded_for_people():
    pulse = Pulse().after_success(1 / 3, 1 / 3, at=0, admitted_at=0, first_token_seconds=2 / 3)
    told = health([(CLOUD, pulse.after_quality(0.123456))], now=0, at=AT)["tiers"]["tier_0"]
    assert (told["latency"], told["first_token"]) == (0.333, 0.667)
    assert (told["cost"], told["quality_score"]) == (0.333333, 0.1235)


def test_an_old_error_is_not_given_as_the_reason_why_nobody_is_there():
    pulse = Pulse().after_failure(ProviderBusy(), now=0, at=0, admitted_at=0).after_probe(False)
    assert health([(CLOUD, pulse)], now=9, at=AT)["tiers"]["tier_0"]["error"] == "provider.unreachable"


def test_latencies_and_the_load_are_shown():
    pulse = Pulse()
    for _ in range(8):
        pulse = pulse.after_success(2.0, 0.0, at=0, admitted_at=0, first_token_seconds=0.5)
    load = {CLOUD.deployment: (3, 20, 1), "tier_0/gone/model/": (0, 1, 0)}
    told = health([(CLOUD, pulse), (RULES, Pulse())], now=0, at=AT, load=load)["tiers"]
    assert (told["tier_0"]["p95"], told["tier_0"]["first_token"]) == (2.0, 0.5)
    assert [told["tier_0"][name] for name in ("in_flight", "limit", "waiting")] == [3, 20, 1]
    assert "limit" not in told["tier_3"]
    json.dumps(told)


def test_a_probe_that_finds_nobody_makes_a_tier_unhealthy_until_it_answers():
    pulse = Pulse().after_probe(False)
    assert health([(CLOUD, pulse)], now=0, at=AT)["tiers"]["tier_0"]["status"] == "unhealthy"
    answered = pulse.after_success(0.5, 0.002, at=AT.timestamp(), admitted_at=0)
    told = health([(CLOUD, answered)], now=0, at=AT)["tiers"]["tier_0"]
    assert (told["status"], told["latency"], told["cost"]) == ("healthy", 0.5, 0.002)
    assert told["last_success"] == AT.isoformat()


LOCAL = ProviderCard(Tier.LOCAL_MINIMAX, "local-7b", "qwen")


def test_a_model_that_is_not_loaded_is_unhealthy_and_says_why_in_its_own_words():
    why = "The model file m.gguf is cut off after 10 bytes; download it again."
    told = health([(LOCAL, Pulse())], now=0, at=AT, notices={LOCAL.deployment: (False, why)})
    tier = told["tiers"]["tier_1"]
    assert (tier["status"], tier["error"], tier["message"]) == ("unhealthy", "model.not_loaded", why)
    assert told["overall_status"] == "down"


def test_a_model_that_serves_with_a_warning_is_healthy_and_says_it():
    told = health([(LOCAL, Pulse())], now=0, at=AT, notices={LOCAL.deployment: (True, "Another file.")})
    tier = told["tiers"]["tier_1"]
    assert tier["status"] == "healthy" and tier["message"] == "Another file." and "error" not in tier


def test_a_model_without_a_word_is_told_as_before():
    told = health([(LOCAL, Pulse())], now=0, at=AT, notices={LOCAL.deployment: (True, "")})
    assert "message" not in told["tiers"]["tier_1"]


def test_the_parts_of_a_provider_stand_with_it_and_not_with_its_tier():
    inside = {CLOUD.deployment: {"servers": [{"name": "gpu-a"}]}}
    told = health([(CLOUD, Pulse()), (OTHER_CLOUD, Pulse())], now=0, at=AT, insides=inside)["tiers"]["tier_0"]
    assert told["providers"][0]["servers"] == [{"name": "gpu-a"}]
    assert "servers" not in told and "servers" not in told["providers"][1]


def test_a_model_that_came_up_since_the_last_look_is_healthy_and_a_server_is_not():
    away = Pulse().after_probe(False)
    local = health([(CLOUD, away)], now=0, at=AT, insides={CLOUD.deployment: {"local": {"state": "up"}}})
    assert local["tiers"]["tier_0"]["status"] == "healthy"
    served = health([(CLOUD, away)], now=0, at=AT, insides={CLOUD.deployment: {"servers": []}})
    assert served["tiers"]["tier_0"]["error"] == "provider.unreachable"
