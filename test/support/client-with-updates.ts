import type { Client, WorkflowHandle } from '@temporalio/client';

/** The same client, except that updates are executed by `execute`, which is given the handle of the real client. */
export function clientWithUpdates(
  client: Client,
  execute: (handle: WorkflowHandle, ...args: Parameters<WorkflowHandle['executeUpdate']>) => Promise<unknown>,
): Client {
  const getHandle = (workflowId: string) => {
    const handle = client.workflow.getHandle(workflowId);
    const executeUpdate = (...args: Parameters<WorkflowHandle['executeUpdate']>) => execute(handle, ...args);
    return Object.assign(Object.create(handle), { executeUpdate });
  };
  return Object.create(client, {
    workflow: { value: Object.assign(Object.create(client.workflow), { getHandle }) },
  });
}
