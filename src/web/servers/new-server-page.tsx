import type { RegisteredCheck } from '../../connect/check-registered-server.ts';
import { CsrfField, type PageFrame, renderPage } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { newServerPath, serversPath } from '../paths.ts';
import { CheckResult } from './check-result.tsx';
import { ServerFields, type ServerForm, Text, UrlFields } from './server-form.tsx';

export interface NewServerPage {
  form: ServerForm;
  csrf: string;
}

/** The first page: an address to check. */
export function newServerPage(frame: PageFrame, { form, csrf }: NewServerPage): string {
  return renderPage({
    ...frame,
    title: 'Add a server',
    section: 'servers',
    children: (
      <>
        <h1>Add a server</h1>
        <p>Enter its address. Latchkey asks it what it is and how users connect. Nothing is stored yet.</p>
        <form method="post" action={`${serversPath(frame.base)}/check`} class="card" id="check-form">
          <CsrfField value={csrf} />
          <UrlFields form={form} />
          <Text form={form} name="title" label="Name" hint="What users see." max={255} />
          <div class="actions">
            <button type="submit">Check</button>
            <a class="button quiet" href={serversPath(frame.base)}>
              Back
            </a>
          </div>
        </form>
      </>
    ),
  });
}

export interface CheckedServerPage extends NewServerPage {
  /** Undefined: the form was refused before a check. */
  check: RegisteredCheck | undefined;
}

/** The second page: what the check has found, and the registration to complete. */
export function checkedServerPage(frame: PageFrame, { form, csrf, check }: CheckedServerPage): string {
  const problems = Object.keys(form.problems).length;
  return renderPage({
    ...frame,
    title: 'Add a server',
    section: 'servers',
    children: (
      <>
        <h1>Add a server</h1>
        {check === undefined && (
          <Notice kind="problem">
            <p>
              The server was not added. {problems === 1 ? 'One field needs' : `${problems} fields need`} a
              change.
            </p>
          </Notice>
        )}
        {check !== undefined && <CheckResult check={check} />}
        <form method="post" action={serversPath(frame.base)} class="card server-form" id="server-form">
          <CsrfField value={csrf} />
          <ServerFields form={form} check={check} />
          <div class="actions">
            <button type="submit">Add server</button>
            <button
              type="submit"
              class="quiet"
              formaction={`${serversPath(frame.base)}/check`}
              formnovalidate
            >
              Check again
            </button>
            <a class="button quiet" href={newServerPath(frame.base)}>
              Start over
            </a>
          </div>
        </form>
      </>
    ),
  });
}
