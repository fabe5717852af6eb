import { runLatchkey, type TypescriptProcess } from '../../support/child-process.ts';

export interface WorkerProcess extends TypescriptProcess {
  /** Resolves when it has logged that message. */
  logged(message: string): Promise<void>;
}

/** `latchkey worker`, in a process of its own; resolves when it takes tasks. */
export async function startWorkerProcess(environment: Record<string, string>): Promise<WorkerProcess> {
  const worker = runLatchkey({ ...environment, LOG_LEVEL: 'info' }, 'worker');
  const logged = async (message: string) => {
    while (messageOf(await worker.nextLine()) !== message);
  };
  await logged('ready');
  return { ...worker, logged };
}

function messageOf(line: string): unknown {
  return JSON.parse(line).msg;
}
