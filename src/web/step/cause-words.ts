/** Why a call has no answer, as the second half of a sentence. Of a cause that is not listed, the name is shown. */
const CAUSES: Readonly<Record<string, string>> = {
  'address-refused': 'its address may not be called',
  'dns-failed': 'its name can’t be resolved',
  'connect-refused': 'it refuses connections',
  'connect-timeout': 'it can’t be reached',
  'tls-failed': 'no secure connection to it is possible',
  'proxy-failed': 'the proxy of Latchkey lets no connection to it through',
  'rate-limited': 'it takes no more calls for now',
  unavailable: 'it says that it is not available',
  'server-error': 'it had an error of its own',
  reset: 'the connection broke',
  timeout: 'it did not answer in time',
  cancelled: 'the process that called it was shutting down',
  'stream-ended': 'it ended its answer too early',
  flooded: 'it sent too much before its answer',
  'store-unavailable': 'the database of Latchkey can’t be reached',
  'no-worker': 'no worker of Latchkey could make the call',
  'worker-lost': 'the worker that made the call has ended',
  'worker-failed': 'the worker that made the call failed',
  'history-restored': 'Latchkey was restored from a backup',
  'result-not-stored': 'its result could not be stored',
  'token-ran-out': 'the access expired before it could be used',
  unexpected: 'of an unexpected error',
};

export function causeWords(cause: unknown): string {
  if (typeof cause !== 'string') return 'of an unknown cause';
  return Object.hasOwn(CAUSES, cause) ? (CAUSES[cause] ?? cause) : cause.slice(0, 100);
}
