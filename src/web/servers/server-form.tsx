import type { RegisteredCheck } from '../../connect/check-registered-server.ts';
import { TextField } from '../parts/field.tsx';

/** The fields of the form that adds a server, by their names. Secrets are never rendered. */
export const SECRET_FIELDS = ['query', 'token', 'clientSecret'] as const;
export const CLEAR_FIELDS = [
  ...['url', 'id', 'title', 'type', 'clientId', 'scopes'],
  ...['authorizationServer', 'authorizationEndpoint', 'tokenEndpoint'],
] as const;

/** What was entered, without secrets, and what is wrong with it. */
export interface ServerForm {
  /** By the name of the field. The URL has no query. */
  values: Readonly<Record<string, string>>;
  problems: Readonly<Record<string, string>>;
  /** The URL had a query. It may hold a secret, so it has a field of its own that stays empty. */
  hasQuery: boolean;
}

interface FieldsProps {
  form: ServerForm;
  check: RegisteredCheck | undefined;
}

export function ServerFields(props: FieldsProps) {
  return (
    <>
      <UrlFields form={props.form} />
      <RegistrationFields {...props} />
    </>
  );
}

/** All fields but the address. */
export function RegistrationFields({ form, check }: FieldsProps) {
  return (
    <>
      <Text form={form} name="id" label="Id" hint={ID_HINT} max={255} required />
      <Text form={form} name="title" label="Name" hint="What users see." max={255} />
      <fieldset id="authorization">
        <legend>Authorization</legend>
        <Choice form={form} value="oauth2" label="OAuth: each user connects an account" />
        <Choice form={form} value="bearer" label="One token for all users" />
        <Choice form={form} value="none" label="None" />
        <Problem form={form} name="type" />
      </fieldset>
      <div data-auth="oauth2">
        <OAuthFields form={form} check={check} />
      </div>
      <div data-auth="bearer">
        <Text
          form={form}
          name="token"
          label="Token"
          hint="Stored encrypted and never shown again."
          isSecret
        />
      </div>
    </>
  );
}

const ID_HINT = 'Programs name the server by it. It can’t be changed later.';

/** @param hasFocus the form was refused because of the address alone */
export function UrlFields({ form, hasFocus = false }: { form: ServerForm; hasFocus?: boolean }) {
  return (
    <>
      <Text
        form={form}
        name="url"
        label="Address of the MCP server"
        hint="Such as https://mcp.example.com/mcp"
        max={2048}
        required
        hasFocus={hasFocus}
      />
      {form.hasQuery && (
        <Text
          form={form}
          name="query"
          label="Query of the URL"
          hint="What stands behind the question mark. It may hold a secret, so it is not shown: enter it again."
          isSecret
          required
        />
      )}
    </>
  );
}

function OAuthFields({ form, check }: FieldsProps) {
  const authorization = check?.kind === 'mcp' ? check.authorization : undefined;
  const needsClient = authorization?.kind === 'oauth' && authorization.client === undefined;
  const names = ['authorizationServer', 'authorizationEndpoint', 'tokenEndpoint'];
  const areEndpointsMissing =
    authorization?.kind === 'blocked' || (authorization?.kind === 'oauth' && authorization.isGuess);
  const isOpen = areEndpointsMissing || names.some((name) => form.values[name] || form.problems[name]);
  const clientHint = needsClient
    ? 'From the provider, where you register Latchkey with the redirect URI above.'
    : 'Only if you have registered Latchkey at the provider yourself.';
  return (
    <>
      <Text form={form} name="clientId" label="Client id" hint={clientHint} max={255} />
      <Text
        form={form}
        name="clientSecret"
        label="Client secret"
        hint="Stored encrypted and never shown again."
        isSecret
      />
      <Text
        form={form}
        name="scopes"
        label="Scopes"
        hint="Separated by spaces. Empty: what the server asks for."
        max={2048}
      />
      <details id="endpoints" open={isOpen}>
        <summary>Authorization server and endpoints</summary>
        <p class="hint">Only where the server does not publish them.</p>
        <Text form={form} name="authorizationServer" label="Authorization server (issuer)" max={2048} />
        <Text form={form} name="authorizationEndpoint" label="Authorization endpoint" max={2048} />
        <Text form={form} name="tokenEndpoint" label="Token endpoint" max={2048} />
      </details>
    </>
  );
}

interface TextProps {
  form: ServerForm;
  name: string;
  label: string;
  hint?: string;
  max?: number;
  isSecret?: boolean;
  required?: boolean;
  hasFocus?: boolean;
}

export function Text(props: TextProps) {
  const { form, name, label, hint, max, isSecret = false, required = false, hasFocus = false } = props;
  return (
    <TextField
      name={name}
      label={label}
      problem={form.problems[name]}
      hasFocus={hasFocus}
      value={isSecret ? '' : form.values[name]}
      type={isSecret ? 'password' : 'text'}
      limits={max === undefined ? {} : { maxlength: max }}
      required={required}
      {...(hint !== undefined && { hint })}
    />
  );
}

function Choice({ form, value, label }: { form: ServerForm; value: string; label: string }) {
  const id = `type-${value}`;
  return (
    <div class="check">
      <input type="radio" name="type" id={id} value={value} checked={form.values.type === value} />
      <label for={id}>{label}</label>
    </div>
  );
}

function Problem({ form, name }: { form: ServerForm; name: string }) {
  const problem = form.problems[name];
  return problem === undefined ? null : <p class="complaint">{problem}</p>;
}
