"""Whether a file changed, told once; how often something happened of late."""

from pathlib import Path

from ccos.local.watching import FileWatch, Tally, mark_of


def test_a_file_that_is_left_alone_is_no_news(tmp_path):
    file = tmp_path / "m"
    file.write_text("a")
    watch = FileWatch(mark_of(file))
    file.read_text()
    assert not any(watch.is_news(mark_of(file)) for _ in range(3))


def test_a_change_is_told_once_when_it_rests(tmp_path):
    file = tmp_path / "m"
    file.write_text("a")
    watch = FileWatch(mark_of(file))
    found = []
    for size in (2, 3, 4, 4, 4, 4):
        if file.stat().st_size != size:
            file.write_text("a" * size)
        found.append(watch.is_news(mark_of(file)))
    assert found == [False, False, False, True, False, False]


def test_going_back_to_what_it_was_is_news_after_a_change_and_none_before(tmp_path):
    file, aside = tmp_path / "m", tmp_path / "aside"
    file.write_text("a")
    watch = FileWatch(mark_of(file))
    file.rename(aside)
    assert not watch.is_news(mark_of(file))
    aside.rename(file)
    assert not watch.is_news(mark_of(file)) and not watch.is_news(mark_of(file))
    file.rename(aside)
    assert [watch.is_news(mark_of(file)) for _ in range(2)] == [False, True]
    aside.rename(file)
    assert [watch.is_news(mark_of(file)) for _ in range(3)] == [False, True, False]


def test_a_file_written_in_place_is_the_same_one_and_a_renamed_one_is_not(tmp_path):
    file, new = tmp_path / "m", tmp_path / "new"
    file.write_text("a")
    first = mark_of(file)
    file.write_text("bc")
    second = mark_of(file)
    new.write_text("bc")
    new.rename(file)
    third = mark_of(file)
    assert first is not None and second is not None and third is not None
    assert first != second and first.same_file(second) and not second.same_file(third)


def test_nothing_where_nothing_stands(tmp_path):
    assert mark_of(tmp_path / "none") is None
    assert mark_of(Path("a\0b")) is None
    (tmp_path / "file").write_text("")
    assert mark_of(tmp_path / "file" / "below") is None


def test_a_tally_forgets_what_is_long_ago():
    tally = Tally(10.0)
    assert [tally.add(now) for now in (0, 5, 10, 10.1, 30)] == [1, 2, 3, 3, 1]
