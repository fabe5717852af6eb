/**
 * Scripts for shells that complete `latchkey`. Each holds what the commands of this version are; a shell that loads the
 * script when it starts (`source <(latchkey completion bash)`) has those of the installed version.
 */
import type { CompletionNode, OptionCompletion } from './completion-tree.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, nodes: readonly CompletionNode[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(nodes);
    case 'zsh':
      return zshScript(nodes);
    case 'fish':
      return fishScript(nodes);
    default:
      return shell satisfies never;
  }
}

/** The words of a command line that lead to the command, as a pattern of `case`. */
function caseOf({ path }: CompletionNode): string {
  return `'${path.join(' ')}'`;
}

/**
 * Finds the longest known command in the words before the cursor, for bash and zsh. An option's value is not mistaken
 * for a command, because the options that take one are known.
 */
function findCommand(nodes: readonly CompletionNode[], words: string): string {
  const paths = nodes.filter(({ path }) => path.length > 0).map(caseOf);
  return `  local at='' word skip=''
  for word in ${words}; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case "$at $word" in
${valueTakers(nodes)}
    esac
    [[ $word == -* ]] && continue
    case "\${at:+$at }$word" in
      ${paths.join('|')}) at="\${at:+$at }$word" ;;
    esac
  done`;
}

/** The patterns for options that take the next word. */
function valueTakers(nodes: readonly CompletionNode[]): string {
  return nodes
    .map((node) => ({
      node,
      flags: node.options.filter(({ takesValue }) => takesValue).flatMap(({ flags }) => flags),
    }))
    .filter(({ flags }) => flags.length > 0)
    .map(
      ({ node, flags }) =>
        `      ${flags.map((flag) => `'${node.path.join(' ')} ${flag}'`).join('|')}) skip=1 ;;`,
    )
    .join('\n');
}

/** The words between `latchkey` and the cursor. */
const BASH_WORDS = `"\${COMP_WORDS[@]:1:COMP_CWORD-1}"`;
const ZSH_WORDS = `"\${(@)words[2,CURRENT-1]}"`;

function bashScript(nodes: readonly CompletionNode[]): string {
  return `# latchkey completion for bash: source <(latchkey completion bash)
_latchkey() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
${findCommand(nodes, BASH_WORDS)}
  COMPREPLY=()
  case "$at $prev" in
${choiceCases(nodes, (choices) => `COMPREPLY=($(compgen -W '${choices}' -- "$cur")); return`)}
  esac
  [[ -n $skip ]] && return
  local subs='' opts=''
  case "$at" in
${nodes.map(bashCase).join('\n')}
  esac
  if [[ $cur == -* || -z $subs ]]; then subs=$opts; fi
  COMPREPLY=($(compgen -W "$subs" -- "$cur"))
}
complete -o default -F _latchkey latchkey
`;
}

function bashCase(node: CompletionNode): string {
  const subs = [...node.subcommands.map(({ word }) => word), ...node.argumentChoices.flat()];
  const opts = node.options.flatMap(({ flags }) => flags);
  return `    ${caseOf(node)}) subs='${subs.join(' ')}' opts='${opts.join(' ')}' ;;`;
}

/** The branches of `case` for options whose value is one of a few words. */
function choiceCases(nodes: readonly CompletionNode[], branch: (choices: string) => string): string {
  return nodes
    .flatMap((node) =>
      node.options
        .filter(({ choices }) => choices.length > 0)
        .map(({ flags, choices }) => {
          const patterns = flags.map((flag) => `'${node.path.join(' ')} ${flag}'`).join('|');
          return `    ${patterns}) ${branch(choices.join(' '))} ;;`;
        }),
    )
    .join('\n');
}

function zshScript(nodes: readonly CompletionNode[]): string {
  return `#compdef latchkey
# latchkey completion for zsh: source <(latchkey completion zsh)
_latchkey() {
  local cur=\${words[CURRENT]} prev=\${words[CURRENT-1]}
${findCommand(nodes, ZSH_WORDS)}
  case "$at $prev" in
${choiceCases(nodes, (choices) => `compadd -- ${choices}; return`)}
  esac
  [[ -n $skip ]] && { _files; return }
  local -a subs opts
  case "$at" in
${nodes.map(zshCase).join('\n')}
  esac
  if [[ $cur == -* || \${#subs} -eq 0 ]]; then _describe -o option opts; else _describe command subs; fi
}
compdef _latchkey latchkey
`;
}

function zshCase(node: CompletionNode): string {
  const subs = [
    ...node.subcommands,
    ...node.argumentChoices.flat().map((word) => ({ word, description: '' })),
  ];
  const opts = node.options.flatMap(({ flags, description }) => flags.map((word) => ({ word, description })));
  const list = (words: { word: string; description: string }[]) =>
    words.map(({ word, description }) => quoted(`${word}:${description.replaceAll(':', ' ')}`)).join(' ');
  return `    ${caseOf(node)}) subs=(${list(subs)}) opts=(${list(opts)}) ;;`;
}

function fishScript(nodes: readonly CompletionNode[]): string {
  const lines = nodes.flatMap((node) => {
    const condition = `-n '__latchkey_at "${node.path.join(' ')}"'`;
    return [
      ...node.subcommands.map(
        ({ word, description }) =>
          `complete -c latchkey -f ${condition} -a ${word} -d ${quoted(description)}`,
      ),
      ...node.argumentChoices.flat().map((word) => `complete -c latchkey -f ${condition} -a ${word}`),
      ...node.options.map((option) => `complete -c latchkey ${condition} ${fishOption(option)}`),
    ];
  });
  const paths = nodes.filter(({ path }) => path.length > 0).map(({ path }) => `'${path.join(' ')}'`);
  return `# latchkey completion for fish: latchkey completion fish | source
function __latchkey_at
  set -l path
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; and continue
    set -l longer (string trim "$path $word")
    contains -- "$longer" ${paths.join(' ')}; and set path "$longer"
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function fishOption({ flags, description, takesValue, choices }: OptionCompletion): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const value = takesValue ? ' -r' : '';
  const chosen = choices.length > 0 ? ` -f -a ${quoted(choices.join(' '))}` : '';
  return `${names.join(' ')}${value}${chosen} -d ${quoted(description)}`;
}

/** For all three shells: a text in single quotes, without any. */
function quoted(text: string): string {
  return `'${text.replaceAll(/['\\\\]/g, '’')}'`;
}
