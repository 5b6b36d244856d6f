"""Presets in repositories of the Hugging Face Hub: addresses, files, errors."""

import contextlib
import functools
import hashlib
import os
import pathlib
import re
from collections.abc import Iterator

from keras_aegan.hub import layout
from keras_aegan.hub.errors import (
    PresetAccessError,
    PresetConnectionError,
    PresetError,
    PresetNotFoundError,
    PresetRevisionError,
    PresetWriteError,
)
from keras_aegan.hub.sources import missing

SCHEME = "hf://"
LIBRARY = "keras-aegan"
_WRITABLE = 0o222  # by anybody


def parse_address(
    address: str, revision: str | None = None
) -> tuple[str, str | None]:
    """The repository and the revision that an address names.

    Args:
        address: `"hf://OWNER/NAME"` or `"hf://OWNER/NAME@REVISION"`.
        revision: A branch, tag or commit, if the address has none.

    Returns:
        `"OWNER/NAME"`, and the revision or `None`.

    Raises:
        PresetNotFoundError: If it is no such address, or names another
            revision than `revision`.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    repo_id, _, named = address.removeprefix(SCHEME).partition("@")
    problem = None
    if not address.startswith(SCHEME) or repo_id.count("/") != 1:
        problem = "it has other parts"
    elif "@" in address and not _is_revision(named):
        problem = f"{named!r} is not the name of a revision"
    elif named and revision not in (None, named):
        problem = f"`revision` is another, {revision!r}"
    else:
        try:
            validate_repo_id(repo_id)
        except HFValidationError as error:
            problem = str(error)
    if problem:
        raise PresetNotFoundError(
            "A preset on the Hugging Face Hub is called hf://OWNER/NAME or "
            f"hf://OWNER/NAME@REVISION. Received: {address!r}: {problem}."
        )
    return repo_id, named or revision


def _is_revision(name):
    # It becomes a part of paths in the cache.
    return bool(re.fullmatch(r"[\w.-]+(/[\w.-]+)*", name)) and ".." not in name


class Repository:
    """A preset on the Hub, whose files are fetched into the client's cache.

    All files are of one commit: the one that the revision names when the first
    of them is fetched.

    Args:
        repo_id: `"OWNER/NAME"`.
        revision: A branch, tag or commit. Defaults to the main branch.
        token: As in `huggingface_hub`: a token, `True` for the one that was
            stored by logging in, `False` for none, `None` for the client's own
            choice.
        cache_dir: The cache's folder. Defaults to the client's.
        local_files_only: Whether to use the cache alone.
    """

    def __init__(
        self,
        repo_id: str,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike | None = None,
        local_files_only: bool = False,
    ):
        self.repo_id = repo_id
        self.revision = revision
        self.token = token
        self.cache_dir = cache_dir
        self.local_files_only = local_files_only
        self._reached = False

    def __str__(self) -> str:
        at = f"@{self.revision}" if self.revision else ""
        return f"{SCHEME}{self.repo_id}{at}"

    def file(self, name: str) -> pathlib.Path:
        """The path of a file in the cache, fetched if it is not there yet."""
        if name == layout.METADATA:
            return self._metadata
        # The folder of a snapshot is named after its commit, and what is in it
        # stays so.
        path = self._metadata.with_name(name)
        return path if path.exists() else self._fetch(name, path.parent.name)

    def is_checked(self, name: str) -> bool:
        """Whether a weights file was found to be what the repository has.

        A file that was is made read-only, which the client never does. That
        needs no list that could be wrong, survives a kill, and holds for the
        very file, whoever put it into the cache.
        """
        # On Windows a read-only file could not be deleted.
        is_posix = os.name == "posix"
        return is_posix and not self.file(name).stat().st_mode & _WRITABLE

    def note_checked(self, name: str) -> None:
        path = self.file(name).resolve()
        if os.name == "posix":
            # In a cache of somebody else's the file is checked each time.
            with contextlib.suppress(OSError):
                path.chmod(path.stat().st_mode & ~_WRITABLE)

    def discard(self, name: str) -> None:
        """Removes a file from the cache, so that it is fetched anew."""
        _remove(self._metadata.with_name(name))

    @functools.cached_property
    def _metadata(self):
        return self._fetch(layout.METADATA, self.revision)

    def _fetch(self, name, revision):
        from huggingface_hub import hf_hub_download

        cached = self._cached(name, revision)
        with translated(self, name):
            if cached is None:
                self._reach()
            path = hf_hub_download(
                self.repo_id,
                name,
                revision=revision,
                token=self.token,
                cache_dir=self.cache_dir,
                local_files_only=self.local_files_only,
                **_library(),
            )
        path = pathlib.Path(path)
        # The weights' sums are in the metadata, and checked at each load.
        if cached is None and not layout.part_of(name) and not _is_whole(path):
            _remove(path)
            raise PresetConnectionError(
                f"{name} of {self} arrived damaged and was removed from the "
                "cache. Call again."
            )
        return path

    def _cached(self, name, revision):
        from huggingface_hub import try_to_load_from_cache

        path = try_to_load_from_cache(
            self.repo_id, name, cache_dir=self.cache_dir, revision=revision
        )
        return pathlib.Path(path) if isinstance(path, str) else None

    def _reach(self):
        """Asks the Hub once, without the patience of a download.

        `hf_hub_download` tries a Hub that is not there for half a minute.
        """
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import HfHubHTTPError

        if self._reached or self.local_files_only:
            return
        url = hf_hub_url(self.repo_id, layout.METADATA, revision=self.revision)
        # What it answers, even an error, is the download's to judge.
        with contextlib.suppress(HfHubHTTPError):
            get_hf_file_metadata(url, token=self.token, **_library())
        self._reached = True


def _library():
    from keras_aegan import __version__

    return {"library_name": LIBRARY, "library_version": __version__}


def _remove(path):
    """Removes a file of the cache and, where it is a link, what it leads to."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _is_whole(path):
    """Whether a file in the cache has the content that it is named after."""
    path = path.resolve()
    if re.fullmatch(r"[0-9a-f]{64}", path.name):
        digest = hashlib.sha256()
    elif re.fullmatch(r"[0-9a-f]{40}", path.name):
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    else:  # Where there are no links, the name says nothing.
        return True
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: digest)
    return found.hexdigest() == path.name


