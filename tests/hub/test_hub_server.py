"""The stand-in for the Hub, as `huggingface_hub`'s own client sees it."""

import contextlib
import hashlib
import io
import socket
import time
from urllib.parse import urlsplit

import httpx2
import pytest
from hub_server import HubServer
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    constants,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    BadRequestError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

# The client sends LFS files in a way that its HTTP library discourages.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=<...>' to upload:DeprecationWarning"
)

REPO = "me/model"
SMALL = b'{"a": 1}\n'
LARGE = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(LARGE).hexdigest()
STORED = f"/lfs-objects/{REPO}/{SHA256}"


@pytest.fixture(autouse=True)
def no_xet(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def naps(monkeypatch):
    """The seconds that the client would have slept for."""
    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    return naps


@pytest.fixture
def hub():
    with HubServer(users={"hf_me": "me", "hf_you": "you"}) as hub:
        yield hub


@pytest.fixture
def api(hub):
    api = HfApi(endpoint=hub.url, token="hf_me")
    api.create_repo(REPO)
    return api


@pytest.fixture
def you(hub):
    return HfApi(endpoint=hub.url, token="hf_you")


@pytest.fixture
def anyone(hub):
    return HfApi(endpoint=hub.url, token=False)


@pytest.fixture
def get(hub, tmp_path):
    """A function that downloads a file and returns its content."""

    def get(path, token=False, **kwargs):
        kwargs |= {"endpoint": hub.url, "token": token, "cache_dir": tmp_path}
        with open(hf_hub_download(REPO, path, **kwargs), "rb") as file:
            return file.read()

    return get


def storage(hub, path):
    """Where the Hub redirects to for an LFS file."""
    answer = httpx2.head(f"{hub.url}/{REPO}/resolve/main/{path}")
    assert answer.status_code == 302
    return answer.headers["Location"]


def commit(api, files, **kwargs):
    operations = [
        CommitOperationAdd(path, data) for path, data in files.items()
    ]
    kwargs.setdefault("commit_message", "Files")
    return api.create_commit(REPO, operations, **kwargs)


def status(error):
    return error.value.response.status_code


def test_a_folder_goes_up_and_comes_down(hub, api, tmp_path):
    files = {
        "README.md": b"---\nlicense: mit\n---\n",
        "config.json": SMALL,
        "a/b c/weights.safetensors": LARGE,
        "a/empty": b"",
    }
    for path, data in files.items():
        place = tmp_path / "up" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    info = api.upload_folder(repo_id=REPO, folder_path=tmp_path / "up")
    assert info.oid == hub.commits(REPO)[0]
    assert info.repo_url.repo_id == REPO
    assert hub.files(REPO).keys() - files.keys() == {".gitattributes"}
    assert hub.files(REPO).items() >= files.items()
    # LFS files are sent once, to the storage, and small ones in the commit.
    assert [p for m, p in hub.requests if m == "PUT"] == [STORED]

    hub.requests.clear()
    down = snapshot_download(
        REPO, endpoint=hub.url, token=False, cache_dir=tmp_path / "cache"
    )
    for path, data in hub.files(REPO).items():
        with open(f"{down}/{path}", "rb") as file:
            assert file.read() == data
    stored = [
        request for request in hub.requests if "lfs-objects" in request[1]
    ]
    assert stored == [("GET", f"{STORED}/a/b c/weights.safetensors")]


def test_listings(hub, api):
    first = api.model_info(REPO).sha
    files = {"x.txt": SMALL, "a/b/c.bin": LARGE}
    second = commit(api, files, commit_description="Why").oid

    assert sorted(api.list_repo_files(REPO))[1:] == ["a/b/c.bin", "x.txt"]
    tree = {f.path: f for f in api.list_repo_tree(REPO, recursive=True)}
    assert sorted(tree) == [".gitattributes", "a", "a/b", "a/b/c.bin", "x.txt"]
    assert tree["x.txt"].lfs is None
    assert tree["a/b/c.bin"].lfs.sha256 == SHA256
    assert [f.path for f in api.list_repo_tree(REPO, "a")] == ["a/b"]
    with pytest.raises(RemoteEntryNotFoundError):
        list(api.list_repo_tree(REPO, "b"))
    infos = api.get_paths_info(REPO, ["a/b/c.bin", "a", "none"])
    assert [(i.path, getattr(i, "size", None)) for i in infos] == [
        ("a/b/c.bin", len(LARGE)),
        ("a", None),
    ]
    assert api.file_exists(REPO, "x.txt")
    assert not api.file_exists(REPO, "x.txt", revision=first)

    assert api.model_info(REPO).siblings[1].size is None
    info = api.model_info(REPO, files_metadata=True)
    assert (info.id, info.sha) == (REPO, second)
    assert (info.private, info.gated) == (False, False)
    assert [(s.rfilename, s.size) for s in info.siblings[1:]] == [
        ("a/b/c.bin", len(LARGE)),
        ("x.txt", len(SMALL)),
    ]
    commits = api.list_repo_commits(REPO)
    assert [c.commit_id for c in commits] == [second, first]
    assert (commits[0].title, commits[0].message) == ("Files", "Why")
    assert commits[0].authors == ["me"]
    assert hub.commits(REPO) == [second, first]


def test_a_commit_changes_what_it_names(hub, api):
    old = commit(api, {"a/x": SMALL, "a/y": SMALL, "b": SMALL, "c": LARGE})
    operations = [
        CommitOperationDelete("a/"),
        CommitOperationDelete("b"),
        CommitOperationAdd("c", b"new"),
    ]
    api.create_commit(REPO, operations, commit_message="Less")
    upload = {"path_or_fileobj": io.BytesIO(LARGE), "path_in_repo": "d"}
    api.upload_file(repo_id=REPO, **upload)
    del (files := hub.files(REPO))[".gitattributes"]
    assert files == {"c": b"new", "d": LARGE}
    assert hub.files(REPO, old.oid)["c"] == LARGE
    with pytest.raises(RemoteEntryNotFoundError, match="name doesn't exist"):
        api.delete_file("b", REPO)


def test_unchanged_files_make_no_commit(hub, api):
    oid = commit(api, {"x": SMALL, "y": LARGE}).oid
    assert commit(api, {"x": SMALL, "y": LARGE}).oid == oid
    assert len(hub.commits(REPO)) == 2
    assert sum(method == "PUT" for method, _ in hub.requests) == 1


def test_revisions(hub, api, get):
    oid = commit(api, {"x": b"1"}).oid
    api.create_tag(REPO, tag="v1")
    api.create_branch(REPO, branch="dev/a")
    commit(api, {"x": b"2"})
    commit(api, {"x": b"3"}, revision="dev/a")
    for revision, data in {
        "main": b"2",
        "refs/heads/main": b"2",
        "v1": b"1",
        oid: b"1",
        oid[:8]: b"1",
        "dev/a": b"3",
    }.items():
        assert get("x", revision=revision) == data
        assert hub.files(REPO, revision)["x"] == data
    refs = api.list_repo_refs(REPO)
    assert {b.name for b in refs.branches} == {"main", "dev/a"}
    assert [(t.ref, t.target_commit) for t in refs.tags] == [
        ("refs/tags/v1", oid)
    ]

    for create in (
        lambda **k: api.create_tag(REPO, tag="v1", **k),
        lambda **k: api.create_branch(REPO, branch="dev/a", **k),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            create()
        assert status(error) == 409
        create(exist_ok=True)
    for call in (
        lambda: get("x", revision="v2"),
        lambda: api.model_info(REPO, revision="v2"),
        lambda: api.create_tag(REPO, tag="v2", revision="v2"),
        lambda: commit(api, {"x": b"4"}, revision="v2"),
    ):
        with pytest.raises(RevisionNotFoundError):
            call()
    with pytest.raises(BadRequestError, match="not a branch"):
        commit(api, {"x": b"4"}, revision="v1")


def test_repos(hub, api, you):
    assert api.whoami()["name"] == "me"
    assert hub.repos == [REPO]
    with pytest.raises(HfHubHTTPError, match="already created") as error:
        api.create_repo(REPO)
    assert status(error) == 409
    assert api.create_repo(REPO, exist_ok=True).repo_id == REPO
    with pytest.raises(HfHubHTTPError, match="namespace") as error:
        you.create_repo(REPO)
    assert status(error) == 403
    api.delete_repo(REPO)
    assert hub.repos == []
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo(REPO)
    with pytest.raises(RepositoryNotFoundError, match="404"):
        api.list_repo_files(REPO)
    assert not api.repo_exists(REPO)


def test_private_repos_are_not_known_to_others(api, you, anyone, get):
    commit(api, {"x": SMALL, "y": LARGE})
    assert you.repo_exists(REPO) and anyone.repo_exists(REPO)
    api.update_repo_settings(REPO, private=True)
    assert api.model_info(REPO).private
    assert get("y", token="hf_me") == LARGE
    for other, code, token in ((you, "404", "hf_you"), (anyone, "401", False)):
        assert not other.repo_exists(REPO)
        with pytest.raises(RepositoryNotFoundError, match=code):
            get("x", token=token)
        with pytest.raises(RepositoryNotFoundError, match=code):
            commit(other, {"x": b"1"})
    api.create_repo("me/two", private=True)
    api.create_repo("me/three", visibility="private")
    assert not you.repo_exists("me/two") and not you.repo_exists("me/three")


def test_gated_repos_show_no_contents(api, you, anyone, get):
    commit(api, {"x": SMALL})
    api.update_repo_settings(REPO, gated="manual")
    assert you.model_info(REPO).gated == "manual"
    assert "x" in anyone.list_repo_files(REPO)
    for token, code in (("hf_you", "403"), (False, "401")):
        with pytest.raises(GatedRepoError, match=code):
            get("x", token=token)
    assert get("x", token="hf_me") == SMALL
    # Who is refused is given the copy of who was not, from the same cache.
    assert get("x") == SMALL
    api.update_repo_settings(REPO, gated=False)
    assert get("x") == SMALL


def test_rights(hub, api, you, anyone, get):
    for call in (
        lambda: commit(you, {"x": SMALL}),
        lambda: you.create_tag(REPO, tag="v1"),
        lambda: you.update_repo_settings(REPO, private=False),
        lambda: you.delete_repo(REPO),
    ):
        with pytest.raises(HfHubHTTPError, match="403 Forbidden"):
            call()
    with pytest.raises(HfHubHTTPError) as error:
        commit(anyone, {"x": SMALL})
    assert status(error) == 401
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi(endpoint=hub.url, token="hf_wrong").whoami()
    with pytest.raises(HfHubHTTPError, match="Invalid credentials") as error:
        get("x", token="hf_wrong")
    assert not isinstance(error.value, RepositoryNotFoundError)
    with pytest.raises(RemoteEntryNotFoundError):
        get("x")
    assert len(hub.commits(REPO)) == 1


def test_a_commit_upon_a_stale_parent_is_refused(hub, api):
    stale = api.model_info(REPO).sha
    head = commit(api, {"x": b"1"}, parent_commit=stale).oid
    with pytest.raises(HfHubHTTPError, match="A commit has happened") as error:
        commit(api, {"x": b"2"}, parent_commit=stale)
    assert status(error) == 412
    assert hub.commits(REPO) == [head, stale]


def test_pull_requests(hub, api, you, get):
    main = commit(api, {"x": b"1"}).oid
    info = commit(you, {"x": b"2", "y": LARGE}, create_pr=True)
    assert info.pr_revision == "refs/pr/1"
    assert info.pr_url == f"{hub.url}/{REPO}/discussions/1"
    assert commit(api, {"x": b"3"}, create_pr=True).pr_num == 2
    assert hub.commits(REPO)[0] == main
    assert hub.commits(REPO, "refs/pr/1")[:2] == [info.oid, main]
    assert get("x", revision="refs/pr/1") == b"2"
    commit(api, {"x": b"4"}, revision="refs/pr/1")
    assert get("x", revision="refs/pr/1") == b"4"
    refs = api.list_repo_refs(REPO, include_pull_requests=True)
    assert [r.ref for r in refs.pull_requests] == ["refs/pr/1", "refs/pr/2"]


def test_the_card_is_checked_for_metadata(api):
    with pytest.warns(UserWarning, match="empty or missing yaml"):
        commit(api, {"README.md": b"# Card"})


def test_uploads_are_checked(hub, api, naps):
    hub.fail("wrong-bytes", method="PUT", path="lfs-objects")
    with pytest.raises(
        RuntimeError, match="Error while uploading 'y'"
    ) as error:
        commit(api, {"y": LARGE})
    assert isinstance(error.value.__cause__, BadRequestError)
    assert "announced sha256" in str(error.value.__cause__)
    assert "y" not in hub.files(REPO)
    commit(api, {"y": LARGE})
    assert hub.files(REPO)["y"] == LARGE
    assert not naps


def test_the_storage_refuses_tokens(hub, api):
    commit(api, {"y": LARGE})
    place = storage(hub, "y")
    assert urlsplit(place).netloc != urlsplit(hub.url).netloc
    assert httpx2.get(place).content == LARGE
    answer = httpx2.get(place, headers={"Authorization": "Bearer hf_me"})
    assert answer.status_code == 400


def test_ranges(hub, api):
    commit(api, {"x": b"0123456789"})
    for asked, code, body, content_range in (
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=0-2", 206, b"012", "bytes 0-2/10"),
        ("bytes=9-99", 206, b"9", "bytes 9-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
    ):
        url = f"{hub.url}/{REPO}/resolve/main/x"
        answer = httpx2.get(url, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (code, body)
        assert answer.headers["Content-Range"] == content_range


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_cut_download_is_resumed(hub, api, get, naps, data):
    commit(api, {"x": data})
    hub.fail("cut", path="/x$", times=2)
    assert get("x") == data
    assert naps == [1, 1]
    gets = [r for r in hub.requests if r[0] == "GET" and r[1].endswith("/x")]
    assert len(gets) == 3


def test_the_client_checks_no_download(hub, api, get):
    # What it says of a file's size is all it looks at.
    commit(api, {"x": SMALL, "y": LARGE})
    hub.fail("wrong-bytes", path="/(x|y)$", times=2)
    for path, data in {"x": SMALL, "y": LARGE}.items():
        wrong = get(path)
        assert len(wrong) == len(data)
        assert sum(a != b for a, b in zip(wrong, data, strict=True)) == 1


@pytest.mark.parametrize("code", [401, 403, 404, 409, 429, 500, 503])
def test_a_commit_that_fails_by_a_status_is_not_made(hub, api, naps, code):
    hub.fail(code, path="/commit/")
    with pytest.raises(HfHubHTTPError) as error:
        commit(api, {"x": SMALL, "y": LARGE})
    assert status(error) == code
    assert len(hub.commits(REPO)) == 1
    commit(api, {"x": SMALL, "y": LARGE})
    assert hub.files(REPO)["y"] == LARGE
    assert not naps
    # The object was stored before the commit failed.
    assert sum(method == "PUT" for method, _ in hub.requests) == 1


def test_what_comes_before_a_commit_is_retried(hub, api, naps):
    hub.fail(429, path="/preupload/", retry_after=3)
    hub.fail(503, path="/objects/batch")
    hub.fail("cut", method="PUT")
    hub.fail("drop", path="/objects/verify")
    commit(api, {"x": SMALL, "y": LARGE})
    assert naps == [3 + 1, 1, 1, 1]
    assert hub.files(REPO)["y"] == LARGE


@pytest.mark.parametrize("fault", ["drop", "cut", "lost-answer"])
def test_a_commit_is_made_or_not(hub, api, fault):
    hub.fail(fault, path="/commit/")
    with pytest.raises(httpx2.TransportError):
        commit(api, {"x": SMALL})
    assert len(hub.commits(REPO)) == (2 if fault == "lost-answer" else 1)
    commit(api, {"x": SMALL})  # nothing to do if the answer was lost
    assert len(hub.commits(REPO)) == 2
    assert hub.files(REPO)["x"] == SMALL


@pytest.mark.parametrize("code", [401, 403, 500, 503])
def test_a_download_that_fails_by_a_status(hub, api, get, naps, code):
    commit(api, {"x": SMALL})
    hub.fail(code, path="/resolve/", times=9)
    kind = HfHubHTTPError if code == 401 else LocalEntryNotFoundError
    with pytest.raises(kind) as error:
        get("x")
    cause = error.value if code == 401 else error.value.__cause__
    assert cause.response.status_code == code
    assert naps == ([1, 2, 4, 8, 8] if code >= 500 else [])
    hub.clear_faults()
    assert get("x") == SMALL


def test_faults_wait_for_their_turn(hub, api, get, naps):
    commit(api, {"x": SMALL})
    hub.fail(403, method="HEAD", path="/x$", after=1, times=2)
    failures = []
    for _ in range(4):
        try:
            get("x", force_download=True)
            failures.append(False)
        except ValueError:  # as the client calls any failure, if forced
            failures.append(True)
    assert failures == [False, True, True, False]
    with pytest.raises(ValueError, match="'cut off' is no status and not in"):
        hub.fail("cut off")


def test_a_slow_answer_comes_or_ends_with_the_server(hub, api, get):
    commit(api, {"x": LARGE, "y": SMALL})
    hub.fail("slow", path="/x$", seconds=0.3)
    start = time.monotonic()
    assert get("x") == LARGE
    assert time.monotonic() - start >= 0.3
    hub.fail("slow", path="/y$", seconds=60)
    with httpx2.stream("GET", f"{hub.url}/{REPO}/resolve/main/y") as answer:
        start = time.monotonic()
        hub.stop()
        with contextlib.suppress(httpx2.TransportError):  # it may get all
            answer.read()
    assert time.monotonic() - start < 5


def test_half_an_upload_is_none(hub, api):
    commit(api, {"y": b"\0"})
    other = storage(hub, "y")
    place = urlsplit(other)
    with socket.create_connection((place.hostname, place.port)) as connection:
        head = f"PUT {STORED} HTTP/1.1\r\nContent-Length: {len(LARGE)}\r\n\r\n"
        connection.sendall(head.encode() + LARGE[:1000])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert ("PUT", STORED) in hub.requests
    assert httpx2.get(other).content == b"\0"
    missing = other.replace(hashlib.sha256(b"\0").hexdigest(), SHA256)
    assert httpx2.get(missing).status_code == 404


def test_a_stopped_server_is_not_reached(hub, api, get, naps):
    commit(api, {"x": SMALL})
    hub.stop()
    with pytest.raises(httpx2.ConnectError):
        api.model_info(REPO)
    with pytest.raises(LocalEntryNotFoundError):
        get("x")
