"""Where Terraform's plan is not what the preview shows."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.preview import Preview
from ingest.rollout import IDENTITY_STACK, Action
from operations.terraform.engine import Planned

_WORDS = {Action.ADOPT: "import", Action.CREATE: "create", Action.REMOVE: "delete"}


def unexpected_changes(found: Preview, planned: Sequence[Planned]) -> list[str]:
    """Where the plan is not what the preview shows."""
    expected = {}
    only_tokens = {c.entity.name for c in found.changes if set(c.actions) <= {Action.ADD_OIDC, Action.DROP_OIDC}}
    requests = {change.entity.name for change in found.changes if change.changes_request}
    for change in found.changes:
        words = [_WORDS.get(action, "update") for action in change.actions if action is not Action.UNCHANGED]
        if words:
            # Two changes of one job, such as its time and its token, are one update.
            expected[change.entity.name] = " and ".join(dict.fromkeys(words))
    actual = {one.address.partition(".")[2]: one for one in planned if one.stack != IDENTITY_STACK}
    texts = [
        f"{one.address}: the preview shows it made or unchanged, the plan {one.action}; somebody changed it"
        for one in planned
        if one.stack == IDENTITY_STACK and one.action != "create"
    ]
    for name in {**expected, **actual}:
        wanted, one = expected.get(name, "no change"), actual.get(name)
        action = one.action if one else "no change"
        if one and name in only_tokens and one.fields and one.fields != ["http_target"]:
            texts.append(
                f"{name}: the preview shows a change of its token alone, the plan one of {', '.join(one.fields)}; "
                "somebody changed the live job"
            )
        elif one and action == wanted and "http_target" in one.fields and name not in requests:
            texts.append(
                f"{name}: the plan changes its http_target (method, headers, body, token or URI) and the preview shows "
                "none of that; record the job as it is with `ingest-rollout adopt --record`, or find out who changed it"
            )
        elif action != wanted:
            fields = f" ({', '.join(one.fields)})" if one and one.fields else ""
            texts.append(
                f"{name}: the preview shows {wanted}, the plan {action}{fields}; somebody changed the live job"
            )
    return texts


def unexpected_deletes(found: Preview, planned: Sequence[Planned]) -> list[str]:
    """What the plan takes away, for good or to make it again elsewhere, and the preview does not remove."""
    removed = {change.entity.name for change in found.changes if Action.REMOVE in change.actions}
    return [
        f"{one.address}: the plan would {one.action} it, and the preview does not remove it; "
        "was it taken out of the catalogue, moved to another group, or is a setting such as region another one?"
        for one in planned
        if one.action in ("delete", "replace")
        and not (one.action == "delete" and one.address.partition(".")[2] in removed)
    ]
