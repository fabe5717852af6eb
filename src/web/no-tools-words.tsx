import type { ComponentChildren } from 'preact';
import type { NoTools } from '../tools/tool-finder.ts';
import { type ConnectionNeed, NEED_BUTTONS } from './connection-needs.ts';
import { CONNECTION_REASON_WORDS } from './connection-reasons.ts';

/** Why a server's tools, or the tool of this name, can't be read now. */
export type NoToolsReason = NoTools | { kind: 'unknown-tool' };

/** What helps. `see-server`: only an admin can do something. */
export type Remedy = ConnectionNeed['kind'] | 'try-again' | 'see-server' | 'choose-server' | 'choose-tool';

/** Whether a consent of the user helps. */
export function isConsent(remedy: Remedy): remedy is ConnectionNeed['kind'] {
  return Object.hasOwn(NEED_BUTTONS, remedy);
}

export interface Explanation {
  title: string;
  text: (server: ComponentChildren) => ComponentChildren;
  remedy: Remedy;
}

/** Says why the tools of a server, or one of them, can't be read. */
export function explainNoTools(why: NoToolsReason): Explanation {
  switch (why.kind) {
    case 'unknown-server':
      return {
        title: 'No such server',
        text: () => 'This server is not registered, or an admin has removed it.',
        remedy: 'choose-server',
      };
    case 'unknown-tool':
      return {
        title: 'No such tool',
        text: (server) => <>{server} has no tool of this name any more, or never had.</>,
        remedy: 'choose-tool',
      };
    case 'reauth-required':
      return {
        title: 'Connect first',
        text: (server) => (
          <>
            {server} shows its tools when you are connected. {reasonOf(why.reason)}
          </>
        ),
        remedy: why.reason === 'not-connected' ? 'connect' : 'reconnect',
      };
    case 'insufficient-scope':
      return {
        title: 'More access needed',
        text: (server) => <>{server} wants you to allow more before it shows its tools.</>,
        remedy: 'allow-more',
      };
    default:
      return explainOutage(why);
  }
}

function reasonOf(reason: Extract<NoTools, { kind: 'reauth-required' }>['reason']): string {
  return reason === 'not-connected' ? '' : CONNECTION_REASON_WORDS[reason];
}

type Outage = Exclude<NoTools, { kind: 'unknown-server' | 'reauth-required' | 'insufficient-scope' }>;

function explainOutage(why: Outage): Explanation {
  switch (why.kind) {
    case 'slow':
      return tryAgain('Still waiting', (server) => <>{server} takes long to list its tools.</>);
    case 'busy':
      return tryAgain('Busy', () => 'Too many lists of tools are being read at once. Try again in a moment.');
    case 'unavailable':
      return tryAgain('The server does not answer', (server) => (
        <>{server} could not be reached, or did not answer in time. Try again in a moment.</>
      ));
    case 'token-endpoint-unavailable':
      return tryAgain('Your access can’t be renewed now', (server) => (
        <>The provider that signs you in to {server} does not answer. Try again in a moment.</>
      ));
    case 'failed':
      return explainFailure(why.code);
    case 'key-missing':
      return operatorOnly('A key is missing', () => (
        <>
          The key that your access is encrypted with is missing. The people who run this service have to add
          it.
        </>
      ));
    case 'misconfigured':
      return operatorOnly('The server is not set up', (server) => (
        <>
          Requests to {server} can’t be authorized as it is registered: {why.message}. An admin has to correct
          that.
        </>
      ));
    default:
      return why satisfies never;
  }
}

function explainFailure(code: Extract<NoTools, { kind: 'failed' }>['code']): Explanation {
  switch (code) {
    case 'forbidden':
      return operatorOnly('Not allowed', (server) => (
        <>{server} refuses to list its tools for this account. Its operator decides who may use it.</>
      ));
    case 'result-too-large':
      return operatorOnly('Too many tools', (server) => (
        <>The list of tools of {server} is larger than this server’s registration allows.</>
      ));
    // A list of tools has no other failure, but shares its type with the calls.
    case 'tool-error':
    case 'unknown-tool':
    case 'invalid-arguments':
    case 'protocol-error':
      return operatorOnly('The server’s answer can’t be read', (server) => (
        <>
          {server} answered, but not with a list of tools as MCP defines it. Its operator has to correct that.
        </>
      ));
    default:
      return code satisfies never;
  }
}

function tryAgain(title: string, text: Explanation['text']): Explanation {
  return { title, text, remedy: 'try-again' };
}

function operatorOnly(title: string, text: Explanation['text']): Explanation {
  return { title, text, remedy: 'see-server' };
}
