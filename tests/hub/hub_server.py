"""A server that stands in for the Hugging Face Hub in tests.

`huggingface_hub` itself runs against it, unmocked:

    with HubServer(users={"hf_token": "me"}) as hub:
        HfApi(endpoint=hub.url, token="hf_token").create_repo("me/model")

A process of its own finds it by `HF_ENDPOINT=hub.url`, and Xet has to be off
(`HF_HUB_DISABLE_XET=1`, or `huggingface_hub.constants.HF_HUB_DISABLE_XET`).

What it speaks is written from the sources of that client, version 2.4.0, and
serves, for models: who one is; creating, deleting and setting up repos; their
facts, files, commits and refs; commits to a branch or as a pull request; LFS
uploads in one piece; branches and tags; downloads, whole or in part. A second
port plays the storage of LFS files: the Hub redirects there, and the client
has to leave its token behind.

What it lacks: Xet, datasets and spaces, uploads in parts, pages of long lists,
copies, discussions, access requests, a YAML parser, heed to `.gitattributes`
and `.gitignore`, TLS, signed addresses, and rights finer than a name. To those
who may not know of a repo the Hub says 401 without an error code, which the
client understands by its https; here the code is sent.
"""

import base64
import contextlib
import hashlib
import json
import re
import socket
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import parse_qs, quote, unquote, urlsplit

_GITATTRIBUTES = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
#: Files from this size on go to LFS, and binary ones.
_LFS_SIZE = 10_000_000


class HubServer(contextlib.AbstractContextManager):
    """A Hub on 127.0.0.1, in memory, from its making to `stop()`.

    Args:
        users: The user of each token. Users read and write what is under
            their own name. Of the rest, they and anonymous clients read what
            is public, but no files of gated repos.

    Attributes:
        url: The endpoint, for `HfApi(endpoint=...)` or `HF_ENDPOINT`.
        requests: Every request's `(method, path)`, unquoted, without query;
            may be cleared. LFS files are PUT to `/lfs-objects/me/model/SHA256`
            and got from `/lfs-objects/me/model/SHA256/PATH`.
    """

    def __init__(self, users):
        self.users = dict(users)
        self.requests = []
        self._by_id = {}
        self._faults = []
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._ports = [_Port(self), _Port(self)]
        self.url, self._storage_url = (port.url for port in self._ports)

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends the server and every open connection to it."""
        self._stopped.set()
        for port in self._ports:
            port.stop()

    @property
    def repos(self):
        """The names of all repos."""
        return sorted(self._by_id)

    def files(self, repo_id, revision="main"):
        """The contents of all files, by path."""
        files = self._by_id[repo_id].find(revision).files
        return {path: blob.data for path, blob in files.items()}

    def commits(self, repo_id, revision="main"):
        """The ids of a revision and its ancestors, newest first."""
        repo = self._by_id[repo_id]
        return [commit.oid for commit in repo.history(repo.find(revision))]

    def fail(self, fault, **which):
        """Makes coming requests fail; the arguments are those of `Fault`."""
        self._faults.append(Fault(fault, **which))

    def clear_faults(self):
        """Lets all coming requests succeed."""
        self._faults.clear()

    def _fault_of(self, method, path):
        with self._lock:
            striking = (f for f in self._faults if f.strikes(method, path))
            return next(striking, None)


@dataclass
class Fault:
    """A way to fail, and for which requests; the first that fits is taken.

    Args:
        fault: A status to answer with, or `"drop"`: the connection ends
            without an answer; both before anything is done. `"lost-answer"`:
            it ends when all is done. `"cut"`: it ends halfway through the
            request's body or, if that is empty, the answer's. `"slow"`: a
            rest of `seconds` at that place. `"wrong-bytes"`: a byte of what is
            PUT, or else of the answer, changes on the way. The last three
            concern contents and let HEAD pass.
        path: A regular expression to be found in `HubServer.requests`' path.
        method: As `"GET"`; None is all.
        times: How many fail.
        after: How many succeed before.
        retry_after: The seconds that a 429 asks to wait for.
        seconds: The length of a rest.
    """

    fault: int | str
    path: str = ""
    method: str | None = None
    times: int = 1
    after: int = 0
    retry_after: int = 0
    seconds: float = 0.0

    def __post_init__(self):
        kinds = ("drop", "lost-answer", "cut", "slow", "wrong-bytes")
        if not isinstance(self.fault, int) and self.fault not in kinds:
            raise ValueError(f"{self.fault!r} is no status and not in {kinds}.")

    def strikes(self, method, path):
        """Whether it is this request's turn to fail; counts it."""
        if method == "HEAD" and self.fault in ("cut", "slow", "wrong-bytes"):
            return False
        if self.method not in (None, method) or not re.search(self.path, path):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


