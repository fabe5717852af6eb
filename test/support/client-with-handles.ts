import type { Client, WorkflowHandle } from '@temporalio/client';

/** The same client, except that its handles have the methods that `change` returns for the real handle. */
export function clientWithHandles(
  client: Client,
  change: (handle: WorkflowHandle) => Partial<WorkflowHandle>,
): Client {
  const getHandle = (workflowId: string) => {
    const handle = client.workflow.getHandle(workflowId);
    return Object.assign(Object.create(handle), change(handle));
  };
  return Object.create(client, {
    workflow: { value: Object.assign(Object.create(client.workflow), { getHandle }) },
  });
}

/** The same client, except that updates are executed by `execute`, which is given the handle of the real client. */
export function clientWithUpdates(
  client: Client,
  execute: (handle: WorkflowHandle, ...args: Parameters<WorkflowHandle['executeUpdate']>) => Promise<unknown>,
): Client {
  return clientWithHandles(client, (handle) => ({
    executeUpdate: (...args: Parameters<WorkflowHandle['executeUpdate']>) =>
      execute(handle, ...args) as never,
  }));
}
