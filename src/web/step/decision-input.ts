import type { ArgumentProblem } from '../../mcp/check-arguments-in-thread.ts';
import type { ArgumentsForm, ArgumentsView, FormValues } from '../arguments-form/form-field.ts';
import type { NoToolsReason } from '../no-tools-words.tsx';

/** How the form of an approval shows the arguments. */
export interface ApprovalForm {
  view: ArgumentsView;
  /** The tool's input schema. Undefined: it can't be read now, so only JSON is offered and nothing is checked here. */
  schema: Record<string, unknown> | undefined;
  /** Why the schema can't be read. */
  noSchema?: NoToolsReason | undefined;
  /** From the schema. */
  form: ArgumentsForm;
  values: FormValues;
  /** web/arguments-form/form-mark.ts */
  mark: string;
  problems: readonly ArgumentProblem[];
  /** Why the last approval was not applied, where that is not about one value. */
  notice?: string | undefined;
}

/** What was entered in a form whose input was refused. */
export interface RefusedInput {
  /** Why an approval was not applied, where its form can't be shown again. */
  approval?: string;
  reason?: { text: string; problem: string };
  resultText?: { text: string; problem: string };
}
