"""What the pages answer to requests no browser of ours would send."""

from __future__ import annotations

import pytest

from ccos.api.caller import COOKIE
from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from support.live import Company


@pytest.fixture
def draft(company: Company):
    return company.draft(company.ticket(Ticket(subject="교환")), DraftState.READY, reply="네.")


def visiting(company: Company, role: Role = Role.AGENT):
    return company.live.client(cookies={COOKIE: company.keys[role]}, follow_redirects=False)


def own(company: Company) -> dict[str, str]:
    return {"origin": company.live.url}


def test_pages_allow_no_inline_script_no_outside_host_and_no_frame(company: Company):
    with visiting(company) as http:
        page = http.get("/")
    policy = page.headers["content-security-policy"]
    assert (
        "script-src 'self';" in policy
        and "default-src 'none'" in policy
        and "frame-ancestors 'none'" in policy
    )
    assert "unsafe" not in policy and "http" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert (
        " style=" not in page.text
        and "onclick" not in page.text
        and "http://" not in page.text.replace(company.live.url, "")
    )


def test_a_form_of_another_site_changes_nothing(company: Company, draft):
    forms = {
        f"/drafts/{draft.id}/decision": {"verdict": "approved"},
        f"/tickets/{draft.ticket_id}/drafts": {"hint": ""},
        "/sign-out": {},
        "/sign-in": {"key": company.keys[Role.AGENT]},
    }
    with visiting(company) as http:
        for path, form in forms.items():
            for headers in (
                {},
                {"origin": "https://evil.example"},
                {"origin": "null"},
                {"sec-fetch-site": "same-site"},
            ):
                answer = http.post(path, data=form, headers=headers)
                assert answer.status_code == 403, (path, headers)
                assert "set-cookie" not in answer.headers
        assert http.get(f"/api/drafts/{draft.id}").json()["state"] == "ready"
        assert (
            http.post(
                f"/drafts/{draft.id}/decision", data={"verdict": "approved"}, headers=own(company)
            ).status_code
            == 303
        )


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/tickets/\\\\evil.example",
        "javascript:alert(1)",
        "/tickets//evil.example",
    ],
)
def test_signing_in_leads_nowhere_else(company: Company, wanted):
    with company.live.client() as http:
        form = {"key": company.keys[Role.AGENT], "next": wanted}
        answer = http.post("/sign-in", data=form, headers=own(company))
        assert answer.status_code == 303 and answer.headers["location"] == "/"
        assert "next=" not in answer.headers["location"]
        assert (
            "HttpOnly" in answer.headers["set-cookie"] and "SameSite=strict" in answer.headers["set-cookie"]
        )


def test_over_https_the_cookie_never_travels_in_the_clear(company: Company):
    with company.live.client() as http:
        headers = own(company) | {"x-forwarded-proto": "https"}
        answer = http.post("/sign-in", data={"key": company.keys[Role.AGENT]}, headers=headers)
        assert "Secure" in answer.headers["set-cookie"]


def test_behind_a_proxy_that_says_nothing_the_origin_tells_that_it_is_https(company: Company):
    with company.live.client() as http:
        headers = {"origin": company.live.url.replace("http://", "https://")}
        answer = http.post("/sign-in", data={"key": company.keys[Role.AGENT]}, headers=headers)
        assert answer.status_code == 303 and "Secure" in answer.headers["set-cookie"]
        assert "Secure" in http.post("/sign-out", headers=headers).headers["set-cookie"]
        answer = http.post("/sign-in", data={"key": company.keys[Role.AGENT]}, headers=own(company))
        assert answer.status_code == 303 and "Secure" not in answer.headers["set-cookie"]


@pytest.mark.parametrize("text", ["", " \r\n\t", "\u3000", "\0"])
def test_a_blank_edit_is_sent_back_and_nothing_is_decided(company: Company, draft, text):
    with visiting(company) as http:
        path = f"/drafts/{draft.id}/decision"
        answer = http.post(path, data={"verdict": "edited", "text": text}, headers=own(company))
        assert answer.status_code == 422 and "보낼 답변이 비어 있습니다" in answer.text
        assert http.get(f"/api/drafts/{draft.id}").json()["state"] == "ready"
        answer = http.post(path, data={"verdict": "edited", "text": " 네.\r\n"}, headers=own(company))
        assert answer.status_code == 303
        assert http.get(f"/api/drafts/{draft.id}").json()["state"] == "approved"