def api(token: str | bool | None):
    """The client, by which the Hub knows that this library asks."""
    from huggingface_hub import HfApi

    return HfApi(token=token, **_library())


@contextlib.contextmanager
def translated(where: object, name: str | None = None) -> Iterator[None]:
    """Turns the client's errors into this package's, saying what to do.

    Args:
        where: The address, with `repo_id` and `revision` where it matters.
        name: The file that is asked for.
    """
    from huggingface_hub import errors

    try:
        yield
    except PresetError:
        raise
    # The order matters: the first ones derive from the later ones.
    except errors.GatedRepoError as error:
        raise PresetAccessError(
            f"{where} is gated: its owner lets in those who accept the terms. "
            f"Do so on the page of {where} on the Hub, log in with `hf auth "
            "login`, or pass `token=`."
        ) from error
    except errors.RepositoryNotFoundError as error:
        if error.response.status_code == 401:
            raise PresetAccessError(
                f"{where} does not exist, or is private and you are not "
                "logged in as someone who may see it. Check the spelling; log "
                "in with `hf auth login`, or pass `token=`."
            ) from error
        raise PresetNotFoundError(
            f"There is no repository {where} on the Hub, or none that your "
            "account may see. Check the owner and the name."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise PresetRevisionError(
            f"The repository is on the Hub, but not this revision of it: "
            f"{where}. Give one of its branches, tags or commits"
            f"{_revisions(where)}."
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise _failed(where, error, name) from error
    except errors.EntryNotFoundError as error:
        raise missing(where, name) from error
    except (errors.OfflineModeIsEnabled, errors.HTTPError) as error:
        raise _failed(where, error, name) from error
    except RuntimeError as error:  # The client's, for a file that went up.
        if not isinstance(error.__cause__, errors.HTTPError):
            raise
        raise _failed(where, error, name) from error
    except OSError as error:
        if error.errno is None:  # The client's, for a file of another size.
            raise _failed(where, error, name) from error
        raise PresetWriteError(
            f"Could not write {name} of {where} to the cache: "
            f"{error.strerror}. Make room, or pass another `cache_dir=`."
        ) from error


def _failed(where, error, name):
    """What to say where the Hub did not do what it was asked."""
    error = error.__cause__ or error
    said = (str(error) or type(error).__name__).strip().splitlines()[0]
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is None and name is None:
        return PresetConnectionError(
            f"The connection to the Hub failed ({said}). {where} is either as "
            "it was or as it was to become, whole. Check the connection and "
            "HF_HUB_OFFLINE, and call again."
        )
    if status is None:
        return PresetConnectionError(
            f"The Hub cannot be reached, and {name} of {where} is not in the "
            f"cache ({said}). Check the connection, HF_HUB_OFFLINE and "
            "`local_files_only=`; or give a bundled preset or a folder."
        )
    if status in (401, 403):
        return PresetAccessError(
            f"The Hub does not let you do this with {where} (status {status}: "
            f"{said}). Log in with `hf auth login`, or pass a `token=` that "
            "may."
        )
    if status in (409, 412):
        return PresetConnectionError(
            f"{where} was changed by somebody else at the same time (status "
            f"{status}). Nothing was written; call again."
        )
    wait = "Wait a little and call" if status == 429 else "Call"
    return PresetConnectionError(
        f"The Hub failed to answer for {where} (status {status}: {said}). "
        f"{wait} again."
    )


def _revisions(where):
    """The branches and tags, where the Hub still answers."""
    from huggingface_hub.errors import HTTPError

    try:
        refs = api(where.token).list_repo_refs(where.repo_id)
    except (AttributeError, HTTPError, OSError):
        return ""
    names = [ref.name for ref in (*refs.branches, *refs.tags)]
    return f" ({', '.join(names)})" if names else ""
