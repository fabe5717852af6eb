import type { ComponentChildren } from 'preact';

export interface FieldFrame {
  name: string;
  /** Default: the name. */
  id?: string;
  label: ComponentChildren;
  /** Below the label. */
  hint?: ComponentChildren;
  /** Why the last input was refused. */
  problem?: string | undefined;
  required?: boolean;
  /** The form was refused because of this field alone, so the page begins there. */
  hasFocus?: boolean | undefined;
}

/** The attributes that join an input to its label, hint and problem. */
export interface InputJoin {
  id: string;
  name: string;
  required: boolean;
  'aria-describedby': string | undefined;
  'aria-invalid': 'true' | undefined;
  autofocus?: boolean;
}

/** What a browser checks or offers while the field is filled. */
export interface InputLimits {
  maxlength?: number;
  min?: number | string;
  max?: number | string;
  step?: number | 'any';
  inputmode?: 'text' | 'numeric' | 'decimal' | 'url' | 'email';
  placeholder?: string;
}

/** One field of a form: label, hint, problem, input. `children` renders the input with the attributes that it gets. */
export function Field({
  name,
  id = name,
  label,
  hint,
  problem,
  required = false,
  hasFocus = false,
  children,
}: FieldFrame & { children: (join: InputJoin) => ComponentChildren }) {
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>
        {label}
        {!required && <span class="optional"> optional</span>}
      </label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {problem && (
        <p class="complaint" id={`${id}-problem`}>
          {problem}
        </p>
      )}
      {children({
        id,
        name,
        required,
        'aria-describedby': described === '' ? undefined : described,
        'aria-invalid': problem === undefined ? undefined : 'true',
        ...(hasFocus && { autofocus: true }),
      })}
    </div>
  );
}

export function TextField({
  value = '',
  type = 'text',
  limits = {},
  ...frame
}: FieldFrame & {
  value?: string | undefined;
  type?: 'text' | 'url' | 'password' | 'number' | 'date' | 'email';
  limits?: InputLimits;
}) {
  return (
    <Field {...frame}>
      {/* The cast: the types of preact want to know the one type at compile time. */}
      {(join) => <input type={type as 'text'} value={value} autocomplete="off" {...limits} {...join} />}
    </Field>
  );
}

export function TextAreaField({
  value = '',
  rows = 4,
  isCode = false,
  ...frame
}: FieldFrame & { value?: string | undefined; rows?: number; isCode?: boolean }) {
  return (
    <Field {...frame}>
      {({ id, name, required, ...join }) => (
        <textarea
          id={id}
          name={name}
          required={required}
          rows={rows}
          class={isCode ? 'code' : undefined}
          {...join}
        >
          {/* HTML drops the first line break of a textarea. */}
          {`\n${value}`}
        </textarea>
      )}
    </Field>
  );
}

export interface Option {
  value: string;
  label: string;
}

export function SelectField({
  value,
  options,
  ...frame
}: FieldFrame & { value?: string | undefined; options: readonly Option[] }) {
  return (
    <Field {...frame}>
      {({ id, name, required, ...join }) => (
        <select id={id} name={name} required={required} {...join}>
          {options.map((option) => (
            <option key={option.value} value={option.value} selected={option.value === value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
