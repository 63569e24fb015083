import { commandPattern, quoteForShell as quote, valuePatterns } from './completion-tree.ts';
import type { CompletedCommand, CompletedOption } from './completion-tree.ts';

/** The completion of zsh: a file `_waypost` of the function path, or to be sourced. */
export function formatZsh(tree: readonly CompletedCommand[]): string {
  return `#compdef waypost
_waypost() {
  local node= word= previous=\${words[CURRENT-1]}
  local -a choices
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${node:+$node }$word" in
      (${commandPattern(tree)})
        node="\${node:+$node }$word" ;;
    esac
  done
  if [[ \${words[CURRENT]} == --*=* ]]; then
    previous=\${words[CURRENT]%%=*}
    compset -P '*='
  fi
  case "$node $previous" in
${tree.flatMap(formatValues).join('')}  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    case $node in
${tree.map(formatOptions).join('')}    esac
    _describe -o option choices
    return
  fi
  case $node in
${tree.map(formatCommands).join('')}    (*) _files; return ;;
  esac
  _describe command choices
}
if [[ $funcstack[1] == _waypost ]]; then
  _waypost "$@"
else
  compdef _waypost waypost
fi
`;
}

function formatValues(command: CompletedCommand): readonly string[] {
  const { listed, free } = valuePatterns(command);
  return [
    ...listed.map(({ pattern, values }) => `    (${pattern}) compadd -- ${values.map(quote).join(' ')}; return ;;\n`),
    ...(free === null ? [] : [`    (${free}) _files; return ;;\n`]),
  ];
}

function formatOptions({ path, options }: CompletedCommand): string {
  const entries = options.flatMap((option) => option.names.map((name) => entry(name, option)));
  return `      (${quote(path)}) choices=(${entries.join(' ')}) ;;\n`;
}

function formatCommands({ path, commands, words }: CompletedCommand): string {
  const entries = [...commands.map((one) => entry(one.name, one)), ...words.map(quote)];
  return entries.length === 0 ? '' : `    (${quote(path)}) choices=(${entries.join(' ')}) ;;\n`;
}

function entry(name: string, { help }: Pick<CompletedOption, 'help'>): string {
  return quote(`${name}:${help}`);
}
