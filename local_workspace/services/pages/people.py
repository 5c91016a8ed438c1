"""Who is who: principals by the name that people know, with the id that the API uses."""

from __future__ import annotations

from local_workspace.gateway.calls import Call
from local_workspace.services.pages.markup import Html, element, join


def show_principal(call: Call, name: str) -> Html | str:
    """Return a service principal's display name and id; any other name as it is. SCIM shows the same to everybody."""
    document = call.workspace.store.get("principal", name)
    if document is None or document["kind"] == "user":
        return name
    return join([document["display_name"], " ", element("small", f"({name})")])
