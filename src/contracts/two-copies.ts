/** One of Temporal's packages in two copies. Two copies of one version do not work either. */
export interface TwoCopies {
  /** The npm package. */
  name: string;
  /** The version that Latchkey imports. Undefined: unknown, as below. */
  latchkey: string | undefined;
  /** The version that the application's Worker has. */
  worker: string | undefined;
}

/** Says what is wrong, with both versions, and what to do. */
export function describeTwoCopies({ name, latchkey, worker }: TwoCopies): string {
  return (
    `two copies of ${name}: Latchkey imports ${version(latchkey)}, the Worker has ${version(worker)}, and Temporal's ` +
    `SDK works with one copy only. \`npm ls ${name}\` shows both: install all @temporalio packages, ` +
    'also @temporalio/worker, in one version, then run `npm dedupe`'
  );
}

function version(known: string | undefined): string {
  return known ?? 'another version';
}
