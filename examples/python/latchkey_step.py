"""What a Python program needs to run Latchkey's workflow `mcpStep` by its name."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from temporalio import workflow
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)


@dataclass
class Step:
    """The argument of `mcpStep`. A field that is None is sent as null, which counts as left out."""

    userId: str
    stepId: str
    mcpServerId: str
    tool: str
    arguments: dict[str, Any] | None = None
    account: str | None = None
    title: str | None = None
    mode: str | None = None
    sideEffects: str | None = None
    timeouts: dict[str, str | None] | None = None


async def run_step(step: Step, task_queue: str = "mcp-steps") -> dict[str, Any]:
    """Runs a step as a child of the calling workflow, and is cancelled with it.

    Returns a dict whose `status` is `success` (with `result`), `error` (with `error`) or `skipped` (with `reason`).
    """
    return await workflow.execute_child_workflow(
        "mcpStep",
        step,
        id=step_workflow_id(step.userId, step.stepId),
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
        search_attributes=search_attributes(step),
        result_type=dict,
    )


def search_attributes(step: Step) -> TypedSearchAttributes:
    """Lists by status find the step by them. `npx latchkey migrate` registers them; without them leave this out."""
    return TypedSearchAttributes(
        [
            _keyword("McpStepStatus", "running"),
            _keyword("McpServerId", step.mcpServerId),
            _keyword("McpUserId", step.userId),
        ]
    )


def step_workflow_id(user_id: str, step_id: str) -> str:
    """The id under which Latchkey's HTTP API shows a step to its user."""
    return f"step/{_part(user_id)}/{_part(step_id)}"


def _part(text: str) -> str:
    encoded = quote(text, safe="!*()")
    if len(encoded) <= 100:
        return encoded
    digest = hashlib.sha256(encoded.encode()).digest()
    return "%~" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _keyword(name: str, value: str) -> SearchAttributePair:
    return SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
