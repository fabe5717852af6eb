import { errors } from 'undici';
import { NetworkError, type NetworkErrorCode } from './network.ts';

/** Translates an error of undici, Node or OpenSSL into a NetworkError, with the original as its `cause`. */
export function networkFailure(cause: unknown, at: { sent: boolean; secure: boolean }): NetworkError {
  if (cause instanceof NetworkError) return cause;
  if (cause instanceof errors.HTTPParserError)
    return new NetworkError('malformed-answer', at.sent, { cause });
  const report = reportOf(cause);
  const code =
    codeOfUndici(report) ?? (at.sent ? codeAfterSending(report) : codeOfConnecting(report, at.secure));
  return new NetworkError(code, at.sent, { cause });
}

interface Report {
  code: string;
  syscall: string;
}

function codeOfUndici({ code }: Report): NetworkErrorCode | undefined {
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'connect-timeout';
    case 'UND_ERR_BODY_TIMEOUT':
      return 'body-timeout';
    case 'UND_ERR_CLOSED':
    case 'UND_ERR_DESTROYED':
      return 'aborted';
    case 'UND_ERR_INVALID_ARG':
      return 'invalid-request';
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return 'malformed-answer';
    default:
      return undefined;
  }
}

function codeAfterSending({ code }: Report): NetworkErrorCode {
  // zlib (Z_) or brotli (ERR__) could not decode the body.
  return /^(Z_|ERR__)/.test(code) ? 'malformed-answer' : 'reset';
}

function codeOfConnecting({ code, syscall }: Report, secure: boolean): NetworkErrorCode {
  if (code === 'ETIMEDOUT') return 'connect-timeout';
  if (syscall === 'connect') return 'connect-refused';
  // TCP is connected, so only the TLS handshake can fail before the first byte.
  return secure ? 'tls-failed' : 'reset';
}

function reportOf(cause: unknown): Report {
  // Several addresses were tried (RFC 8305). The failure of the first one is reported.
  const failure: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return { code: textOf(failure, 'code'), syscall: textOf(failure, 'syscall') };
}

function textOf(failure: unknown, field: 'code' | 'syscall'): string {
  const value: unknown = failure instanceof Error && field in failure ? Reflect.get(failure, field) : '';
  return typeof value === 'string' ? value : '';
}
