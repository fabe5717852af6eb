import { createHeadlessBrowser, type HeadlessPage } from '../embedded/headless-browser.ts';
import { MCP_SERVER_ID, type Stage } from './stage.ts';

/** What a connect session came to, for Ada's application and for her browser. */
export interface Consented {
  status: string;
  /** The last page that she saw. */
  page: HeadlessPage;
  /** Where she has been, by the headings of the pages. */
  headings: string[];
}

interface ConsentOptions {
  /** Her name for the connection. Default: `default`. */
  account?: string;
  /** Default: the story's server. */
  mcpServerId?: string;
  /** Her account at the authorization server. */
  signsInAs: string;
}

/**
 * Ada's application asks for a link, and her browser follows it: to Latchkey's page, to the authorization server, and
 * back. No other program is told an address but the MCP server's.
 */
export async function consent(
  { api }: Pick<Stage, 'api'>,
  { account, mcpServerId = MCP_SERVER_ID, signsInAs }: ConsentOptions,
): Promise<Consented> {
  const body = { mcpServerId, ...(account !== undefined && { account }) };
  const link = await api.request<{ connectSessionId: string; url: string }>(
    'POST',
    '/connect-sessions',
    body,
  );
  const browser = createHeadlessBrowser();
  const connectPage = await browser.open(link.url);
  const consentPage = await browser.press(connectPage, 'Connect');
  const page = await browser.press(consentPage, 'Sign in and allow', { account: signsInAs });
  const { status } = await api.request<{ status: string }>(
    'GET',
    `/connect-sessions/${link.connectSessionId}`,
  );
  return { status, page, headings: [connectPage, consentPage, page].map(({ heading }) => heading) };
}

export interface ListedConnection {
  account: string;
  status: string;
  version: number;
}

/** Ada's connections, as Latchkey lists them. */
export async function connectionsOf({ api }: Stage): Promise<ListedConnection[]> {
  const path = '/mcp-oauth-credentials';
  const { connections } = await api.request<{ connections: ListedConnection[] }>('GET', path);
  return connections;
}
