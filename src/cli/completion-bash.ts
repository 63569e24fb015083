import { commandPattern, quoteForShell as quote, valuePatterns } from './completion-tree.ts';
import type { CompletedCommand } from './completion-tree.ts';

/**
 * The completion of bash; it needs none of the functions that distributions bring. Where it has no words, as for most values,
 * bash offers names of files.
 */
export function formatBash(tree: readonly CompletedCommand[]): string {
  return `# bash completion for waypost
_waypost() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} node= words= index
  # bash takes the equals sign of --option=value for a word of its own.
  if [[ $current == '=' ]]; then
    current=
  elif [[ $previous == '=' ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for (( index = 1; index < COMP_CWORD; index++ )); do
    case "\${node:+$node }\${COMP_WORDS[index]}" in
      ${commandPattern(tree)})
        node="\${node:+$node }\${COMP_WORDS[index]}" ;;
    esac
  done
  COMPREPLY=()
  case "$node $previous" in
${tree.flatMap(formatValues).join('')}  esac
  if [[ -n $words ]]; then
    :
  elif [[ $current == -* ]]; then
    case $node in
${tree
  .map(({ path, options }) =>
    formatWords(
      path,
      options.flatMap(({ names }) => names),
    ),
  )
  .join('')}    esac
  else
    case $node in
${tree.map(({ path, commands, words }) => formatWords(path, [...commands.map(({ name }) => name), ...words])).join('')}    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _waypost waypost
`;
}

/** Cases of what the word before is, where the word to complete is its value. */
function formatValues(command: CompletedCommand): readonly string[] {
  const { listed, free } = valuePatterns(command);
  return [
    ...listed.map(({ pattern, values }) => `    ${pattern}) words=${quote(values.join(' '))} ;;\n`),
    ...(free === null ? [] : [`    ${free}) return ;;\n`]),
  ];
}

function formatWords(path: string, words: readonly string[]): string {
  return words.length === 0 ? '' : `      ${quote(path)}) words=${quote(words.join(' '))} ;;\n`;
}