def test_the_other_language_of_an_answer_to_a_form_is_a_page_that_there_is(company: Company, draft):
    path, ticket = f"/drafts/{draft.id}/decision", f"/tickets/{draft.ticket_id}"
    with visiting(company) as http:
        http.post(path, data={"verdict": "approved"}, headers=own(company))
        late = http.post(path, data={"verdict": "rejected", "reason": "x"}, headers=own(company))
        wrong = http.post(path, data={"verdict": "maybe"}, headers=own(company))
        unknown = http.post("/sign-in", data={"key": "ccos_wrong"}, headers=own(company))
        assert [late.status_code, wrong.status_code, unknown.status_code] == [409, 422, 401]
        for answer, page in ((late, ticket), (wrong, "/"), (unknown, "/sign-in")):
            assert f'href="{page}?lang=en"' in answer.text
            assert http.get(f"{page}?lang=en").status_code == 200
        assert 'href="/?q=a&amp;lang=en"' in http.get("/?q=a&lang=ko").text


@pytest.mark.parametrize(
    ("form", "status"),
    [({}, 422), ({"verdict": "maybe"}, 422), ({"verdict": "rejected", "reason": "x" * 201}, 422)],
)
def test_a_form_that_cannot_be_used_gets_a_page_that_says_so(company: Company, draft, form, status):
    with visiting(company) as http:
        answer = http.post(f"/drafts/{draft.id}/decision", data=form, headers=own(company))
        assert answer.status_code == status
        assert (
            answer.headers["content-type"].startswith("text/html")
            and "보낸 내용을 쓸 수 없습니다" in answer.text
        )


def test_a_role_that_may_not_decide_is_refused_on_a_page(company: Company, draft):
    with visiting(company, Role.INTEGRATION) as http:
        answer = http.post(f"/drafts/{draft.id}/decision", data={"verdict": "approved"}, headers=own(company))
        assert answer.status_code == 403 and "이 키의 역할로는" in answer.text


def test_a_page_mark_that_is_not_ours_and_hostile_queries_are_answered(company: Company):
    with visiting(company) as http:
        assert http.get("/", params={"after": "nonsense"}).status_code == 422
        assert http.get("/", params={"q": "x" * 201}).status_code == 422
        assert http.get("/", params={"q": "\0%_'\""}).status_code == 200
        assert http.get("/queue", params={"open": '"><script>'}).status_code == 200
        assert http.get("/?lang=xx").status_code == 200


def test_what_asks_for_a_part_without_a_key_is_sent_to_the_door(company: Company, draft):
    with company.live.client() as http:
        answer = http.get(f"/tickets/{draft.ticket_id}/draft", headers={"hx-request": "true"})
        assert answer.status_code == 401 and answer.headers["hx-redirect"] == "/sign-in"
        answer = http.get(f"/tickets/{draft.ticket_id}")
        assert (
            answer.status_code == 303
            and answer.headers["location"] == f"/sign-in?next=/tickets/{draft.ticket_id}"
        )


@pytest.mark.parametrize(
    "path",
    [
        "vendor/htmx.min.js",
        "vendor/htmx.LICENSE",
        "vendor/uplot.min.js",
        "vendor/uplot.min.css",
        "vendor/uplot.LICENSE",
        "console.js",
        "keys.js",
        "keeping.js",
        "charts.js",
        "console.css",
        "mark.svg",
    ],
)
def test_static_files_are_ours_and_asked_about_each_time(company: Company, path):
    with company.live.client() as http:
        answer = http.get(f"/static/{path}")
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-cache"
        again = http.get(f"/static/{path}", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        assert http.get("/static/../__init__.py").status_code == 404
        assert http.get("/static/%2e%2e/pages.py").status_code == 404
