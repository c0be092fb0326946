"""The chat routes send nobody's data on, and give it back to whoever wrote it."""

from __future__ import annotations

import json

import pytest

from ccos.api import generate
from support.fake_upstream import Does
from support.v1 import Cloudy

ASKED = "저는 김보라이고 010-2345-6789, bora.kim@example.com입니다. 카드 4111-1111-1111-1111로 결제했어요."
SAID = "안녕하세요, [이름_1] 고객님. [전화번호_1]로 안내드리겠습니다."


def sent(cloudy: Cloudy) -> str:
    return "\n".join(
        seen._raw.decode() + json.dumps(seen.body, ensure_ascii=False) for seen in cloudy.cloud.seen
    )


@pytest.mark.parametrize("route", ["openai", "openai stream", "anthropic"])
def test_the_cloud_reads_placeholders_and_the_caller_the_values(cloudy: Cloudy, route):
    cloudy.cloud_does(Does("ok", text=SAID))
    asked = [{"role": "user", "content": f"{ASKED} ({route})"}]  # the same question would be remembered
    match route:
        case "openai":
            made = cloudy.openai().chat.completions.create(model="ccos/quality_first", messages=asked)
            text = made.choices[0].message.content
        case "openai stream":
            parts = cloudy.openai().chat.completions.create(
                model="ccos/quality_first", messages=asked, stream=True
            )
            text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
        case _:
            told = cloudy.anthropic().messages.create(
                model="ccos/quality_first", max_tokens=200, messages=asked
            )
            text = told.content[0].text
    assert text == "안녕하세요, 김보라 고객님. 010-2345-6789로 안내드리겠습니다."
    received = sent(cloudy)
    assert "[카드번호_1]" in received and "[이메일_1]" in received
    assert not any(part in received for part in ("김보라", "2345", "6789", "bora", "4111", "1111"))


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_a_resident_number_in_any_message_keeps_the_whole_request_here(cloudy: Cloudy, role):
    asked = [
        {"role": role, "content": "주민번호는 900101-1234568"},
        {"role": "user", "content": "반품비가 얼마인가요?"},
    ]
    made = cloudy.openai().chat.completions.create(model="ccos", messages=asked)
    assert made.choices[0].message.content and cloudy.cloud.seen == []


def test_recognisers_that_fail_close_the_cloud_and_the_caller_is_answered(cloudy: Cloudy, monkeypatch):
    def broken(text):
        raise RuntimeError(text)

    monkeypatch.setattr(generate, "classify", broken)
    asked = [{"role": "user", "content": "반품비가 얼마인가요?"}]
    made = cloudy.openai().chat.completions.create(model="ccos", messages=asked)
    with cloudy.company.client() as http:
        told = http.post("/api/generate", json={"prompt": "반품비가 얼마인가요?", "mode": "quality_first"})
    assert made.choices[0].message.content and told.status_code == 200
    assert ("tier_0", "privacy.unreadable") in {(a["tier"], a["reason"]) for a in told.json()["attempts"]}
    assert cloudy.cloud.seen == []


def test_evidence_with_a_resident_number_keeps_the_request_here(cloudy: Cloudy):
    found = {"n": 1, "kind": "case", "id": "c", "title": "t", "snippet": "900101-1234568", "score": 1.0}
    with cloudy.company.client() as http:
        told = http.post("/api/generate", json={"prompt": "반품비가 얼마인가요?", "evidence": [found]})
    assert ("tier_0", "pii.local_only") in {(a["tier"], a["reason"]) for a in told.json()["attempts"]}
    assert cloudy.cloud.seen == []


def test_a_case_put_over_http_is_found_without_its_people(cloudy: Cloudy):
    case = {
        "title": "구두굽 환불",
        "body": "김보라 고객님 010-2345-6789, 구두굽을 환불했습니다.",
        "kind": "case",
    }
    with cloudy.company.client() as http:
        assert http.put("/api/kb/case-7", json=case).status_code == 200
        found = http.get("/api/kb/search", params={"q": "구두굽 환불", "pool": "case"}).json()
    assert found[0]["snippet"] == "[이름] 고객님 [전화번호], 구두굽을 환불했습니다."
