"""The reports of evaluations as a reader has them: narrow, printed, and in words a manager knows."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from playwright.async_api import Browser

from ccos.cli import eval_replay_words, eval_words
from ccos.cli.eval_plots import STYLE, table
from ccos.cli.eval_words import Words
from ccos.quality import vetoes
from support.browser import BROWSER, WITHOUT, browser  # noqa: F401
from support.ccos_command import Command
from support.labelled_sets import certificate, lines, support_model, write

HEADS = ["a policy with a name", *(f"a long heading of column {n}" for n in range(9))]
ROWS = [["gate + table + router, one after the other", *["0.843–0.912"] * 9]] * 3


@pytest.mark.parametrize("words", [eval_words._WORDS, eval_replay_words._WORDS])
def test_both_languages_say_the_same_with_the_same_gaps_and_korean_speaks_to_people(words):
    for key, (en, ko) in words.items():
        gaps = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (en, ko)]
        assert gaps[0] == gaps[1], key
        assert not re.search("[가-힣]", en), key
        assert not re.search("제비뽑기|휴리스틱|티켓", ko), key
        if key.endswith(("_is", "_desc", "_note")):  # whole sentences, all on the polite level
            ends = re.findall(r"(\S+)\.(?=\s|$)", ko)
            assert ko.endswith(".") and all(re.search("니다$|주세요$", end) for end in ends), key


def test_every_kind_of_veto_has_a_name_and_keeps_its_code():
    for kind in {kind for family in vetoes.CUSTOMER_TEXT for kind in family.kinds}:
        assert re.fullmatch(rf".*[가-힣].* \({kind}\)", Words("ko").veto(kind)), kind
    assert Words("ko").veto("brand_new") == "brand_new"


@pytest.mark.skipif(BROWSER is None, reason=WITHOUT)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("width", [1200, 390])
async def test_a_wide_table_moves_in_its_own_box_and_prints_whole(
    browser: Browser,  # noqa: F811
    tmp_path: Path,
    width: int,
):
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><style>{STYLE}</style><body>{table(HEADS, ROWS)}", encoding="utf-8")
    page = await browser.new_page(viewport={"width": width, "height": 700})
    await page.goto(path.as_uri())
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    reach = (
        "(box => { box.scrollLeft = 1e6; return box.scrollLeft + box.clientWidth >= box.scrollWidth - 1 })"
    )
    assert await page.evaluate(f"{reach}(document.querySelector('.scroll'))")
    await page.emulate_media(media="print")
    await page.set_viewport_size({"width": 1032, "height": 700})  # A4 on its side, less the margins
    assert await page.evaluate(
        "document.querySelector('table').getBoundingClientRect().right <= document.documentElement.clientWidth"
    )
    await page.close()


@pytest.fixture
def trained(ccos: Command) -> str:
    found = support_model(certificate(0.6, 0.5))
    sets = [{"name": "seed", "rows": 1140, "good": 516}, {"name": "ours", "rows": 40, "good": 3}]
    found = found.model_copy(update={"about": {"trained_on": sets}})
    (ccos.folder / "model.json").write_text(found.model_dump_json(), encoding="utf-8")
    return "model.json"


@pytest.mark.parametrize(
    ("name", "count", "seen"), [("ours", 20, ["ours"]), ("new", 20, None)], ids=["its own", "new"]
)
def test_a_report_on_what_the_model_was_trained_on_says_that_it_is_not_blind(
    ccos: Command, trained: str, name: str, count: int, seen: list[str] | None
):
    write(ccos.folder / f"{name}.jsonl", lines(count))
    arguments = ("--model", trained, "--resamplings", "5", "--html", "out.html", "--language", "ko", "--json")
    ran = ccos("eval", "gate", f"{name}.jsonl", *arguments)
    found = ran.json["seen_in_training"]
    assert found == (None if seen is None else {"answers": count, "sets": seen})
    assert ("that the model was trained on" in ran.err) is (seen is not None)
    page = (ccos.folder / "out.html").read_text("utf-8")
    assert ("이미 본 답변이므로" in page) is (seen is not None)
    assert "이 모델은 다음 자료로 학습했습니다: 제품에 든 라벨 예문(1,140건), ours(40건)" in page


def test_answers_of_the_set_that_ships_are_known_one_by_one(ccos: Command, trained: str):
    from ccos.sample import labels_folder

    with labels_folder() as folder:
        shipped = (folder / "en-desk.jsonl").read_text("utf-8").splitlines()[:10]
    write(ccos.folder / "mixed.jsonl", lines(20))
    with (ccos.folder / "mixed.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n".join(shipped) + "\n")
    found = ccos("eval", "gate", "mixed.jsonl", "--model", trained, "--resamplings", "5", "--json").json
    assert found["seen_in_training"] == {"answers": 10, "sets": ["seed"]}


def test_a_file_with_the_very_counts_of_a_set_is_that_set(ccos: Command, trained: str):
    rows = [row | {"label": int(n < 3)} for n, row in enumerate(lines(40))]
    write(ccos.folder / "renamed.jsonl", rows)
    found = ccos("eval", "gate", "renamed.jsonl", "--model", trained, "--resamplings", "5", "--json").json
    assert found["seen_in_training"] == {"answers": 40, "sets": ["ours"]}
