import type { ProbeAnswer } from './health-types.ts';
import { oneLine } from './health-http.ts';

/** A line to the process that runs the programs of checks. */
export type ProgramOrder =
  | { readonly id: number; readonly kind: 'run'; readonly path: string; readonly words: readonly string[] }
  | { readonly id: number; readonly kind: 'stop' };

/** A line from it. `output` is the beginning of what the program wrote. */
export type ProgramReport =
  | { readonly id: number; readonly kind: 'exit'; readonly code: number; readonly output: string }
  | { readonly id: number; readonly kind: 'signal'; readonly signal: string; readonly output: string }
  /** It did not start. */
  | { readonly id: number; readonly kind: 'error'; readonly message: string };

/** What a program's end says of the back end. Its first line of output is the reason. */
export function judgeProgram(report: ProgramReport): ProbeAnswer {
  if (report.kind === 'error') return { kind: 'unasked', text: `the program did not start: ${oneLine(report.message)}` };
  const said = oneLine(report.output);
  if (report.kind === 'signal') return { kind: 'bad', text: withReason(`ended by ${report.signal}`, said) };
  return { kind: report.code === 0 ? 'good' : 'bad', text: withReason(`exit code ${report.code}`, said) };
}

function withReason(end: string, said: string): string {
  return said === '' ? end : `${end}: ${said}`;
}
