"""Starts the workflow, shows its steps and what they wait for, and decides about them.

python client.py run <user> <name> [server] [amount]
python client.py show <user> <step>
python client.py approve <user> <step>
python client.py reject <user> <step> <reason>
python client.py resolve <user> <step> retry|fail
python client.py resolve <user> <step> succeed <result as JSON>
python client.py cancel <user> <step>
"""

import asyncio
import json
import os
import sys
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from latchkey_step import step_workflow_id
from workflows import InvoiceRun, InvoiceRunWorkflow

QUEUE = "python-invoice-runs"


async def connect() -> Client:
    return await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS", "localhost:7233"),
        namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"),
    )


async def run(client: Client, user: str, name: str, server: str = "ledger", amount: str = "42") -> str:
    latchkey_queue = os.environ.get("TEMPORAL_TASK_QUEUE", "mcp-steps")
    invoice_run = InvoiceRun(name, user, server, "ACME", float(amount), "ann@example.com", latchkey_queue)
    return await client.execute_workflow(InvoiceRunWorkflow.run, invoice_run, id=name, task_queue=QUEUE)


async def show(client: Client, user: str, step_id: str) -> str:
    return described(await step_handle(client, user, step_id).query("step"))


def described(step: dict[str, Any]) -> str:
    match step["status"]:
        case "awaiting-input":
            return f"{step['awaitingInputReason']}: {needed(step)}"
        case "success":
            return f"success: {json.dumps(step['result'])}"
        case "error":
            return f"error: {failure(step)}"
        case "skipped":
            return f"skipped: {rejection(step)}"
        case "running" | "cancelled" as status:
            return status
        case other:
            raise ValueError(f"unknown status {other}")


def needed(step: dict[str, Any]) -> str:
    """What a person has to do so that the step goes on."""
    match step["awaitingInputReason"]:
        case "needs-oauth-reauth" | "needs-oauth-scope":
            return f"open {step['connectUrl']}"
        case "needs-approval":
            return f"approve or reject {json.dumps(step.get('pending'))}"
        case "outcome-unknown":
            return "find out whether the tool has run, and resolve"
        case other:
            raise ValueError(f"unknown reason {other}")


def failure(step: dict[str, Any]) -> str:
    """Latchkey's words, then those of the MCP server, then what the tool answered."""
    error = step["error"]
    details = [error.get("serverMessage"), json.dumps(step["result"]) if "result" in step else None]
    return " ".join([f"{error['code']}: {error['message']}", *filter(None, details)])


def rejection(step: dict[str, Any]) -> str:
    return next(entry["reason"] for entry in step["timeline"] if entry["event"] == "rejected")


async def approve(client: Client, user: str, step_id: str) -> str:
    return await decide(step_handle(client, user, step_id), "approve", {}, by=user)


async def reject(client: Client, user: str, step_id: str, reason: str) -> str:
    return await decide(step_handle(client, user, step_id), "reject", {"reason": reason}, by=user)


async def resolve(client: Client, user: str, step_id: str, action: str, result: str | None = None) -> str:
    message = {"action": action, "result": json.loads(result) if result else None}
    return await decide(step_handle(client, user, step_id), "resolve", message, by=user)


async def cancel(client: Client, user: str, step_id: str) -> str:
    """A step that has ended stays as it is."""
    try:
        await step_handle(client, user, step_id).cancel()
        return "cancellation requested"
    except RPCError as error:
        return refusal(error)


async def decide(handle: WorkflowHandle, update: str, message: dict[str, Any], by: str) -> str:
    try:
        return described(await handle.execute_update(update, args=[message, by]))
    except WorkflowUpdateFailedError as error:
        return f"refused: {error.cause.type}: {error.cause.message}"
    except RPCError as error:
        return refusal(error)


def refusal(error: RPCError) -> str:
    if error.status != RPCStatusCode.NOT_FOUND:
        raise error
    return "refused: there is no such step, or it has ended"


def step_handle(client: Client, user: str, step_id: str) -> WorkflowHandle:
    return client.get_workflow_handle(step_workflow_id(user, step_id))


async def main(command: str, *args: str) -> None:
    commands = {one.__name__: one for one in (run, show, approve, reject, resolve, cancel)}
    print(await commands[command](await connect(), *args))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
    # Temporal's SDK may abort a short program while it ends: https://github.com/temporalio/sdk-python/issues/300
    sys.stdout.flush()
    os._exit(0)
