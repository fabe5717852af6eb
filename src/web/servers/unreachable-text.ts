const TEXTS: Readonly<Record<string, string>> = {
  timeout: 'it did not answer within 10 seconds.',
  'connect-timeout': 'it did not accept a connection in time.',
  'headers-timeout': 'it did not answer within 10 seconds.',
  'body-timeout': 'its answer did not arrive in time.',
  'dns-failed': 'its host name has no address. Check the spelling.',
  'connect-refused': 'nothing listens at this address and port.',
  'tls-failed': 'its certificate is not valid for this host, or is not trusted here.',
  'proxy-failed':
    'the egress proxy of Latchkey can not be reached, or does not let the connection through. The log has its answer.',
  'invalid-url': 'the URL is not one that all programs read alike.',
  reset: 'it closed the connection without an answer.',
  'malformed-answer': 'its answer is not valid HTTP.',
  'body-too-large': 'its answer is too large.',
};

/** Says why a server could not be reached, to be read after a colon. */
export function unreachableText(cause: string): string {
  return TEXTS[cause] ?? `${cause}.`;
}
