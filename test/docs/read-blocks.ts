/** A fenced block of a page. */
export interface Block {
  readonly file: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** Empty: none is named. */
  readonly language: string;
  /** What the comment `<!-- runs: ... -->` on the line before says; null: there is none. */
  readonly mark: string | null;
  readonly lines: readonly string[];
}

export const shellLanguages: ReadonlySet<string> = new Set(['sh', 'bash', 'console']);

const fence = /^(\s*)```(\S*)\s*$/;
const comment = /^\s*<!--\s*runs:\s*(.*?)\s*-->\s*$/;

/** All fenced blocks of a page, in order. A fence that nothing closes reaches to the end. */
export function readBlocks(file: string, text: string): readonly Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const opened = fence.exec(lines[at] ?? '');
    if (opened === null) continue;
    const [, indent = '', language = ''] = opened;
    const rest = lines.slice(at + 1);
    const length = rest.findIndex((line) => fence.exec(line)?.[2] === '');
    const inside = length < 0 ? rest : rest.slice(0, length);
    blocks.push({
      file,
      line: at + 1,
      language,
      mark: comment.exec(lines[at - 1] ?? '')?.[1] ?? null,
      lines: inside.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)),
    });
    at += inside.length + 1;
  }
  return blocks;
}

/** The shell's part of a block: all of it, or what stands behind `$ ` of a session with answers. */
export function scriptOf({ language, lines }: Block): string {
  if (language !== 'console') return lines.join('\n');
  return lines
    .filter((line) => line.startsWith('$ '))
    .map((line) => line.slice(2))
    .join('\n');
}

/** The answers of a session: the lines of a block that are no commands, without empty ones and `...`. */
export function answersOf({ language, lines }: Block): readonly string[] {
  if (language !== 'console') return [];
  return lines.filter((line) => !line.startsWith('$ ') && line.trim() !== '' && line !== '...');
}

/** Those lines that an output does not have in this order; any number stands for any other, and spaces for spaces. */
export function findMissingLines(answers: readonly string[], output: string): readonly string[] {
  const general = (line: string): string => line.trim().replaceAll(/\d+/g, '0').replaceAll(/\s+/g, ' ');
  const printed = output.split('\n').map(general);
  let from = 0;
  return answers.filter((line) => {
    const at = printed.indexOf(general(line), from);
    if (at >= 0) from = at + 1;
    return at < 0;
  });
}

/** A block without a language that looks like commands: it would escape the rules for those. */
export function looksLikeShell({ language, lines }: Block): boolean {
  return (
    language === '' && lines.some((line) => /^(?:\$ |(?:bin\/)?waypost |kubectl |npm |curl |nft |ip(?:tables)? )/.test(line))
  );
}
