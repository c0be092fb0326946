"""What models are told."""

from ccos.agents.prompts import fixed_systems, query_prompt, solution_prompt, synthesis_prompt
from ccos.domain.prompt import Grounds
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket


def test_tenants_share_the_beginning_of_every_system_text():
    ours, theirs = (TenantSettings(company={"ko": name, "en": name}) for name in ("물결상회", "Pebble & Co"))
    ticket = Ticket(subject="환불", description="언제 되나요?")
    beginnings = fixed_systems()
    for language in ("ko", "en"):
        for settings in (ours, theirs):
            grounds = Grounds(language=language, settings=settings)
            made = (
                query_prompt(ticket, grounds),
                synthesis_prompt(ticket, grounds),
                solution_prompt(ticket, grounds, []),
            )
            for prompt in made:
                assert any(prompt.system.startswith(text) for text in beginnings)
    shared = [text for text in beginnings if "{" in text or "물결" in text]
    assert not shared
    assert len(beginnings) == 6
