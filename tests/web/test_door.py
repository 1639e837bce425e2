"""Who is let in, what is sent along with every answer, and that nothing outside of the folder can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Reply, Served, lines, served, until

from barograph.web.door import new_token

TOKEN = "correct-horse-battery-staple+/&="
QUOTED = "correct-horse-battery-staple%2B%2F%26%3D"
SECRET = "root:x:0:0"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, beside a file and a run that are nobody's business."""
    home = tmp_path_factory.mktemp("home")
    (home / "passwd").write_text(SECRET)
    (home / "secret.jsonl").write_text(lines(1, 30, secret=4711))
    (home / "runs").mkdir()
    (home / "runs/dpo.jsonl").write_text(lines(1, 30))
    (home / "runs/out.jsonl").symlink_to(home / "secret.jsonl")
    (home / "runs/away").symlink_to(home)
    return home / "runs"


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def page(runs: Path, patch: pytest.MonkeyPatch) -> Iterator[Served]:
    """On this machine alone."""
    with served(runs, patch) as page:
        yield page


@pytest.fixture(scope="module")
def guarded(runs: Path, patch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Under any name, with a token."""
    with served(runs, patch, names=(), token=TOKEN) as page:
        yield page


# The name


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::1]", "localhost:8000", "127.0.0.1:1", "[::1]:65535", "LOCALHOST", "LocalHost:80"],
)
def test_this_machine_goes_by_its_names(page: Served, host: str) -> None:
    assert page.ask("/api/runs", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7117", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2", "[::2]",
     "localhost.", "0.0.0.0", "evil.example:localhost", "[localhost]x.evil.example", "2130706433", "x"],
)  # fmt: skip
@pytest.mark.parametrize("target", ["/", "/api/runs", "/events?list", "/static/main.js", "/none"])
def test_a_name_that_is_not_ours_is_turned_away_whatever_it_leads_to(page: Served, host: str, target: str) -> None:
    answer = page.ask(target, host=host)
    assert answer.status == 421
    assert b"dpo" not in answer.body


def test_a_machine_may_have_capitals_in_its_name(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(runs, monkeypatch, names=("MyMachine",)) as page:
        assert page.ask("/", host="mymachine:80").status == 200
        assert page.ask("/", host="MYMACHINE").status == 200
        assert page.ask("/", host="yourmachine").status == 421


def test_where_a_token_counts_any_name_will_do(guarded: Served) -> None:
    assert guarded.ask("/", host="evil.example").status == 401
    assert guarded.ask("/", host="gpu-7.lab.example", authorization=f"Bearer {TOKEN}").status == 200


# The token


def test_the_printed_address_leads_to_the_same_without_the_token(guarded: Served) -> None:
    answer = guarded.ask(f"/run?run=a%20b%26c&token={QUOTED}&run=%C3%A9")
    assert answer.status == 303
    assert answer.headers["location"] == "/run?run=a+b%26c&run=%C3%A9"
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    shown = cookie.partition(";")[0]
    assert guarded.ask("/api/runs", cookie=shown).status == 200
    assert guarded.ask(f"/?token={QUOTED}").headers["location"] == "/"


@pytest.mark.parametrize("others", ["a:b=1", '{"theme": "dark"}', "x", "=", 'a[0]="b c"', "\xe9=\xe9"])
def test_cookies_of_others_do_not_hide_ours(guarded: Served, others: str) -> None:
    ours = guarded.ask(f"/?token={QUOTED}").headers["set-cookie"].partition(";")[0]
    assert guarded.ask("/api/runs", cookie=f"{others}; {ours}").status == 200
    assert guarded.ask("/api/runs", cookie=others).status == 401


def test_two_servers_on_one_machine_keep_a_cookie_each(
    runs: Path, monkeypatch: pytest.MonkeyPatch, guarded: Served
) -> None:
    other = new_token()
    with served(runs, monkeypatch, names=(), token=other) as second:
        cookies = [
            server.ask(f"/?token={token}").headers["set-cookie"].partition(";")[0]
            for server, token in ((guarded, QUOTED), (second, other))
        ]
        assert len({cookie.partition("=")[0] for cookie in cookies}) == 2
        assert second.ask("/", cookie="; ".join(cookies)).status == 200
        assert guarded.ask("/", cookie="; ".join(cookies)).status == 200
        assert guarded.ask("/", cookie=cookies[1]).status == 401


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_a_program_shows_it_in_a_header(guarded: Served, kind: str) -> None:
    answer = guarded.ask("/api/runs", authorization=f"{kind} {TOKEN}")
    assert [one["key"] for one in answer.json["runs"]] == ["dpo.jsonl"]


@pytest.mark.parametrize(
    "wrong",
    ["", "x", TOKEN[: len(TOKEN) // 2], TOKEN + "x", TOKEN.upper(), "%C3%A9", "%FF%FE", "%00", "\xe9", "%ED%A0%80"],
)
def test_no_other_token_will_do(guarded: Served, wrong: str) -> None:
    target = "/?token=" + wrong.encode("latin-1").decode("ascii", "replace").replace("\ufffd", "%E9")
    header = wrong.encode("latin-1").decode("latin-1")
    for answer in (
        guarded.ask(target),
        guarded.ask("/", authorization=f"Bearer {header}"),
        guarded.ask("/", authorization=f"Basic {TOKEN}"),
        guarded.ask("/", cookie=f"barograph_token={header}"),
    ):
        assert answer.status == 401
        assert "set-cookie" not in answer.headers
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["//evil.example/", "///evil.example", "/\\evil.example", "//\\/evil.example", "/%2F/evil.example",
             "/%5Cevil.example", "/%09//evil.example", "/.//evil.example", "/%0d%0aLocation:%20//evil.example"],
)  # fmt: skip
def test_nobody_is_led_to_another_server(guarded: Served, path: str) -> None:
    answer = guarded.ask(f"{path}?token={QUOTED}")
    assert answer.status == 303
    place = answer.headers["location"]
    assert place.startswith("/")
    # What a browser takes for the beginning of a name, after it has left out what it leaves out.
    assert not place.replace("\t", "").replace("\\", "/").startswith("//")


def test_the_token_stands_in_no_answer(guarded: Served) -> None:
    for target in (f"/run?run=x&token={QUOTED}", "/", "/api/runs", "/none", f"/api/run?run={QUOTED}"):
        answer = guarded.ask(target)
        said = answer.body.decode() + "".join(value for name, value in answer.headers.items() if name != "set-cookie")
        assert TOKEN not in said
        assert QUOTED not in said


def test_without_it_not_even_the_files_of_the_page_are_given(guarded: Served) -> None:
    for target in ("/", "/static/main.js", "/api/runs", "/api/run?run=dpo.jsonl", "/events?list", "/none", "/report"):
        assert guarded.ask(target).status == 401, target


# What can be done


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_it_can_only_be_read(page: Served, guarded: Served, method: str) -> None:
    for server in (page, guarded):
        for target in ("/", "/api/runs", "/events?list", "/static/main.js", "/none"):
            answer = server.ask(target, method)
            assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "target", ["/", "/run", "/api/runs", "/static/main.js", "/report?run=dpo.jsonl", "/events?list", "/none"]
)
def test_the_head_of_an_answer_can_be_had_alone(page: Served, target: str) -> None:
    head, whole = page.ask(target, "HEAD"), page.ask(target)
    assert head.status == whole.status
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert head.body == b""


def test_the_head_of_a_stream_holds_no_stream_open(page: Served) -> None:
    until(lambda: page.inside.streams == 0)
    page.ask("/events?list", "HEAD")
    assert page.inside.streams == 0


RULES = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


def obeys(answer: Reply) -> None:
    assert RULES.items() <= answer.headers.items()
    policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not [rule for rule in policy.values() if "unsafe" in rule or "*" in rule or "http" in rule]


def test_every_answer_carries_the_rules_for_the_browser(page: Served, guarded: Served) -> None:
    mark = page.ask("/static/main.js").headers["etag"]
    same = page.ask("/static/main.js", if_none_match=mark)
    assert (same.status, same.body) == (304, b"")
    answers = [
        same,
        page.ask("/", host="evil.example"),
        page.ask("/", "POST"),
        guarded.ask("/"),
        guarded.ask(f"/?token={QUOTED}"),
        *map(page.ask, ("/", "/run", "/compare", "/static/main.js", "/static/sheet.css", "/static/vendor/uPlot.js",
                        "/none", "/static/none", "/api/runs", "/api/run?run=none", "/api/charts?run=dpo.jsonl&from=x",
                        "/api/compare", "/events?list", "/report?run=dpo.jsonl")),
    ]  # fmt: skip
    assert {answer.status for answer in answers} == {200, 303, 304, 401, 404, 405, 421, 422}
    for answer in answers:
        obeys(answer)


def test_a_mistake_of_ours_carries_them_too(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("words of a log")

    monkeypatch.setattr("barograph.web.room.Room.runs", fails)
    answer = page.ask("/api/runs")
    assert answer.status == 500
    assert b"words of a log" not in answer.body
    obeys(answer)


# Nothing outside


@pytest.mark.parametrize(
    "target",
    ["/static/../app.py", "/static/../../charts/report.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py",
     "/static/vendor/../../app.py", "/static/vendor/..%2f..%2fapp.py", "/static//etc/passwd", "/static/%2fetc/passwd",
     "/static/..%5capp.py", "/static/....//app.py", "/static/main.js%00.css", "/static/", "/static", "/static/vendor",
     "/../passwd", "//passwd", "/%2e%2e/passwd", "/../../../../../../etc/passwd", "/static/%252e%252e/app.py"],
)  # fmt: skip
def test_no_path_leads_out_of_the_files_of_the_page(page: Served, target: str) -> None:
    answer = page.ask(target)
    assert answer.status == 404
    assert b"import" not in answer.body
    assert b"root" not in answer.body


@pytest.mark.parametrize(
    "key",
    ["../passwd", "../secret.jsonl", "..%2Fsecret.jsonl", "../../../../etc/passwd", "/etc/passwd",
     "{home}/secret.jsonl", "{home}/runs/dpo.jsonl", "file://{home}/secret.jsonl", "out.jsonl",
     "away/secret.jsonl", "away/passwd", "away", "dpo.jsonl%00", "%00", "", ".", "..",
     "dpo.jsonl/../../secret.jsonl", "../secret.jsonl%231", "%2523", "-", "*", "https://evil.example/log.jsonl",
     "%ED%A0%80", "a" * 5000],
)  # fmt: skip
@pytest.mark.parametrize("what", ["/api/run", "/api/charts", "/api/samples", "/report", "/api/compare"])
def test_only_what_lies_in_the_folder_can_be_asked_for(page: Served, runs: Path, what: str, key: str) -> None:
    asked = key.format(home=runs.parent)
    answer = page.ask(f"{what}?run={asked}&chart=secret" + ("&run=dpo.jsonl" if what == "/api/compare" else ""))
    assert answer.status == 404
    assert "is no run in this folder" in answer.json["trouble"]
    assert b"4711" not in answer.body
    assert SECRET.encode() not in answer.body
    assert [one["key"] for one in page.ask("/api/runs").json["runs"]] in ([], ["dpo.jsonl"])
