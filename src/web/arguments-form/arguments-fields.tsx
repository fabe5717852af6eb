import type { ArgumentProblem } from '../../mcp/check-arguments-in-thread.ts';
import { type FieldFrame, SelectField, TextAreaField, TextField } from '../parts/field.tsx';
import {
  type ArgumentsForm,
  type ArgumentsView,
  type FieldInput,
  type FormField,
  type FormValues,
  JSON_INPUT,
  shownField,
} from './form-field.ts';
import { choiceText } from './form-values.ts';
import { problemSentence, problemsAt } from './problem-words.ts';
import { ArgumentProblems } from './problems.tsx';

export interface ArgumentsFieldsProps {
  /** From the tool's input schema: fields-of.ts. */
  form: ArgumentsForm;
  values: FormValues;
  problems?: readonly ArgumentProblem[];
  view: ArgumentsView;
}

/** The fields of a form for a tool's arguments, below a list of what is wrong with them. */
export function ArgumentsFields({ form, values, problems = [], view }: ArgumentsFieldsProps) {
  if (view === 'json' || form.kind === 'json') return <JsonArguments values={values} problems={problems} />;
  return (
    <>
      <ArgumentProblems problems={problems} fields={form.fields} values={values} />
      {form.fields.length === 0 && <p>This tool takes no arguments.</p>}
      {form.fields.map((field) => (
        <ArgumentField
          key={field.property}
          field={field}
          values={values}
          problem={problemsAt(problems, field.property)}
        />
      ))}
    </>
  );
}

function JsonArguments({ values, problems }: Required<Pick<ArgumentsFieldsProps, 'values' | 'problems'>>) {
  const own = problems.filter(({ path }) => path.length === 0).map(({ message }) => message);
  return (
    <>
      <ArgumentProblems problems={problems} fields={[]} values={values} />
      <TextAreaField
        name={JSON_INPUT}
        label="Arguments"
        hint="A JSON object."
        required
        isCode
        rows={rowsOf(values[JSON_INPUT] ?? '')}
        value={values[JSON_INPUT] ?? '{}'}
        problem={
          problems.length === 0 ? undefined : problemSentence(own[0] ?? 'has values that need a change')
        }
      />
    </>
  );
}

/** The rows of a text area for JSON. */
function rowsOf(json: string): number {
  return Math.min(Math.max(json.split('\n', 16).length + 1, 4), 16);
}

interface ArgumentFieldProps {
  field: FormField;
  values: FormValues;
  problem: string | undefined;
}

function ArgumentField({ field, values, problem }: ArgumentFieldProps) {
  const { name, input } = shownField(field, values);
  const frame: FieldFrame = {
    name,
    label: <span dir="auto">{field.label}</span>,
    hint: hintOf(field, input),
    problem,
    required: field.isRequired,
  };
  return <ValueInput frame={frame} field={field} input={input} value={values[name]} />;
}

interface ValueInputProps {
  frame: FieldFrame;
  field: FormField;
  input: FieldInput;
  value: string | undefined;
}

function ValueInput({ frame, field, input, value = '' }: ValueInputProps) {
  switch (input.kind) {
    case 'text':
      return <TextInput frame={frame} format={input.format} value={value} />;
    case 'number':
      return (
        <TextField {...frame} value={value} limits={{ inputmode: input.isWhole ? 'numeric' : 'decimal' }} />
      );
    case 'boolean':
      return <SelectField {...frame} value={value} options={[emptyOption(field), YES, NO]} />;
    case 'choice': {
      const choices = input.choices.map((choice) => ({
        value: choiceText(choice.value),
        label: choice.label,
      }));
      return <SelectField {...frame} value={value} options={[emptyOption(field), ...choices]} />;
    }
    case 'lines':
      return <TextAreaField {...frame} value={value} rows={3} />;
    case 'json':
      return <TextAreaField {...frame} value={value} rows={rowsOf(value)} isCode />;
    default:
      return input satisfies never;
  }
}

const YES = { value: 'true', label: 'Yes' };
const NO = { value: 'false', label: 'No' };

function emptyOption({ isRequired, isNullable }: FormField) {
  if (!isRequired) return { value: '', label: 'Leave out' };
  return { value: '', label: isNullable ? 'Nothing (null)' : 'Choose…' };
}

type TextFormat = Extract<FieldInput, { kind: 'text' }>['format'];

// A browser would change a text that does not fit the type of its input.
function TextInput({ frame, format, value }: { frame: FieldFrame; format: TextFormat; value: string }) {
  if (format === 'long' || /[\r\n]/.test(value)) return <TextAreaField {...frame} value={value} rows={5} />;
  switch (format) {
    case 'date':
      return <TextField {...frame} type={value === '' || isDate(value) ? 'date' : 'text'} value={value} />;
    case 'email':
      return <TextField {...frame} value={value} limits={{ inputmode: 'email' }} />;
    case 'uri':
      return <TextField {...frame} value={value} limits={{ inputmode: 'url' }} />;
    case 'plain':
    case 'date-time':
      return <TextField {...frame} value={value} />;
    default:
      return format satisfies never;
  }
}

/** A date that exists. https://html.spec.whatwg.org/#valid-date-string */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith('0000')) return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function hintOf(field: FormField, input: FieldInput) {
  const given = field.default === undefined ? '' : `If left out: ${JSON.stringify(field.default)}.`;
  const words = [field.hint, FORMAT_HINTS[input.kind === 'text' ? input.format : input.kind] ?? '', given];
  const hint = words.filter((part) => part !== '').join(' ');
  return hint === '' ? undefined : <span dir="auto">{hint}</span>;
}

const FORMAT_HINTS: Readonly<Record<string, string>> = {
  'date-time': 'A time such as 2026-01-31T09:00:00Z.',
  lines: 'One entry a line.',
  json: 'Written as JSON.',
};
