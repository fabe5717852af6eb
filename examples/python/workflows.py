from dataclasses import dataclass
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from latchkey_step import Step, run_step


@dataclass
class InvoiceRun:
    """`name` names the run's steps, so that their user finds them again."""

    name: str
    user_id: str
    mcp_server_id: str
    customer: str
    amount: float
    tell: str
    task_queue: str = "mcp-steps"


@workflow.defn
class InvoiceRunWorkflow:
    """Writes an invoice, and tells its receiver if the user agrees."""

    @workflow.run
    async def run(self, run: InvoiceRun) -> str:
        # If the user has to connect first, the step pauses, and this workflow with it, for as long as that takes.
        invoice = await run_step(
            Step(
                userId=run.user_id,
                stepId=f"{run.name}.invoice",
                mcpServerId=run.mcp_server_id,
                tool="create_invoice",
                arguments={"customer": run.customer, "amount": run.amount},
            ),
            run.task_queue,
        )
        if invoice["status"] != "success":
            return f"no invoice: {outcome_text(invoice)}"
        message = await run_step(
            Step(
                userId=run.user_id,
                stepId=f"{run.name}.tell",
                mcpServerId=run.mcp_server_id,
                tool="send_message",
                arguments={"to": run.tell, "text": f"An invoice over {run.amount} is on its way."},
                mode="automated-with-confirmation",
                timeouts={"approval": "7 days"},
            ),
            run.task_queue,
        )
        return f"invoice {invoice['result']['structuredContent']['id']}; message: {outcome_text(message)}"


def outcome_text(step: dict[str, Any]) -> str:
    """Describes how a step ended. These three are results; a step fails only by being cancelled."""
    match step["status"]:
        case "success":
            return "sent"
        case "error":
            return f"{step['error']['code']}: {step['error']['message']}"
        case "skipped":
            return f"not sent: {step['reason']}"
        case other:
            raise ValueError(f"unknown status {other}")
