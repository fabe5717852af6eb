import type { KeyStatus, KeysStatus } from '../vault/rotation/key-status.ts';
import type { Pass, RotationOutcome } from '../vault/rotation/rotate-keys.ts';
import type { SealedKind } from '../vault/rotation/sealed-values.ts';
import { alignColumns } from './table.ts';

const TITLES: Record<SealedKind, string> = {
  grants: 'grants',
  accessTokens: 'access tokens',
  pendingRevocations: 'pending revocations',
  serverSecrets: 'server secrets',
  storedResults: 'stored results',
  fingerprintKeys: 'fingerprint keys',
  clientRegistrations: 'client registrations',
  authorizations: 'authorizations',
  pendingDeposits: 'pending deposits',
  oidcSignIns: 'sign-ins under way',
};

const PROGRESS_INTERVAL_MS = 1_000;

/** Prints one JSON object or a table on stdout. */
export function reportStatus(status: KeysStatus, json: boolean): void {
  print(json ? JSON.stringify(status) : statusTable(status));
}

export interface RotationReport {
  progress(pass: Pass, isOver: boolean): void;
  /** Prints the outcome and returns whether nothing is left under other keys. */
  outcome(outcome: RotationOutcome): boolean;
}

/** Prints one JSON object a line, or lines of text, on stdout. */
export function reportRotation(json: boolean): RotationReport {
  let printedAt = performance.now();
  return {
    progress(pass, isOver) {
      if (!isOver && performance.now() < printedAt + PROGRESS_INTERVAL_MS) return;
      printedAt = performance.now();
      print(json ? JSON.stringify({ event: 'progress', ...pass }) : progressLine(pass));
    },
    outcome(outcome) {
      const left = outcome.status.keys.filter((key) => !key.first && key.total > 0);
      const complete = left.length === 0;
      print(json ? outcomeJson(outcome, complete) : outcomeText(outcome, left));
      return complete;
    },
  };
}

function outcomeJson({ kind, status, undecryptable }: RotationOutcome, complete: boolean): string {
  return JSON.stringify({
    event: kind,
    complete,
    undecryptable: undecryptable.map((pass) => ({
      kind: pass.kind,
      kid: pass.kid,
      count: pass.undecryptable,
    })),
    ...status,
  });
}

function progressLine({ kind, kid, ...pass }: Pass): string {
  const parts = [
    `${pass.resealed} re-encrypted`,
    pass.overtaken > 0 && `${pass.overtaken} changed by other processes meanwhile`,
    pass.undecryptable > 0 && `${pass.undecryptable} can't be decrypted`,
    pass.givenUp > 0 && `${pass.givenUp} given up`,
  ];
  return `${kid} ${TITLES[kind]}: ${parts.filter((part) => part !== false).join(', ')}`;
}

function outcomeText(outcome: RotationOutcome, left: readonly KeyStatus[]): string {
  const lines = [statusTable(outcome.status), ''];
  if (outcome.kind === 'interrupted') lines.push('Interrupted; run it again to continue.');
  else if (left.length === 0) lines.push('Nothing is left under any key but the first.');
  return [...lines, ...left.flatMap((key) => leftOf(key, outcome))].join('\n').trimEnd();
}

function leftOf({ kid, total, configured }: KeyStatus, outcome: RotationOutcome): string[] {
  if (!configured) return [`${kid}: ${total} left. The key is not configured: add it to ENCRYPTION_KEYS.`];
  const unopened = outcome.undecryptable
    .filter((pass) => pass.kid === kid)
    .map((pass) => `${pass.undecryptable} ${TITLES[pass.kind]}`);
  if (unopened.length > 0) return [`${kid}: ${total} left. Can't be decrypted: ${unopened.join(', ')}.`];
  if (outcome.kind === 'interrupted') return [`${kid}: ${total} left.`];
  return [`${kid}: ${total} left. Does a process still encrypt under this key? Stop it and run this again.`];
}

function statusTable({ keys, unreadable }: KeysStatus): string {
  const kinds = (Object.keys(TITLES) as SealedKind[]).filter(
    (kind) => unreadable.values[kind] > 0 || keys.some((key) => key.values[kind] > 0),
  );
  const row = (name: string, state: string, { total, values }: KeysStatus['unreadable']) => [
    name,
    state,
    String(total),
    ...kinds.map((kind) => String(values[kind])),
  ];
  const rows = [
    ['key', '', 'in use', ...kinds.map((kind) => TITLES[kind])],
    ...keys.map((key) => row(key.kid, stateOf(key), key)),
    ...(unreadable.total > 0 ? [row('(none)', 'unreadable', unreadable)] : []),
  ];
  return alignColumns(rows, 2).join('\n');
}

function stateOf({ first, configured }: KeyStatus): string {
  if (first) return 'encrypts';
  return configured ? 'decrypts' : 'MISSING';
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
