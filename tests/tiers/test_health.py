from datetime import UTC, datetime

from ccos.domain.errors import ProviderDown, ProviderRefused
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.tiers.health import health
from ccos.tiers.pulse import Pulse

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CLOUD = ProviderCard(Tier.CLOUD_PREMIUM, "openai", "gpt-4o")
OTHER_CLOUD = ProviderCard(Tier.CLOUD_PREMIUM, "anthropic", "claude")
RULES = ProviderCard(Tier.RULE_BASED, "rules", "rules-1")


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


def test_a_refused_key_says_so():
    pulse = Pulse().after_failure(ProviderRefused(status=401), now=0, at=0, admitted_at=0)
    assert health([(CLOUD, pulse)], now=0, at=AT)["tiers"]["tier_0"]["error"] == "key.refused"


def test_a_probe_that_finds_nobody_makes_a_tier_unhealthy_until_it_answers():
    pulse = Pulse().after_probe(False)
    assert health([(CLOUD, pulse)], now=0, at=AT)["tiers"]["tier_0"]["status"] == "unhealthy"
    answered = pulse.after_success(0.5, 0.002, at=AT.timestamp(), admitted_at=0)
    told = health([(CLOUD, answered)], now=0, at=AT)["tiers"]["tier_0"]
    assert (told["status"], told["latency"], told["cost"]) == ("healthy", 0.5, 0.002)
    assert told["last_success"] == AT.isoformat()
