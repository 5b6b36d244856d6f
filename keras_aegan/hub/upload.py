"""A preset to a repository on the Hugging Face Hub, in one commit."""

import os
import pathlib
import tempfile

import keras

from keras_aegan.hub import card, documents, layout
from keras_aegan.hub.errors import PresetFormatError, PresetNotFoundError
from keras_aegan.hub.load import load_preset
from keras_aegan.hub.registry import resolve
from keras_aegan.hub.remote import (
    SCHEME,
    Repository,
    api,
    parse_address,
    translated,
)
from keras_aegan.hub.save import (
    EDITED,
    has_changed_card,
    has_edited_card,
    pictures,
    save_preset,
)
from keras_aegan.hub.sources import Folder


def upload_preset(
    uri: str,
    preset: str | os.PathLike | keras.Model,
    *,
    private: bool | None = None,
    commit_message: str | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    token: str | bool | None = None,
) -> str:
    """Publishes a preset on the Hugging Face Hub.

    The repository is made if it is not there. All files go up in one commit:
    it has the new preset or, if anything fails, the old one. Weights files of
    the old preset that the new one lacks are removed; a card that somebody
    edited, here or there, is kept, and so are other files.

    Args:
        uri: `"hf://OWNER/NAME"`, or `"hf://OWNER/NAME@BRANCH"`.
        preset: A model; or a preset's folder, or the name of a bundled one,
            which is loaded first, to publish nothing that does not load.
        private: Whether a repository that is made now is private. Defaults to
            what the owner's settings say.
        commit_message: Defaults to "Upload preset with keras_aegan".
        revision: The branch to commit to, made from the main branch if it is
            not there. Defaults to the main branch.
        create_pr: Whether to propose the commit as a pull request instead, as
            one does to others' repositories.
        token: A token that may write. Defaults to the one that `hf auth login`
            stored.

    Returns:
        The address of the commit's page.

    Raises:
        PresetNotFoundError: If `uri` is no such address, or `preset` no
            preset here.
        PresetAccessError: If the token may not write there, or is missing.
        PresetConnectionError: If the Hub cannot be reached, fails, or was
            changed by somebody else meanwhile. Nothing was published.
        PresetError: If the preset is damaged.

    Example:

    ```python
    model.save_to_preset("mine")
    upload_preset("hf://me/mine", "./mine", private=True)
    ```
    """
    parse_address(uri, revision)
    how = {
        "private": private,
        "commit_message": commit_message,
        "revision": revision,
        "create_pr": create_pr,
        "token": token,
    }
    if isinstance(preset, keras.Model):
        with tempfile.TemporaryDirectory() as scratch:
            path = save_preset(preset, pathlib.Path(scratch) / "preset")
            return publish(uri, path, **how)
    source = resolve(preset)
    if not isinstance(source, Folder):
        raise PresetNotFoundError(
            "Expected a preset on this machine, or a model. Received: "
            f"preset={preset!r}. Load it first: `AEGAN.from_preset(...)`."
        )
    load_preset(source.path)
    return publish(uri, source.path, **how)


def publish(
    uri: str,
    path: pathlib.Path,
    *,
    private: bool | None = None,
    commit_message: str | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    token: str | bool | None = None,
) -> str:
    """Publishes a folder that is known to hold a preset: see `upload_preset`.

    It touches no model, so that it can run beside a training.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    repo_id, branch = parse_address(uri, revision)
    there = Repository(repo_id, branch, token)
    hub = api(token)
    with translated(there):
        head = _head(hub, repo_id, branch, private, create_pr)
        old = [file.rfilename for file in head.siblings]
        kept = _kept_card(hub, repo_id, head.sha, old, path)
        new = _files(path, repo_id, kept)
        commit = hub.create_commit(
            repo_id,
            [CommitOperationAdd(name, what) for name, what in new.items()]
            + [
                CommitOperationDelete(name)
                for name in old
                if layout.is_of_the_format(name) and name not in new
            ],
            commit_message=commit_message or "Upload preset with keras_aegan",
            revision=branch,
            create_pr=create_pr,
            # Refused if somebody else's commit came between.
            parent_commit=head.sha,
        )
    return str(commit.commit_url)


def _head(hub, repo_id, branch, private, create_pr):
    """What the branch holds, which is made if need be and allowed."""
    from huggingface_hub import errors

    try:
        return hub.model_info(repo_id, revision=branch)
    except errors.RevisionNotFoundError:
        if create_pr:
            raise
        hub.create_branch(repo_id, branch=branch)
    except errors.RepositoryNotFoundError:
        if create_pr:
            raise
        hub.create_repo(repo_id, private=private)
        if branch is not None:
            hub.create_branch(repo_id, branch=branch)
    return hub.model_info(repo_id, revision=branch)


def _kept_card(hub, repo_id, commit, names, path):
    """What the metadata there say of a card that is kept, or `None`.

    One that was edited there is, and one that was published as somebody had
    edited it: unless it was edited here again, and is newer.
    """
    if layout.CARD not in names:
        return None
    if layout.METADATA not in names:
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        paths = [
            pathlib.Path(
                hub.hf_hub_download(
                    repo_id, name, revision=commit, local_dir=scratch
                )
            )
            for name in (layout.CARD, layout.METADATA)
        ]
        there = paths[0].parent
        if has_changed_card(there):
            return {}
        if not has_edited_card(there) or has_edited_card(path):
            return None
        facts = documents.read_json(there / layout.METADATA)
        return {name: facts[name] for name in ("card_sha256", EDITED)}


def _files(path, repo_id, kept):
    """What to publish, by name: paths, or bytes of what is written anew.

    A generated card says what to call `from_preset` with, which is another
    address there than here.
    """
    metadata = documents.read_json(path / layout.METADATA)
    shown = pictures(path)
    if has_edited_card(path):
        page = _edited_page(path / layout.CARD)
        metadata[EDITED] = True
    else:
        page = card.model_card(
            metadata, preset=f"{SCHEME}{repo_id}", pictures=shown
        ).encode("utf-8")
    metadata["card_sha256"] = card.sha256(page)
    metadata |= kept or {}
    files = {
        name: path / name
        for name in sorted(os.listdir(path))
        if layout.is_of_the_format(name) or name in shown
    }
    files[layout.METADATA] = documents.to_json(layout.METADATA, metadata)
    if kept is None:
        files[layout.CARD] = page
    return files


def _edited_page(path):
    page = path.read_bytes()
    try:
        page.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PresetFormatError(
            f"{path} is not UTF-8, as the Hub wants it: {error}. Save it as "
            "UTF-8. Nothing was published."
        ) from error
    return page
