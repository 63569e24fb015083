import { ipvsProblem, operationProblem } from './errors.ts';
import type { IpvsCode, IpvsProblem } from './errors.ts';
import type { IpvsOperation } from './port.ts';
import { renderOperation } from './render.ts';

/**
 * `ipvsadm --restore` says on standard error what the kernel refused, but not in which line. So every operation is followed
 * by a line that always fails, with words that no refusal of the operation itself can have: what stands before those words
 * belongs to the operation. The server that those lines name, UDP on the broadcast address, can carry no traffic.
 */
const nowhere = '-u 255.255.255.255:65535';
const markers = {
  server: { line: `-d ${nowhere} -r 127.0.0.1:65535`, says: 'Service not defined' },
  destination: { line: `-Z ${nowhere}`, says: 'No such service' },
} as const;

function markerOf({ verb }: IpvsOperation): { readonly line: string; readonly says: string } {
  return verb.endsWith('-server') ? markers.server : markers.destination;
}

/** The tool's words for the kernel's refusals (libipvs, `ipvs_strerror`). */
const codes: readonly (readonly [RegExp, IpvsCode])[] = [
  [/already exists/, 'WP_IPVS_EXISTS'],
  [/^(No such service|Service not defined)/, 'WP_IPVS_NO_SERVER'],
  [/^No such destination/, 'WP_IPVS_NO_DESTINATION'],
  [/^Scheduler or persistence engine not found/, 'WP_IPVS_NO_SCHEDULER'],
  [/^Invalid operation/, 'WP_IPVS_INVALID'],
  [/^Numerical result out of range/, 'WP_IPVS_RANGE'],
  [/^(Permission denied|Operation not permitted)/, 'WP_IPVS_DENIED'],
];

/** The tool's input for some operations, each of which `validateOperation` has passed. */
export function writeScript(operations: readonly IpvsOperation[]): string {
  return operations.map((operation) => `${renderOperation(operation)}\n${markerOf(operation).line}\n`).join('');
}

export interface ScriptResult {
  /** Of the operations that were read, which may be fewer than there were: the tool stops at a line that it does not understand. */
  readonly verdicts: readonly (IpvsProblem | null)[];
}

/** Reads from the tool's standard error what became of the operations. */
export function readScriptResult(operations: readonly IpvsOperation[], stderr: string): ScriptResult {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const verdicts: (IpvsProblem | null)[] = [];
  let at = 0;
  for (const operation of operations) {
    const { says } = markerOf(operation);
    const end = lines.findIndex((line, index) => index >= at && line.startsWith(says));
    if (end < 0) {
      // The tool ended here: because of this line, if it said something.
      if (at < lines.length) verdicts.push(explainWords(operation, lines.slice(at)));
      break;
    }
    verdicts.push(end === at ? null : explainWords(operation, lines.slice(at, end)));
    at = end + 1;
  }
  return { verdicts };
}

function explainWords(operation: IpvsOperation, words: readonly string[]): IpvsProblem {
  const said = words.join(' ');
  const code = codes.find(([pattern]) => words.some((line) => pattern.test(line)))?.[1] ?? 'WP_IPVS_REFUSED';
  return operationProblem(code, operation, said);
}

/** Why the tool could not work at all, from what it said; null where it could. */
export function explainStart(stderr: string): IpvsProblem | null {
  if (/^Can't initialize ipvs: .*(Permission denied|not permitted)/m.test(stderr)) {
    return ipvsProblem('WP_IPVS_DENIED', 'ipvsadm: the capability CAP_NET_ADMIN is missing');
  }
  if (/^Can't initialize ipvs: /m.test(stderr)) {
    return ipvsProblem('WP_IPVS_MISSING', `the kernel has no IPVS: ${stderr.trim().split('\n', 1)[0] ?? ''}`);
  }
  return null;
}
