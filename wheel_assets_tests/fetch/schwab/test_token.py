"""The Schwab login on disk."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest

from wheel_assets import errors
from wheel_assets.fetch.http.response import Response
from wheel_assets.fetch.schwab.token import TokenFile, login_notes, needs_renewal, token_of


def answer(document):
    return Response("schwab", "/v1/oauth/token", 200, {}, json.dumps(document).encode())


def test_a_login_is_written_in_the_layout_of_schwab_py(tmp_path, vendors, now):
    path = tmp_path / "new" / "token.json"
    TokenFile(path).write(token_of(answer(vendors.schwab_token()), now, logged_in=now))
    document = json.loads(path.read_text())
    assert document["creation_timestamp"] == int(now.timestamp())
    assert document["token"] == vendors.schwab_token(expires_at=int(now.timestamp()) + 1800)
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"
    assert set(os.listdir(path.parent)) <= {"token.json", "token.json.lock"}


def test_the_mode_is_that_of_a_secret_whatever_another_program_left(token_file, vendors, now):
    path = token_file()
    path.chmod(0o644)
    TokenFile(path).write(token_of(answer(vendors.schwab_token()), now, logged_in=now))
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_a_login_that_others_can_read_is_refused_with_the_command_that_mends_it(token_file, now):
    path = token_file()
    path.chmod(0o640)
    with pytest.raises(errors.SourceRefused, match=f"others can read its file; chmod 600 {path}"):
        TokenFile(path).read(now)


def test_a_link_to_another_programs_login_stays_one(token_file, tmp_path, vendors, now):
    path, link = token_file(), tmp_path / "link.json"
    link.symlink_to(path)
    TokenFile(link).write(token_of(answer(vendors.schwab_token()), now, logged_in=now))
    assert link.is_symlink()
    assert TokenFile(path).read(now).access == "planted-access-2"


def test_a_write_that_fails_leaves_the_old_login_and_nothing_else(token_file, vendors, now, monkeypatch):
    path = token_file()
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(errors.SourceError, match="cannot be saved; .*: No space left on device; let this user"):
        TokenFile(path).write(token_of(answer(vendors.schwab_token()), now, logged_in=now))
    assert path.read_bytes() == before
    assert set(os.listdir(path.parent)) <= {path.name, f"{path.name}.lock"}


def test_a_new_login_is_not_overwritten_by_a_renewal_of_the_old_one(token_file, vendors, now):
    path, writing = token_file(days=6, minutes=0), []
    new = token_of(answer(vendors.schwab_token(refresh_token="of-the-new-login")), now, logged_in=now)

    def ask(_):
        writing.append(threading.Thread(target=TokenFile(path).write, args=(new,)))
        writing[0].start()  # somebody logs in while the answer is on its way
        return answer({"access_token": "of-the-old-login"})

    TokenFile(path).renew("planted-access-1", now, ask)
    writing[0].join()
    assert (TokenFile(path).read(now).refresh, TokenFile(path).read(now).logged_in) == ("of-the-new-login", now)


def test_what_is_written_reads_back(tmp_path, vendors, now):
    file, token = TokenFile(tmp_path / "token.json"), token_of(answer(vendors.schwab_token()), now, logged_in=now)
    file.write(token)
    assert file.read(now) == token
    assert (token.access, token.refresh, token.expires) == (
        "planted-access-2",
        "planted-refresh-2",
        now + timedelta(minutes=30),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"token": {}}',
        '{"creation_timestamp": 1e99, "token": {}}',
        '{"creation_timestamp": 1, "token": []}',
    ],
)
def test_a_damaged_login_asks_for_a_new_one(tmp_path, now, text):
    (tmp_path / "token.json").write_text(text)
    (tmp_path / "token.json").chmod(0o600)
    with pytest.raises(errors.LoginExpired, match="the Schwab login is damaged; .*; run `wheel login schwab`"):
        TokenFile(tmp_path / "token.json").read(now)


def test_a_missing_login_asks_for_one(tmp_path, now):
    with pytest.raises(errors.LoginExpired, match="there is no Schwab login; .* does not exist; run"):
        TokenFile(tmp_path / "token.json").read(now)


@pytest.mark.parametrize(("days", "warned"), [(0, False), (6.49, False), (6.5, True), (7, True)])
def test_a_reminder_comes_half_a_day_before_the_end(token_file, now, days, warned):
    notes = login_notes(TokenFile(token_file(days=days)).read(now), now)
    assert bool(notes) is warned
    assert all("run `wheel login schwab`" in note for note in notes)


def test_the_reminder_tells_when_and_what_then(token_file, now):
    (note,) = login_notes(TokenFile(token_file(days=6.75)).read(now), now)
    assert note == (
        "the Schwab login ends on Saturday 2026-11-21 02:30 UTC; after that Schwab gives neither chains nor positions: "
        "run `wheel login schwab` before"
    )


def test_after_seven_days_it_is_over_even_with_a_live_access_token(token_file, now):
    with pytest.raises(errors.LoginExpired, match=r"Schwab login expired on 2026-11-20; it lives seven days; run"):
        TokenFile(token_file(days=7.001, minutes=30)).read(now)


@pytest.mark.parametrize(("minutes", "expected"), [(-60, True), (4.9, True), (5.1, False), (30, False)])
def test_an_access_token_is_renewed_five_minutes_early(token_file, now, minutes, expected):
    assert needs_renewal(TokenFile(token_file(minutes=minutes)).read(now), now) is expected


def test_a_token_without_an_expiry_is_renewed(token_file, now):
    assert needs_renewal(TokenFile(token_file(expires_at=0)).read(now), now)


@pytest.mark.parametrize(
    ("answered", "refresh"),
    [
        ({"refresh_token": "rotated"}, "rotated"),
        ({"refresh_token": "planted-refresh-1"}, "planted-refresh-1"),
        ({}, "planted-refresh-1"),
    ],
)
def test_whatever_refresh_token_comes_back_is_kept_with_the_day_of_login(token_file, now, answered, refresh):
    path = token_file(days=3, minutes=0)
    renewed = TokenFile(path).renew(
        "planted-access-1", now, lambda _: answer({"access_token": "planted-access-2", **answered})
    )
    document = json.loads(path.read_text())
    assert (renewed.access, renewed.refresh) == ("planted-access-2", refresh)
    assert document["token"]["refresh_token"] == refresh
    assert document["creation_timestamp"] == int((now - timedelta(days=3)).timestamp())


def test_many_that_need_a_new_token_ask_for_one_once(token_file, now):
    path, asked, got = token_file(minutes=0), [], []

    def ask(refresh):
        asked.append(refresh)
        return answer({"access_token": f"planted-access-{len(asked) + 1}"})

    threads = [
        threading.Thread(target=lambda: got.append(TokenFile(path).renew("planted-access-1", now, ask).access))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == ["planted-refresh-1"]
    assert got == ["planted-access-2"] * 8


@pytest.mark.parametrize("document", [{}, {"access_token": None}, {"access_token": ""}, {"access_token": 5}, []])
def test_an_answer_without_a_token_changes_nothing(token_file, now, document):
    path = token_file(minutes=0)
    before = path.read_bytes()
    with pytest.raises(errors.UnexpectedAnswer):
        TokenFile(path).renew("planted-access-1", now, lambda _: answer(document))
    assert path.read_bytes() == before


@pytest.mark.parametrize("expires_in", ["NaN", None, -5, 1e12, [], "1800"])
def test_a_strange_lifetime_is_half_an_hour(vendors, now, expires_in):
    token = token_of(answer(vendors.schwab_token(expires_in=expires_in)), now, logged_in=now)
    assert token.expires == datetime.fromtimestamp(int(now.timestamp()) + 1800, UTC)


def test_a_folder_that_cannot_be_written_is_a_plain_error(tmp_path, vendors, now):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.SourceError, match="the Schwab login cannot be saved"):
        TokenFile(tmp_path / "file" / "token.json").write(token_of(answer(vendors.schwab_token()), now, logged_in=now))
