import type { ArgumentProblem } from '../../mcp/check-arguments-in-thread.ts';
import { Notice } from '../parts/notice.tsx';
import { type FormField, type FormValues, JSON_INPUT, shownField } from './form-field.ts';
import { inside, problemSentence } from './problem-words.ts';

const MAX_LISTED = 20;

interface Problems {
  problems: readonly ArgumentProblem[];
  fields: readonly FormField[];
  values: FormValues;
}

/** Lists what is wrong with the arguments, with links to the fields. */
export function ArgumentProblems({ problems, fields, values }: Problems) {
  if (problems.length === 0) return null;
  return (
    <Notice kind="problem" id="argument-problems" hasFocus>
      <p>The arguments need a change. Nothing was sent.</p>
      <ul>
        {problems.slice(0, MAX_LISTED).map((problem) => (
          <Problem
            key={`${problem.path.join('/')} ${problem.message}`}
            problem={problem}
            fields={fields}
            values={values}
          />
        ))}
      </ul>
    </Notice>
  );
}

function Problem({ problem, fields, values }: Omit<Problems, 'problems'> & { problem: ArgumentProblem }) {
  const { path, message } = problem;
  const field = fields.find(({ property }) => property === path[0]);
  if (field !== undefined) {
    return (
      <li>
        <a href={`#${encodeURIComponent(shownField(field, values).name)}`}>
          <bdi>{field.label}</bdi>
        </a>
        : {inside(path.slice(1), message)}
      </li>
    );
  }
  const isJson = fields.length === 0;
  return (
    <li>
      <span dir="auto">
        {problemSentence(path.length === 0 ? `the arguments: ${message}` : inside(path, message))}
      </span>
      {isJson && (
        <>
          {' '}
          <a href={`#${JSON_INPUT}`}>Show</a>
        </>
      )}
    </li>
  );
}