# What is stored: a repo is commits that never change, and refs to them.


class _Blob:
    """A file's content, which git holds or, by a pointer, LFS."""

    def __init__(self, data, lfs=False):
        self.data = held = data
        sha256 = hashlib.sha256(data).hexdigest()
        self.lfs = None
        if lfs:
            held = b"version https://git-lfs.github.com/spec/v1\n"
            held += f"oid sha256:{sha256}\nsize {len(data)}\n".encode()
            self.lfs = {"oid": sha256, "sha256": sha256, "size": len(data)}
            self.lfs["pointerSize"] = len(held)
        self.oid = _sha1(b"blob %d\0" % len(held) + held)
        #: What the client names its copy by, and knows a change by.
        self.etag = sha256 if lfs else self.oid
        self.facts = {"oid": self.oid, "blobId": self.oid}
        self.facts |= {"size": len(data), "lfs": self.lfs}


@dataclass(frozen=True)
class _Commit:
    oid: str
    parent: str | None
    files: dict
    facts: dict  # that listings give

    def paths(self):
        """All files and folders."""
        folders = {f for p in self.files for f in PurePosixPath(p).parents}
        return {*self.files, *map(str, folders)} - {"."}

    def entry(self, path):
        """What listings say of a file or a folder."""
        if path in self.files:
            return {"type": "file", "path": path} | self.files[path].facts
        inside = [p for p in self.files if p.startswith(path + "/")]
        content = json.dumps([(p, self.files[p].oid) for p in sorted(inside)])
        oid = _sha1(content.encode())
        return {"type": "directory", "path": path, "oid": oid}


@dataclass
class _Repo:
    id: str
    private: bool
    gated: str | bool = False
    commits: dict = field(default_factory=dict)
    refs: dict = field(default_factory=dict)
    objects: dict = field(default_factory=dict)  # LFS uploads by sha256

    def find(self, revision):
        """The commit of a branch, a tag, a full ref, or the start of an id."""
        for prefix in ("refs/heads/", "refs/tags/", ""):
            if prefix + revision in self.refs:
                return self.commits[self.refs[prefix + revision]]
        found = [oid for oid in self.commits if oid.startswith(revision)]
        if len(found) == 1 and len(revision) >= 7:
            return self.commits[found[0]]
        raise _refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def commit(self, ref, parent, files, user, title, message=""):
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        facts = {"title": title, "message": message, "date": date}
        facts["authors"] = [{"user": user}]
        content = [parent, facts, {p: b.oid for p, b in files.items()}]
        facts["id"] = oid = _sha1(json.dumps([self.id, ref, content]).encode())
        self.commits[oid] = _Commit(oid, parent, files, facts)
        self.refs[ref] = oid
        return oid

    def history(self, commit):
        while commit is not None:
            yield commit
            commit = self.commits.get(commit.parent)

    def changed(self, files, operations):
        """The files after a commit's operations."""
        files = dict(files)
        for operation in operations:
            key, value = operation["key"], operation["value"]
            path = value["path"]
            if key == "file":
                files[path] = _Blob(base64.b64decode(value["content"]))
            elif key == "lfsFile" and value["oid"] in self.objects:
                files[path] = _Blob(self.objects[value["oid"]], lfs=True)
            elif key in ("deletedFile", "deletedFolder"):
                gone = [path] if path in files else []
                if key == "deletedFolder":
                    folder = path.rstrip("/") + "/"
                    gone = [p for p in files if p.startswith(folder)]
                if not gone:
                    message = "A file with this name doesn't exist"
                    raise _refusal(404, message, "EntryNotFound")
                for name in gone:
                    del files[name]
            else:
                raise _refusal(400, f"{path}: no such operation, or LFS object")
        return files


def _sha1(data):
    return hashlib.sha1(data).hexdigest()


# What is answered.


class _Answer(Exception):
    """Returned, or raised where it is known."""

    def __init__(self, status, body, headers):
        self.status = status
        self.body = body
        self.headers = headers


def _refusal(status, message, code=None, **headers):
    """An answer of which the client makes an exception."""
    headers["X-Error-Message"] = message
    if code is not None:
        headers["X-Error-Code"] = code
    return _Answer(status, json.dumps({"error": message}).encode(), headers)


_ROUTES = []


