import { describeFields, suggestName } from '../config/mod.ts';
import type { FieldDescription } from '../config/mod.ts';
import { formatTable } from '../observe/mod.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import type { Terminal } from './terminal.ts';

export interface ExplainOptions {
  readonly output: 'table' | DocumentFormat;
}

/** `waypost config explain`: one field, those of a section or flag, or all. Gives the exit code: 2 where it is none of them. */
export function runExplain(name: string | undefined, { output }: ExplainOptions, terminal: Terminal): number {
  const all = describeFields();
  const fields = name === undefined ? all : findFields(all, name);
  if (fields.length === 0) {
    const near = suggestName(name ?? '', all.flatMap(namesOf));
    terminal.err(
      `waypost: FIELD "${name ?? ''}" is no field, section or flag${near === null ? '' : ` (did you mean ${near}?)`}\n`,
    );
    return 2;
  }
  if (output !== 'table') printDocument({ version: 1, fields }, output, terminal);
  else if (fields.length === 1) terminal.out(fields.map(formatField).join(''));
  else terminal.out(`${formatFields(fields)}\n${changeNote}\n`);
  return 0;
}

/** The field of that path or flag, else those of the section. */
function findFields(all: readonly FieldDescription[], name: string): readonly FieldDescription[] {
  const exact = all.filter((one) => namesOf(one).includes(name));
  return exact.length > 0 ? exact : all.filter(({ path }) => path.startsWith(`${name}.`));
}

function namesOf({ path, flag }: FieldDescription): readonly string[] {
  return flag === null ? [path] : [path, `--${flag}`];
}

const changes: Readonly<Record<FieldDescription['change'], string>> = {
  live: 'taken by the running agent when its file changes',
  restart: 'takes effect with a restart; the agent ends by itself when its file is written',
};

const changeNote = `Fields whose CHANGE is live are ${changes.live}. A change of any other ${changes.restart}. The files that dns.config names are read anew while it runs.`;

function formatFields(fields: readonly FieldDescription[]): string {
  const columns = [
    { title: 'FIELD' },
    { title: 'FLAG' },
    { title: 'TYPE' },
    { title: 'DEFAULT' },
    { title: 'CHANGE' },
    { title: 'WHAT FOR' },
  ];
  const cells = fields.map((one) => [
    one.path,
    one.flag === null ? '-' : `--${one.flag}`,
    one.type,
    tellDefault(one),
    one.change,
    one.help,
  ]);
  return formatTable(columns, cells);
}

function formatField(one: FieldDescription): string {
  const lines = [
    ['field', one.path],
    ['document', one.document],
    ['flag', tellFlag(one)],
    ['type', one.type],
    ['default', tellDefault(one)],
    ['what for', one.help],
    ['change', changes[one.change]],
  ];
  return lines.map(([title = '', text = '']) => `${title.padEnd(10)}${text}\n`).join('');
}

function tellDefault({ fallback, otherFallbacks }: FieldDescription): string {
  return [fallback || 'none', ...otherFallbacks.map((other) => `${other.where}: ${other.fallback || 'none'}`)].join('; ');
}

function tellFlag({ flag, flagModes, flagBeatsFile }: FieldDescription): string {
  if (flag === null) return 'none';
  const modes = flagModes === null ? '' : `, in mode ${flagModes.join(' and ')}`;
  return `--${flag}${modes}; ${flagBeatsFile ? 'counts' : 'does not count'} beside --config`;
}
