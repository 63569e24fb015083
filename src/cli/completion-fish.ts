import type { CompletedCommand, CompletedOption } from './completion-tree.ts';

/** The completion of fish. */
export function formatFish(tree: readonly CompletedCommand[]): string {
  return `# fish completion for waypost
function __waypost_at
    set -l node ''
    for word in (commandline -opc)
        switch (string trim -- "$node $word")
            case ${tree
              .slice(1)
              .map(({ path }) => quote(path))
              .join(' ')}
                set node (string trim -- "$node $word")
        end
    end
    test "$node" = "$argv[1]"
end
${tree.flatMap(formatCommand).join('')}`;
}

function formatCommand({ path, commands, options, words }: CompletedCommand): readonly string[] {
  const head = `complete -c waypost -n ${quote(`__waypost_at ${quote(path)}`)}`;
  return [
    ...commands.map(({ name, help }) => `${head} -f -a ${quote(name)} -d ${quote(help)}\n`),
    ...(words.length === 0 ? [] : [`${head} -f -a ${quote(words.join(' '))}\n`]),
    ...options.map((option) => `${head}${formatOption(option)}\n`),
  ];
}

function formatOption({ names, help, takesValue, values }: CompletedOption): string {
  const spelled = names.map((name) => (name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`)).join('');
  const value = values.length > 0 ? ` -x -a ${quote(values.join(' '))}` : takesValue ? ' -r' : '';
  return `${spelled}${value} -d ${quote(help)}`;
}

/** Within the quotes of fish a backslash and a quote have a backslash before them. */
function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
