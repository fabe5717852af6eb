import { pathToFileURL } from 'node:url';
import type { Processes } from '../processes.ts';
import type { Sink } from './sink.ts';

const LOGGER = pathToFileURL('src/logging/logger.ts').href;

/** What processes write, at whatever level. */
export function logSink(processes: Processes): Sink {
  return {
    name: 'log',
    collect: async () => processes.output(),
    plants: {
      // Under a name that no redaction knows.
      'log: planted note': (texts) =>
        ended(processes, 'planted note', [
          '--input-type=module',
          '--eval',
          `import { createLogger } from ${JSON.stringify(LOGGER)};
           const logger = createLogger({ level: 'trace' });
           for (const text of ${JSON.stringify(texts)}) {
             logger.trace({ note: text }, 'planted');
             logger.child({ note: [{ text }] }).error({ err: new Error('planted') }, 'planted');
           }`,
        ]),
      'log: planted complaint': (texts) =>
        ended(processes, 'planted complaint', [
          '--input-type=module',
          '--eval',
          `process.stderr.write(${JSON.stringify(texts.join('\n'))});`,
        ]),
    },
  };
}

/** What every user of the machine sees of its processes. */
export function argvSink(processes: Processes): Sink {
  return {
    name: 'argv',
    collect: async () => processes.commandLines(),
    plants: {
      'argv of planted arguments': (texts) =>
        ended(processes, 'planted arguments', ['--input-type=module', '--eval', '0', ...texts]),
    },
  };
}

async function ended(processes: Processes, name: string, args: string[]): Promise<void> {
  const code = await processes.run(name, args).ended;
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
}
