import type { RegisteredCheck } from '../../connect/check-registered-server.ts';
import { CsrfField, type PageFrame, renderPage } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { checkServerPath, newServerPath, serversPath } from '../paths.ts';
import { CheckResult } from './check-result.tsx';
import { RegistrationFields, ServerFields, type ServerForm, Text, UrlFields } from './server-form.tsx';

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
        <form method="post" action={checkServerPath(frame.base)} class="card" id="check-form">
          <CsrfField value={csrf} />
          <UrlFields form={form} hasFocus={form.problems.url !== undefined} />
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
export function checkedServerPage(frame: PageFrame, page: CheckedServerPage): string {
  const { check, form } = page;
  return renderPage({
    ...frame,
    title: 'Add a server',
    section: 'servers',
    children: (
      <>
        <h1>Add a server</h1>
        {check === undefined && <NotAdded count={Object.keys(form.problems).length} />}
        {check !== undefined && <CheckResult check={check} hasFocus />}
        {check === undefined || check.kind === 'mcp' ? (
          <AddForm frame={frame} page={page} />
        ) : (
          <CorrectForm frame={frame} page={page} mayAdd={check.kind !== 'address-refused'} />
        )}
      </>
    ),
  });
}

function NotAdded({ count }: { count: number }) {
  return (
    <Notice kind="problem" id="not-added" hasFocus>
      <p>The server was not added. {count === 1 ? 'One field needs' : `${count} fields need`} a change.</p>
    </Notice>
  );
}

interface FormProps {
  frame: PageFrame;
  page: CheckedServerPage;
}

/** Adds the server. */
function AddForm({ frame: { base }, page: { form, csrf, check } }: FormProps) {
  return (
    <form method="post" action={serversPath(base)} class="card server-form" id="server-form">
      <CsrfField value={csrf} />
      <ServerFields form={form} check={check} />
      <div class="actions">
        <AddButton base={base} />
        <CheckButton base={base} isQuiet />
        <StartOver base={base} />
      </div>
    </form>
  );
}

/** Asks for another address after a check that failed. A server that is away can be added all the same. */
function CorrectForm({
  frame: { base },
  page: { form, csrf, check },
  mayAdd,
}: FormProps & { mayAdd: boolean }) {
  return (
    <form method="post" action={serversPath(base)} class="card server-form" id="server-form">
      <CsrfField value={csrf} />
      <UrlFields form={form} />
      <div class="actions">
        <CheckButton base={base} />
        <StartOver base={base} />
      </div>
      <details class="more" id="all-the-same">
        <summary>{mayAdd ? 'Add it all the same' : 'The rest of the registration'}</summary>
        <RegistrationFields form={form} check={check} />
        {mayAdd && <AddButton base={base} isQuiet />}
      </details>
    </form>
  );
}

interface ButtonProps {
  base: string;
  isQuiet?: boolean;
}

// Each says where the form goes, because the first button of a form is also what Enter presses.
function AddButton({ base, isQuiet = false }: ButtonProps) {
  return (
    <button type="submit" class={isQuiet ? 'quiet' : undefined} formaction={serversPath(base)}>
      Add server
    </button>
  );
}

function CheckButton({ base, isQuiet = false }: ButtonProps) {
  return (
    <button
      type="submit"
      class={isQuiet ? 'quiet' : undefined}
      formaction={checkServerPath(base)}
      formnovalidate
    >
      Check again
    </button>
  );
}

function StartOver({ base }: { base: string }) {
  return (
    <a class="button quiet" href={newServerPath(base)}>
      Start over
    </a>
  );
}
