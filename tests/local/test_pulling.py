"""Downloads from a server that misbehaves."""

import errno
import hashlib
from pathlib import Path

import pytest
from yarl import URL

from ccos.domain.errors import BadInput
from ccos.local.registry import pulling
from ccos.local.registry.files import RegistryBusy, locked
from ccos.local.registry.pulling import Pace, PullFailed, checked_url, pull, shown
from ccos.local.registry.registry import DiskFull
from support.file_server import file_server

CONTENT = b"GGUF" + bytes(range(256)) * 4_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
QUICK = Pace(silent_seconds=0.3, rest_seconds=0.01)


def quiet(_done: int, _total: int) -> None:
    pass


async def got(server, folder: Path, done=quiet, **options):
    return await pull(URL(server.url), folder, done, pace=QUICK, **options)


async def test_a_file_comes_whole_with_its_checksum_and_progress(tmp_path):
    heard = []
    async with file_server(CONTENT) as server:
        found = await got(server, tmp_path, lambda *said: heard.append(said), sha256=DIGEST.upper())
    assert found.path.read_bytes() == CONTENT and found.sha256 == DIGEST and found.etag == '"v1"'
    assert heard[-1] == (len(CONTENT), len(CONTENT)) and server.seen == [None]


@pytest.mark.parametrize(
    "faults",
    [
        ["drop"],
        ["drop", "drop", "drop"],
        ["silent"],
        ["e503", "drop", "e503"],
        ["drop", "ignore_range"],
        ["drop", "wrong_range"],
        ["drop", "drop", "ignore_range", "drop"],
        ["away"],
    ],
    ids=" ".join,
)
async def test_what_is_broken_off_goes_on_until_it_is_whole(tmp_path, faults):
    async with file_server(CONTENT, faults) as server:
        found = await got(server, tmp_path, sha256=DIGEST)
    assert found.path.read_bytes() == CONTENT
    if faults == ["drop"]:
        assert server.seen[1] is not None and server.seen[1] != "bytes=0-", "it asks for the rest alone"


async def test_a_file_that_changed_meanwhile_is_begun_anew(tmp_path):
    other = b"GGUF" + b"new" * 300_000
    async with file_server(CONTENT, ["drop", "e404"]) as server:
        with pytest.raises(PullFailed, match="404"):
            await got(server, tmp_path)
        server.content, server.etag = other, '"v2"'
        found = await got(server, tmp_path)
    assert found.path.read_bytes() == other and found.etag == '"v2"'
    assert server.seen[2].startswith("bytes="), "it asked for the rest, and was given the whole"


async def test_a_server_that_names_no_version_is_never_gone_on_with(tmp_path):
    async with file_server(CONTENT, ["drop"], etag="") as server:
        assert (await got(server, tmp_path)).path.read_bytes() == CONTENT
    assert server.seen == [None, None]


async def test_a_short_file_that_the_server_calls_whole_fails_the_checksum(tmp_path):
    async with file_server(CONTENT, ["short"]) as server:
        with pytest.raises(PullFailed, match="checksum"):
            await got(server, tmp_path, sha256=DIGEST)
        assert not list(tmp_path.glob("*.part")), "it is of no use"
        assert (await got(server, tmp_path, sha256=DIGEST)).sha256 == DIGEST


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("e404", "404 Not Found"),
        ("page", "perhaps a page"),
        ("packed", "packed"),
        ("to_file", "no web address|cannot be downloaded"),
        ("to_loop", "cannot be downloaded now"),
    ],
)
async def test_what_cannot_come_is_told_in_a_sentence(tmp_path, fault, said):
    async with file_server(CONTENT, [fault] * 12) as server:
        with pytest.raises(PullFailed, match=said):
            await got(server, tmp_path)


async def test_a_server_that_is_not_there_is_given_up_and_the_part_is_kept(tmp_path):
    async with file_server(CONTENT, ["drop", *["e503"] * 20]) as server:
        with pytest.raises(PullFailed, match="same command again later"):
            await got(server, tmp_path)
        (part,) = tmp_path.glob("*.part")
        assert 0 < part.stat().st_size < len(CONTENT)
        server.faults.clear()
        assert (await got(server, tmp_path)).sha256 == DIGEST
        assert server.seen[-1].startswith("bytes=") and server.seen[-1] != "bytes=0-"


async def test_an_address_where_nobody_answers_is_told_in_words(tmp_path):
    async with file_server(CONTENT) as server:
        pass  # its port is free again
    with pytest.raises(PullFailed, match=r"cannot be downloaded now \(nobody answers there\)"):
        await got(server, tmp_path)


async def test_a_full_disk_keeps_the_part_and_goes_on_when_there_is_room(tmp_path, monkeypatch):
    real = pulling._take

    async def full(reply, part, have, total, done, most):
        await real(reply, part, have, total, stop, most)

    def stop(done, _total):
        raise OSError(errno.ENOSPC, "No space left on device")

    async with file_server(CONTENT) as server:
        monkeypatch.setattr(pulling, "_take", full)
        with pytest.raises(DiskFull, match="goes on where it stopped"):
            await got(server, tmp_path)
        monkeypatch.setattr(pulling, "_take", real)
        assert list(tmp_path.glob("*.part"))
        assert (await got(server, tmp_path)).sha256 == DIGEST


async def test_room_is_looked_for_before_the_first_byte(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: type("Usage", (), {"free": 10})())
    async with file_server(CONTENT) as server:
        with pytest.raises(DiskFull, match="is free in"):
            await got(server, tmp_path)
    assert not list(tmp_path.glob("*.part"))


async def test_a_file_larger_than_allowed_is_refused(tmp_path):
    async with file_server(CONTENT) as server:
        with pytest.raises(PullFailed, match="more than the 1000"):
            await got(server, tmp_path, most_bytes=1000)


async def test_of_two_at_once_one_is_told_to_wait(tmp_path):
    async with file_server(CONTENT) as server:
        await got(server, tmp_path)
        (lock,) = tmp_path.glob("*.lock")
        with locked(lock), pytest.raises(RegistryBusy):
            await got(server, tmp_path)


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "ftp://a/b.gguf", "http://", "qwen", "http://[::1"]
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(BadInput, match="address"):
        checked_url(url)


def test_an_address_is_shown_without_its_secrets():
    assert shown(URL("https://me:pw@host/a.gguf?token=s3cret#x")) == "https://host/a.gguf"
