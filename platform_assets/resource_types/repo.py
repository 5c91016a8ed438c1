"""Git folders and who may do what with them. https://docs.databricks.com/api/workspace/repos

The API shows the branch and the commit that are checked out; neither the tag, nor whether the remote has newer commits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lakehouse.grammar.texts import pattern_problems
from lakehouse.object_permissions import read_granted
from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, State, refuse
from platform_assets.resource_types.object_levels import permit, rebuild_levels
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.workspace_object import WorkspaceObject, ensure_folder

if TYPE_CHECKING:
    from databricks.sdk.service.workspace import ObjectInfo

PROVIDERS = (
    *("gitHub", "bitbucketCloud", "gitLab", "azureDevOpsServices"),
    *("gitHubEnterprise", "bitbucketServer", "gitLabEnterpriseEdition", "awsCodeCommit"),
)

_OFF = "off"


class TagMoved(Exception):
    """A tag is not at the commit that is declared; the message names both."""


@dataclass(frozen=True)
class Repo(WorkspaceObject):
    """A Git folder in the estate's folder of the workspace: a branch or a tag of a remote repository.

    A tag is declared with the full id of its `commit`. `sparse`: the folders that are checked out, of all if None. A
    private repository takes a Git credential of the deployer. A branch is pulled when another was checked out.
    """

    url: str = ""
    provider: str = ""
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    sparse: tuple[str, ...] | None = None

    type_name = "repo"
    object_type = "REPO"
    permissions_type = "repos"

    def __post_init__(self) -> None:
        if self.url:  # one that is only found has none
            self._check()

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its path, permissions, names of branch and folders."""
        yield from super().find_problems(target)
        for what, name in (("branch", self.branch), ("tag", self.tag)):
            if name is not None:
                yield from pattern_problems(f"its {what}", name, r"[^\s~^:?*\[\\\x00-\x20\x7f]+", "a name of Git")
        if self.sparse is not None and not self.sparse:
            yield "sparse names no folder: name one, or leave it out to have all"
        for folder in self.sparse or ():
            if not folder.strip("/") or set(folder) & set("!*?[\\") or ".." in folder.split("/"):
                yield f"sparse names {folder[:80]!r}, which is no folder: write it like etl/jobs"

    def desired_content(self) -> dict[str, Any]:
        """The remote repository, and what of it is checked out."""
        return {
            "git_url": self.url,
            "provider": self.provider,
            "branch": self.branch,
            **({"commit": self.commit} if self.tag else {}),
            "sparse": _OFF if self.sparse is None else list(self.sparse),
        }

    def read_content(self, clients: Clients, found: ObjectInfo) -> dict[str, Any]:
        """Get."""
        repo = clients.workspace.repos.get(int(found.object_id or 0))
        return {
            "git_url": repo.url,
            "provider": repo.provider,
            "branch": repo.branch or None,
            **({"commit": repo.head_commit_id} if self.tag else {}),
            "sparse": (repo.sparse_checkout.patterns or []) if repo.sparse_checkout else _OFF,
        }

    def put(self, clients: Clients, path: str) -> None:
        """Make the folder above if there is none, clone, and check out what is not the remote's default branch."""
        from databricks.sdk.service.workspace import SparseCheckout

        ensure_folder(clients, path.rpartition("/")[0])
        sparse = None if self.sparse is None else SparseCheckout(patterns=list(self.sparse))
        made = clients.workspace.repos.create(self.url, self.provider, path=path, sparse_checkout=sparse)
        if self.tag or made.branch != self.branch:
            self._check_out(clients, int(made.id or 0), {"branch": made.branch})

    def create(self, clients: Clients, desired: State) -> None:
        """Clone, then the permissions."""
        self.put(clients, self.physical_name(clients.target))
        permit(clients.workspace, self.permissions_type, str(self._find(clients)), desired["permissions"])

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Check out; of another remote repository clone anew, with the permissions of others; permissions are added."""
        identity, levels = self._find(clients), desired["permissions"]
        if _is_another(before, desired):
            granted = read_granted(clients.workspace, self.permissions_type, str(identity))
            self.delete(clients)
            self.create(clients, {**desired, "permissions": {**granted, **levels}})
            return
        if before.keys() - {"permissions"}:
            self._check_out(clients, identity, before)
        if "permissions" in before:
            permit(clients.workspace, self.permissions_type, str(identity), levels)

    def delete(self, clients: Clients) -> None:
        """Delete, with what was not committed."""
        identity = unless_missing(lambda: self._find(clients))
        if identity is not None:
            unless_missing(lambda: clients.workspace.repos.delete(identity))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Repo:
        """Its branch; which tag is checked out is not known."""
        if not state["branch"]:
            raise NotExpressible("no branch is checked out, and the API does not say which tag is")
        return replace(
            self,
            url=state["git_url"],
            provider=state["provider"],
            branch=state["branch"],
            sparse=None if state["sparse"] == _OFF else tuple(state["sparse"]),
            permissions=rebuild_levels(rebuilding, state),
        )

    def explain_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Say what is lost where it is cloned anew."""
        lines = super().explain_change(name, before, after)
        lost = _is_another({name: before}, {name: after})
        return (*lines, "it is deleted and cloned anew: what was not committed is lost") if lost else lines

    def _check(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise refuse(self.key, f"url is the https:// URL of a repository, not {self.url!r}")
        if "@" in parts.netloc:
            raise refuse(self.key, "url must hold no credentials; the deployer's Git credential is used")
        if self.provider not in PROVIDERS:
            raise refuse(self.key, f"provider is one of {', '.join(PROVIDERS)}, not {self.provider!r}")
        if bool(self.branch) == bool(self.tag) or bool(self.tag) != bool(self.commit):
            raise refuse(self.key, "give a branch, or a tag and the full id of the commit that it is at")

    def _find(self, clients: Clients) -> int:
        path = self.physical_name(clients.target)
        return int(clients.workspace.workspace.get_status(path).object_id or 0)

    def _check_out(self, clients: Clients, identity: int, before: Mapping[str, Any]) -> None:
        """Update, but for a branch that is there only the folders.

        Raises:
            TagMoved: the tag is at another commit, which is checked out now.
        """
        from databricks.sdk.service.workspace import SparseCheckoutUpdate

        api, changes = clients.workspace.repos, before.keys() - {"permissions", "sparse"}
        sparse = SparseCheckoutUpdate(patterns=list(self.sparse or ())) if "sparse" in before else None
        branch, tag = (self.branch, self.tag) if changes else (None, None)
        api.update(identity, branch=branch, tag=tag, sparse_checkout=sparse)
        if tag and (commit := api.get(identity).head_commit_id) != self.commit:
            raise TagMoved(f"tag {tag} of {self.url} is at {commit}, not at the declared {self.commit}; declare which")


def _is_another(before: Mapping[str, Any], desired: Mapping[str, Any]) -> bool:
    """Say whether one that is there must be cloned anew: another remote repository, or sparse where it was not."""
    there = {name: value for name, value in before.items() if value is not None}
    turned = "sparse" in there and _OFF in (there["sparse"], desired["sparse"])
    return turned or bool(there.keys() & {"git_url", "provider"})
