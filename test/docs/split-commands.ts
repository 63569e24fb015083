/** Characters that end a simple command of a shell, where they are not quoted. */
const separators = new Set(['|', ';', '&', '\n', '(', ')', '<', '>']);

/**
 * The simple commands of a script as lists of words: quotes, backslashes and comments are read as sh(1) does; nothing is
 * expanded. A file that is written to or read from is a command of one word, which does no harm to who looks for names.
 */
export function splitCommands(script: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  let word: string | null = null;
  const endWord = (): void => {
    if (word !== null) commands.at(-1)?.push(word);
    word = null;
  };
  for (let at = 0; at < script.length; at += 1) {
    const sign = script[at] ?? '';
    if (sign === "'" || sign === '"') {
      const end = script.indexOf(sign, at + 1);
      word = (word ?? '') + script.slice(at + 1, end < 0 ? undefined : end);
      at = end < 0 ? script.length : end;
    } else if (sign === '\\') {
      at += 1;
      if (script[at] !== '\n') word = (word ?? '') + (script[at] ?? '');
    } else if (sign === '#' && word === null) {
      const end = script.indexOf('\n', at);
      at = end < 0 ? script.length : end - 1;
    } else if (separators.has(sign)) {
      endWord();
      commands.push([]);
    } else if (/\s/.test(sign)) endWord();
    else word = (word ?? '') + sign;
  }
  endWord();
  return commands.filter((words) => words.length > 0);
}
