"""What a rule is, and which privileges and levels give others.

A need is `PRIVILEGE`, on the verb's object, or `PRIVILEGE on object`; commas are "and", bars are "or". `USE` stands for
USE CATALOG and USE SCHEMA on the containers.
"""

from __future__ import annotations

from dataclasses import dataclass

# Who opens data must have been granted it; owners have it on what they own, not on what lies inside.
DATA = frozenset({"SELECT", "MODIFY", "READ VOLUME", "WRITE VOLUME", "READ FILES", "WRITE FILES", "EXECUTE"})
# ALL PRIVILEGES stands for all but these.
NOT_IN_ALL = frozenset({"MANAGE", "OWN", "ADMIN", "MEMBER"})
# What neither ownership of the object or of what it lies in gives, nor being an admin.
GRANTED_ONLY = NOT_IN_ALL | {"BROWSE"}
# Levels of a permission on an object of the workspace; each includes those before it. Admins and owners have all.
_IN_FOLDERS = ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")
LEVELS = {
    "job": ("CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "OWN"),
    "warehouse": ("CAN_VIEW", "CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "OWN"),
    **dict.fromkeys(("folder", "notebook", "workspace file", "query", "query run as owner", "dashboard"), _IN_FOLDERS),
    **dict.fromkeys(("Git folder", "file of Git folder", "alert"), _IN_FOLDERS),
    "experiment": ("CAN_READ", "CAN_EDIT", "CAN_MANAGE"),
    "pipeline": ("CAN_VIEW", "CAN_RUN", "CAN_MANAGE", "OWN"),
    "serving endpoint": ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"),
    "cluster policy": ("CAN_USE",),
    "secret scope": ("READ", "WRITE", "MANAGE"),
}


@dataclass(frozen=True)
class Rule:
    """A verb on an object through a way in, and what it needs."""

    way: str
    verb: str
    target: str
    needs: str

    @property
    def name(self) -> str:
        """What is tried, for people."""
        return f"{self.way}: {self.verb} {self.target}"
