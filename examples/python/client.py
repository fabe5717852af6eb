"""Starts the workflow, shows what its steps wait for, and decides about them.

python client.py run <user> <name> [server] [amount]
python client.py show <user> <step>
python client.py approve <user> <step>
python client.py reject <user> <step> <reason>
"""

import asyncio
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
    step: dict[str, Any] = await step_handle(client, user, step_id).query("step")
    match step["status"]:
        case "awaiting-input" if "connectUrl" in step:
            return f"{step['awaitingInputReason']}: open {step['connectUrl']}"
        case "awaiting-input":
            return f"{step['awaitingInputReason']}: {step.get('pending')}"
        case "error":
            return f"error: {step['error']['code']}: {step['error']['message']}"
        case status:
            return status


async def approve(client: Client, user: str, step_id: str) -> str:
    return await decide(step_handle(client, user, step_id), "approve", {}, by=user)


async def reject(client: Client, user: str, step_id: str, reason: str) -> str:
    return await decide(step_handle(client, user, step_id), "reject", {"reason": reason}, by=user)


async def decide(handle: WorkflowHandle, update: str, message: dict[str, Any], by: str) -> str:
    try:
        step = await handle.execute_update(update, args=[message, by])
        return step["status"]
    except WorkflowUpdateFailedError as error:
        return f"refused: {error.cause.type}: {error.cause.message}"
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return "refused: there is no such step, or it has ended"


def step_handle(client: Client, user: str, step_id: str) -> WorkflowHandle:
    return client.get_workflow_handle(step_workflow_id(user, step_id))


async def main(command: str, *args: str) -> None:
    commands = {"run": run, "show": show, "approve": approve, "reject": reject}
    print(await commands[command](await connect(), *args))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
