import asyncio

from temporalio.worker import Worker

from client import QUEUE, connect
from workflows import InvoiceRunWorkflow


async def main() -> None:
    worker = Worker(await connect(), task_queue=QUEUE, workflows=[InvoiceRunWorkflow])
    print("ready", flush=True)
    await worker.run()


asyncio.run(main())