def _route(address, to="read"):
    """Makes a method the answer to an address.

    Its `{repo}` is handed on as the repo, if the user is allowed `to` do that
    with it; its `{commit}` as the commit; its `{name}` and `{path}` as text.
    """
    names = {name: f"(?P<{name}>[^/]+)" for name in ("commit", "name")}
    names |= {"repo": "(?P<repo>[^/]+/[^/]+)", "path": "(?P<path>.+)"}
    pattern = re.compile(address.format(**names))

    def register(function):
        _ROUTES.append((pattern, to, function))
        return function

    return register


class _Routes:
    """The Hub's answers to a request: its user, its query, its body."""

    def answer(self, request):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.user = self.hub.users.get(token)
        if token and self.user is None:
            raise _refusal(401, "Invalid credentials in Authorization header")
        for pattern, to, function in _ROUTES:
            if match := pattern.fullmatch(request):
                found = match.groupdict(default="")
                found = {name: unquote(text) for name, text in found.items()}
                if "repo" in found:
                    found["repo"] = self.allowed(found["repo"], to)
                if "commit" in found:
                    revision = found["commit"] or "main"
                    found["commit"] = found["repo"].find(revision)
                return function(self, **found)
        raise _refusal(404, f"This stand-in does not know {request}")

    def allowed(self, repo_id, to):
        """The repo, if the user may `read`, `load`, `propose`, `write` there.

        Nobody else learns of a private one: the answer is a missing one's. To
        `store` takes an address and no token.
        """
        repo = self.hub._by_id.get(repo_id)
        owner = self.user == repo_id.split("/")[0]
        if to == "store" and "Authorization" in self.headers:
            raise _refusal(400, "Only one auth mechanism allowed")
        if repo is None or repo.private and not owner and to != "store":
            status = 401 if self.user is None else 404
            raise _refusal(status, f"No repo {repo_id}", "RepoNotFound")
        status = 401 if self.user is None else 403
        if to == "load" and repo.gated and not owner:
            message = f"Access to model {repo_id} is restricted."
            raise _refusal(status, message, "GatedRepo")
        if to == "write" and "create_pr" in self.query:
            to = "propose"
        if to == "write" and not owner or to == "propose" and not self.user:
            raise _refusal(status, "Authorization error.")
        return repo

    def json(self):
        return json.loads(self.body)

    @_route("GET /api/whoami-v2")
    def whoami(self):
        if self.user is None:
            raise _refusal(401, "Invalid username or password.")
        return {"type": "user", "name": self.user, "orgs": []}

    @_route("POST /api/validate-yaml")
    def validate_yaml(self):
        warning = {"message": "empty or missing yaml metadata in repo card"}
        has_yaml = self.json()["content"].startswith("---\n")
        return {"errors": [], "warnings": [] if has_yaml else [warning]}

    @_route("POST /api/repos/create")
    def create_repo(self):
        user = self.whoami()["name"]
        owner = self.json()["organization"] or user
        if owner != user:
            raise _refusal(403, f'You may not write to the namespace "{owner}"')
        repo_id = f"{owner}/{self.json()['name']}"
        url = {"url": f"{self.hub.url}/{repo_id}"}
        if repo_id in self.hub._by_id:
            refusal = _refusal(409, "You already created this model repo")
            refusal.body = json.dumps(url).encode()
            raise refusal
        private = self.json().get("visibility") == "private"
        self.hub._by_id[repo_id] = repo = _Repo(repo_id, private)
        files = {".gitattributes": _Blob(_GITATTRIBUTES)}
        repo.commit("refs/heads/main", None, files, "system", "initial commit")
        return url

    @_route("DELETE /api/repos/delete")
    def delete_repo(self):
        owner = self.json()["organization"] or self.user
        repo = self.allowed(f"{owner}/{self.json()['name']}", "write")
        del self.hub._by_id[repo.id]
        return {}

    @_route("PUT /api/models/{repo}/settings", to="write")
    def settings(self, repo):
        repo.gated = self.json().get("gated", repo.gated)
        if "visibility" in self.json():
            repo.private = self.json()["visibility"] == "private"
        return {}

    @_route("GET /api/models/{repo}(?:/revision/{commit})?")
    def info(self, repo, commit):
        siblings = [
            {"rfilename": path} | (blob.facts if "blobs" in self.query else {})
            for path, blob in sorted(commit.files.items())
        ]
        facts = {"id": repo.id, "private": repo.private, "gated": repo.gated}
        return facts | {"sha": commit.oid, "siblings": siblings, "tags": []}

    @_route("GET /api/models/{repo}/tree/{commit}(?:/{path})?")
    def tree(self, repo, commit, path):
        start = f"{path}/" if path else ""
        paths = [p for p in sorted(commit.paths()) if p.startswith(start)]
        if path and not paths:
            raise _refusal(404, f"There is no folder {path}", "EntryNotFound")
        if self.query.get("recursive") != ["true"]:
            paths = [p for p in paths if "/" not in p.removeprefix(start)]
        return [commit.entry(p) for p in paths]

    @_route("POST /api/models/{repo}/paths-info/{commit}")
    def paths_info(self, repo, commit):
        paths = [p.rstrip("/") for p in parse_qs(self.body.decode())["paths"]]
        return [commit.entry(p) for p in paths if p in commit.paths()]

    @_route("GET /api/models/{repo}/refs")
    def refs(self, repo):
        lists = {"branches": [], "tags": [], "pullRequests": [], "converts": []}
        kinds = {"heads": "branches", "tags": "tags", "pr": "pullRequests"}
        for ref, oid in repo.refs.items():
            _, kind, name = ref.split("/", 2)
            entry = {"name": name, "ref": ref, "targetCommit": oid}
            lists[kinds[kind]].append(entry)
        return lists

    @_route("GET /api/models/{repo}/commits/{commit}")
    def commits(self, repo, commit):
        return [commit.facts for commit in repo.history(commit)]

    @_route("POST /api/models/{repo}/branch/{name}", to="write")
    def create_branch(self, repo, name):
        commit = repo.find(self.json().get("startingPoint", "main"))
        return self.new_ref(repo, f"refs/heads/{name}", commit)

    @_route("POST /api/models/{repo}/tag/{commit}", to="write")
    def create_tag(self, repo, commit):
        return self.new_ref(repo, f"refs/tags/{self.json()['tag']}", commit)

    def new_ref(self, repo, ref, commit):
        if ref in repo.refs:
            raise _refusal(409, f"Reference {ref} exists already")
        repo.refs[ref] = commit.oid
        return {}

    @_route("POST /api/models/{repo}/preupload/{commit}", to="write")
    def preupload(self, repo, commit):
        answers = []
        for file in self.json()["files"]:
            binary = b"\0" in base64.b64decode(file["sample"])
            mode = "lfs" if binary or file["size"] >= _LFS_SIZE else "regular"
            answer = {"path": file["path"], "uploadMode": mode}
            if file["path"] in commit.files:
                # By this the client leaves out what has not changed.
                answer["oid"] = commit.files[file["path"]].etag
            answers.append(answer | {"shouldIgnore": False})
        return {"files": answers}

    @_route("POST /api/models/{repo}/commit/{name}", to="write")
    def commit(self, repo, name):
        header, *operations = map(json.loads, self.body.splitlines())
        header, base = header["value"], repo.find(name)
        parent = header.get("parentCommit", base.oid)
        page = f"{self.hub.url}/{repo.id}"
        answer = {}
        ref = name if name.startswith("refs/pr/") else f"refs/heads/{name}"
        if "create_pr" in self.query:
            number = 1 + sum(ref.startswith("refs/pr/") for ref in repo.refs)
            base, ref = repo.find(parent), f"refs/pr/{number}"
            answer["pullRequestUrl"] = f"{page}/discussions/{number}"
        elif ref not in repo.refs:
            raise _refusal(400, f"{name} is not a branch")
        if not base.oid.startswith(parent):
            message = "A commit has happened since. Please refresh and retry."
            raise _refusal(412, message)
        files = repo.changed(base.files, operations)
        words = header["summary"], header["description"]
        oid = repo.commit(ref, base.oid, files, self.user, *words)
        return answer | {"commitOid": oid, "commitUrl": f"{page}/commit/{oid}"}

    @_route(r"POST /{repo}\.git/info/lfs/objects/batch", to="propose")
    def lfs_batch(self, repo):
        if "ref" in self.json():  # the client leaves it out of a pull request
            self.allowed(repo.id, "write")
        verify = f"{self.hub.url}/{repo.id}.git/info/lfs/objects/verify"
        objects = self.json()["objects"]
        for entry in objects:
            if entry["oid"] not in repo.objects:
                upload = self.storage_url(repo, entry["oid"])
                entry["actions"] = {"upload": {"href": upload}}
                entry["actions"]["verify"] = {"href": verify}
        return {"transfer": "basic", "objects": objects}

    @_route(r"POST /{repo}\.git/info/lfs/objects/verify", to="propose")
    def lfs_verify(self, repo):
        data = repo.objects.get(self.json()["oid"])
        if data is None or len(data) != self.json()["size"]:
            raise _refusal(404, "There is no such object of this size")
        return {}

    def storage_url(self, repo, place):
        return f"{self.hub._storage_url}/lfs-objects/{repo.id}/{quote(place)}"

    @_route("PUT /lfs-objects/{repo}/{name}", to="store")
    def lfs_upload(self, repo, name):
        if hashlib.sha256(self.body).hexdigest() != name:
            raise _refusal(400, "The content has not the announced sha256")
        repo.objects[name] = self.body
        return {}

    @_route("GET /lfs-objects/{repo}/{name}/{path}", to="store")
    def lfs_download(self, repo, name, path):
        if name not in repo.objects:
            raise _refusal(404, "There is no such object")
        return self.content(repo.objects[name], {"ETag": f'"{name}"'})

    @_route("GET /{repo}/resolve/{commit}/{path}", to="load")
    def resolve(self, repo, commit, path):
        headers = {"X-Repo-Commit": commit.oid}
        if path not in commit.files:
            raise _refusal(404, "Entry not found", "EntryNotFound", **headers)
        blob = commit.files[path]
        if blob.lfs is None:
            return self.content(blob.data, headers | {"ETag": f'"{blob.oid}"'})
        headers["Location"] = self.storage_url(repo, f"{blob.etag}/{path}")
        headers["X-Linked-Etag"] = f'"{blob.etag}"'
        headers["X-Linked-Size"] = len(blob.data)
        return _Answer(302, b"", headers)

    def content(self, data, headers):
        """All of it, or the bytes that are asked for."""
        header = self.headers.get("Range", "")
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", header)
        if asked is None:
            return _Answer(200, data, headers)
        size = len(data)
        start, end = int(asked[1]), min(int(asked[2] or size), size - 1)
        if start > end:
            return _Answer(416, b"", {"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
        return _Answer(206, data[start : end + 1], headers)


# How it travels.


class _Connection(_Routes, BaseHTTPRequestHandler):
    """Receives requests and answers them, or fails to."""

    protocol_version = "HTTP/1.1"
    # Or an answer's body waits for the client to confirm its headers.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle_request(self):
        self.hub = self.server.hub
        address = urlsplit(self.path)
        self.query = parse_qs(address.query)
        request = self.command, unquote(address.path)
        self.hub.requests.append(request)
        self.fault = self.hub._fault_of(*request)
        self.kind = self.fault.fault if self.fault else None
        try:
            self.receive()
            if self.kind == "drop":
                raise ConnectionAbortedError
            answer = self.carry_out(address.path)
            if self.kind == "lost-answer":
                raise ConnectionAbortedError
            self.send(answer)
        except ConnectionError:
            self.close_connection = True

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = handle_request

    def receive(self):
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length // 2)
        if length:
            self.halfway()
        self.body += self.rfile.read(length - length // 2)
        if len(self.body) < length:  # the client is gone
            raise ConnectionAbortedError
        if self.command == "PUT":
            self.body = self.perhaps_wrong(self.body)

    def carry_out(self, path):
        if isinstance(self.kind, int):
            refusal = _refusal(self.kind, f"A {self.kind} from a test")
            if self.kind == 429:
                refusal.headers["Retry-After"] = self.fault.retry_after
            return refusal
        method = "GET" if self.command == "HEAD" else self.command
        try:
            with self.hub._lock:
                answer = self.answer(f"{method} {path}")
        except _Answer as refusal:
            return refusal
        if isinstance(answer, _Answer):
            return answer
        return _Answer(200, json.dumps(answer).encode(), {})

    def send(self, answer):
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", len(answer.body))
        self.end_headers()
        if self.command == "HEAD":
            return
        body, half = answer.body, len(answer.body) // 2
        if self.command != "PUT":
            body = self.perhaps_wrong(body)
        self.wfile.write(body[:half])
        if not self.body:
            self.halfway()
        self.wfile.write(body[half:])

    def halfway(self):
        if self.kind == "cut":
            raise ConnectionAbortedError
        if self.kind == "slow":
            self.hub._stopped.wait(self.fault.seconds)

    def perhaps_wrong(self, data):
        if not data or self.kind != "wrong-bytes":
            return data
        half = len(data) // 2
        return data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]


class _Port(ThreadingHTTPServer):
    """A port, and the thread that accepts connections to it."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, hub):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.hub = hub
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._connections = []
        # By the interval it notices a stop.
        start = threading.Thread(target=self.serve_forever, args=(0.02,))
        start.daemon = True
        start.start()

    def stop(self):
        self.shutdown()
        self.server_close()
        # A client keeps its connections for more requests.
        for connection in self._connections:
            with contextlib.suppress(OSError):  # closed before
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request, client_address):
        self._connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        """Prints mistakes of this file; that a client goes is none."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
