import type { ArgumentsView } from './form-field.ts';

/** The button that shows the entered arguments in the other view, as the field `switchTo`. It sends nothing else. */
export function SwitchView({ view }: { view: ArgumentsView }) {
  const other = view === 'json' ? 'form' : 'json';
  return (
    <button type="submit" class="quiet" name="switchTo" value={other} formnovalidate>
      {other === 'json' ? 'Edit as JSON' : 'Edit as a form'}
    </button>
  );
}
