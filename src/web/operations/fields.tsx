import type { OperationsFilter } from '../paths.ts';

interface FieldProps {
  name: keyof OperationsFilter;
  label: string;
  filter: OperationsFilter;
}

/** A field of the form that narrows a list: an id. */
export function FilterText({ name, label, filter }: FieldProps) {
  return (
    <div>
      <label for={name}>{label}</label>
      <input id={name} name={name} value={filter[name]} maxlength={255} autocomplete="off" dir="auto" />
    </div>
  );
}

/** A day. A list from a link may begin at another moment, which the field can't show. */
export function FilterDay({ name, label, filter }: FieldProps) {
  return (
    <div>
      <label for={name}>{label}</label>
      <input id={name} name={name} type="date" value={filter[name]?.slice(0, 10)} />
    </div>
  );
}

interface ChoiceProps extends FieldProps {
  /** Values and what they are called. */
  choices: readonly (readonly [string, string])[];
}

export function FilterChoice({ name, label, filter, choices }: ChoiceProps) {
  return (
    <div>
      <label for={name}>{label}</label>
      <select id={name} name={name}>
        <option value="">All</option>
        {choices.map(([value, text]) => (
          <option key={value} value={value} selected={filter[name] === value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
