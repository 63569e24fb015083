import { loadConfig } from '../config/mod.ts';
import type { Problem } from '../model/mod.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import type { Terminal } from './terminal.ts';

export interface ValidateOptions {
  readonly config: string;
  readonly output: 'text' | DocumentFormat;
}

/** `waypost config validate`: all that is wrong with a file. Gives the exit code: 1 where it cannot be used, 2 where none is named. */
export async function runValidate({ config: file, output }: ValidateOptions, terminal: Terminal): Promise<number> {
  if (file === '') {
    terminal.err('waypost: --config must name a file, not ""\n');
    return 2;
  }
  const loaded = await loadConfig(new Map([['config', [file]]]));
  const tell = (level: 'error' | 'warning') => (problem: Problem) => ({ level, code: problem.code, message: problem.message });
  const findings = [...(loaded.ok ? [] : loaded.problems).map(tell('error')), ...loaded.warnings.map(tell('warning'))];
  const mode = loaded.ok ? loaded.config.mode : null;
  if (output !== 'text') printDocument({ version: 1, file, valid: loaded.ok, mode, findings }, output, terminal);
  else {
    for (const { level, message } of findings) terminal.out(`${level.padEnd(7)}  ${message}\n`);
    if (mode !== null) terminal.out(`${file} can be used, in mode ${mode}\n`);
  }
  return loaded.ok ? 0 : 1;
}
