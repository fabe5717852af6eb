import { isNativeError } from 'node:util/types';
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  level: LogLevel;
  /** Written on every line, to distinguish processes. */
  name?: string;
  /** Default: stdout. */
  destination?: DestinationStream;
}

/**
 * Creates a logger that writes JSON lines. Redacts values whose name or form is that of a secret, at any depth, in
 * bindings, messages and stacks. This is only the last safeguard: callers must not log secrets.
 */
export function createLogger({ level, name, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: name === undefined ? { pid: process.pid } : { pid: process.pid, name },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: withLoggableErrors },
    serializers: { err: loggableValue, req: loggableRequest, res: loggableResponse },
    // Redacts the finished line, because bindings of child loggers, the output of serializers and merged objects
    // meet only there. Pino's own `redact` supports only fixed depths and exact case.
    hooks: { streamWrite: redactLine },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Returns a logger that adds to every line what `fields` returns when the line is written. */
export function withFields(logger: Logger, fields: () => object | undefined): Logger {
  const log = (line: object) => withLoggableErrors({ ...fields(), ...line });
  return logger.child({}, { formatters: { log } });
}

/** Writes the line `"msg":"ready"` that supervisors wait for, whatever the logger's level. */
export function logReady(logger: Logger, fields: Record<string, unknown> = {}): void {
  logger.child({}, { level: 'info' }).info(fields, 'ready');
}

const REDACTED = '[redacted]';

/** How a secret's name ends, in lower case without `-` and `_`. */
const SECRET_NAME =
  /(authorization|cookie|password|passphrase|secret|token|apikey|privatekey|encryptionkey|verifier|assertion|jw[et])s?$/;

const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  // A token, not a challenge (`Bearer realm="…"`).
  [/\b(Bearer)\s+(?!\w+=")[A-Za-z0-9._~+/-]{8,}=*/gi, `$1 ${REDACTED}`],
  // JWT (three parts) and JWE (five).
  [/\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){2,4}/g, REDACTED],
  [/\b(\w*(?:token|secret|password|verifier|assertion)=)[^&\s"']+/gi, `$1${REDACTED}`],
  // RFC 6749 §4.1.2: the code in a redirect's query.
  [/([?&#](?:code|state)=)[^&#\s"']+/gi, `$1${REDACTED}`],
  // User and password in a URL.
  [/(:\/\/)[^\s/@:]*:[^\s/@]+@/g, `$1${REDACTED}@`],
];

function redactLine(line: string): string {
  return `${JSON.stringify(JSON.parse(line), redactField)}\n`;
}

function redactField(name: string, value: unknown): unknown {
  const holdsText = typeof value === 'string' || (typeof value === 'object' && value !== null);
  if (holdsText && SECRET_NAME.test(name.toLowerCase().replaceAll(/[-_]/g, ''))) return REDACTED;
  return typeof value === 'string' ? redactText(value) : value;
}

function redactText(text: string): string {
  return SECRET_TEXTS.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}

/** Handles errors under other names than `err`: as plain objects they would lose their stack and show all fields. */
function withLoggableErrors(fields: Record<string, unknown>): Record<string, unknown> {
  if (!Object.values(fields).some(isError)) return fields;
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, loggableValue(value)]));
}

function loggableValue(value: unknown): unknown {
  return isError(value) ? loggableError(value, MAX_CAUSES) : value;
}

/** Errors of the workflow sandbox come from another realm, where `instanceof` fails. */
function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}

const MAX_CAUSES = 5;
const MAX_MESSAGE_CHARACTERS = 300;

interface LoggableError {
  type: string;
  message: string;
  code?: string | number;
  stack: string;
  cause?: LoggableError;
  errors?: LoggableError[];
}

/**
 * Copies an allowlist of fields: HTTP and OAuth libraries attach requests, responses and bodies to their errors. Cuts
 * messages, because some quote the body.
 */
function loggableError(error: Error, causesLeft: number): LoggableError {
  const { code, errors } = error as { code?: unknown; errors?: unknown }; // Not on every Error.
  const type = error.constructor?.name || error.name;
  const message = cut(String(error.message));
  const follow = (other: unknown) =>
    causesLeft > 0 && isError(other) ? [loggableError(other, causesLeft - 1)] : [];
  const [cause] = follow(error.cause);
  const several = Array.isArray(errors) ? errors.slice(0, MAX_CAUSES).flatMap(follow) : [];
  return {
    type,
    message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: `${type}: ${message}${framesOf(error)}`,
    ...(cause === undefined ? {} : { cause }),
    ...(several.length === 0 ? {} : { errors: several }),
  };
}

function cut(message: string): string {
  return message.length > MAX_MESSAGE_CHARACTERS ? `${message.slice(0, MAX_MESSAGE_CHARACTERS)}…` : message;
}

function framesOf(error: Error): string {
  const frames = String(error.stack)
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return frames.map((frame) => `\n${frame}`).join('');
}

/** Logs a request of Fastify without its headers and its query: the query of `/oauth/callback` holds the code. */
function loggableRequest(request: { method?: string; url?: string; ip?: string }) {
  return { method: request.method, path: request.url?.replace(/[?#].*$/s, ''), remoteAddress: request.ip };
}

function loggableResponse(response: { statusCode?: number }) {
  return { statusCode: response.statusCode };
}
