import { explainGeneral, firstLine, iptablesProblem } from './errors.ts';
import type { IptablesCode, ToolExit } from './errors.ts';
import type { Operation } from './operation.ts';
import { foreignTargets, targetOptions } from './parse-options.ts';
import { splitWords } from './parse-words.ts';
import type { Batch, BatchFailure } from './port.ts';
import { renderBatch } from './restore-text.ts';
import type { LineOrigin } from './restore-text.ts';

/** What a failed `iptables-restore --verbose` left behind. */
export interface RestoreExit extends ToolExit {
  /** Holds the comment lines it came across: the number of the last section it began. */
  readonly stdout: string;
}

const inUse = 'the chain is still jumped to';

interface Finding {
  readonly code: IptablesCode;
  readonly message: string;
  readonly operation: Operation | null;
}

/**
 * Turns the failure of a restore into the code, the section and, where the tool tells, the operation.
 * The legacy variant mostly says no more than `line N failed`: the reason then follows from what the
 * line asked for, and nothing is known of a refusal by the kernel, which comes at COMMIT.
 */
export function explainRestore(exit: RestoreExit, batch: Batch): BatchFailure {
  const began = lastSection(exit.stdout);
  const general = explainGeneral(exit);
  if (general !== null) return { problem: general, section: began, operation: null };
  const line = /(?:line:? )(\d+)/.exec(exit.stderr)?.[1];
  const origin = line === undefined ? null : renderBatch(batch).operationAt(Number(line));
  const section = origin?.section ?? began;
  const { code, message, operation } = explainLine(exit.stderr, origin, batch[section]?.operations ?? []);
  return { problem: iptablesProblem(code, `${exit.tool}: ${message}${describe(operation)}`), section, operation };
}

function explainLine(stderr: string, origin: LineOrigin | null, operations: readonly Operation[]): Finding {
  const operation = origin?.operation ?? null;
  return (
    explainExtension(stderr, operation, operations) ??
    explainJump(stderr, operation, operations) ??
    explainKernel(stderr, operation) ??
    explainByOperation(stderr, operation, origin?.text ?? '')
  );
}

/** A match or target that the tool or the kernel does not have. */
function explainExtension(stderr: string, operation: Operation | null, operations: readonly Operation[]): Finding | null {
  const inTool = /Couldn't load (?:match|target) `([^']+)'/.exec(stderr);
  const inKernel = /Extension (\S+) revision \d+ not supported/.exec(stderr);
  const name = inKernel?.[1] ?? inTool?.[1];
  if (name === undefined) return null;
  if (inKernel === null && stderr.includes('load target') && !isTargetExtension(name)) return null;
  const where = inKernel === null ? 'is not installed with the tool' : 'is missing from the kernel (module not loaded?)';
  const blamed = operation ?? operations.find((one) => mentions(one, ['-m', '-j'], name)) ?? null;
  return { code: 'WP_IPTABLES_NO_MATCH', message: `the extension ${name} ${where}`, operation: blamed };
}

function isTargetExtension(name: string): boolean {
  return foreignTargets.has(name) || Object.hasOwn(targetOptions, name);
}

/** A jump to nowhere: the legacy variant takes the name for a target, the nft one notices at COMMIT. */
function explainJump(stderr: string, operation: Operation | null, operations: readonly Operation[]): Finding | null {
  const name = /(?:Couldn't load target `|Chain '(?=\S+' does not exist)|goto '(?=\S+' is not a chain))([^']+)'/.exec(
    stderr,
  )?.[1];
  if (name === undefined) return null;
  const blamed = operation ?? operations.find((one) => mentions(one, ['-j', '-g'], name)) ?? null;
  return { code: 'WP_IPTABLES_NO_CHAIN', message: `the chain ${name} does not exist`, operation: blamed };
}

/** The nft variant names the request that nf_tables refused and the error. */
function explainKernel(stderr: string, operation: Operation | null): Finding | null {
  const refusal = /line \d+: (\w+) failed \(([^)]*)\)/.exec(stderr);
  if (refusal === null) return null;
  const [, request = '', reason = ''] = refusal;
  if (request === 'CHAIN_DEL' && reason === 'Device or resource busy') {
    return { code: 'WP_IPTABLES_IN_USE', message: inUse, operation };
  }
  if (request.startsWith('RULE_') && reason === 'No such file or directory') {
    const used = extensionsOf(operation).join(', ');
    return { code: 'WP_IPTABLES_NO_MATCH', message: `the kernel lacks one of the extensions ${used}`, operation };
  }
  return { code: 'WP_IPTABLES_REFUSED', message: `${request}: ${reason}`, operation };
}

/** `line N failed`, with or without libiptc's reason. */
function explainByOperation(stderr: string, operation: Operation | null, line: string): Finding {
  const failed = /line \d+ failed(?:: (.*))?/.exec(stderr);
  const refused: Finding = { code: 'WP_IPTABLES_REFUSED', message: firstLine(stderr) || 'failed without a word', operation };
  if (failed === null) return refused;
  const reason = failed[1] ?? '';
  switch (operation?.kind) {
    case undefined:
      return { ...refused, message: reason === '' ? 'the kernel refused the section (its log may say why)' : reason };
    case 'delete-rule':
      return { code: 'WP_IPTABLES_NO_RULE', message: 'the rule to delete does not exist', operation };
    case 'delete-chain':
      // It is emptied first, so a chain that cannot be removed exists.
      return line.startsWith('-X ') ? { code: 'WP_IPTABLES_IN_USE', message: inUse, operation } : noSuchChain(operation);
    case 'insert-rule': {
      // At position 1 only a missing chain can be the reason; further down it is nearly always the place.
      const noChain = reason === '' ? operation.position === 1 : !reason.startsWith('Index');
      return noChain
        ? noSuchChain(operation)
        : { code: 'WP_IPTABLES_NO_RULE', message: 'no rule at the place to insert at', operation };
    }
    case 'append-rule':
      return noSuchChain(operation);
    default:
      return refused;
  }
}

function noSuchChain(operation: Operation): Finding {
  return { code: 'WP_IPTABLES_NO_CHAIN', message: `the chain ${operation.chain} does not exist`, operation };
}

function lastSection(stdout: string): number {
  const began = stdout.match(/^# \d+$/gm)?.at(-1);
  return began === undefined ? 0 : Number(began.slice(2));
}

function rulesOf(operation: Operation): readonly string[] {
  return operation.kind === 'write-chain' ? operation.rules : operation.kind === 'delete-chain' ? [] : [operation.rule];
}

function mentions(operation: Operation, options: readonly string[], name: string): boolean {
  return rulesOf(operation).some((rule) => rule.includes(name) && valuesOf(rule, options).includes(name));
}

function extensionsOf(operation: Operation | null): string[] {
  return operation === null ? [] : [...new Set(rulesOf(operation).flatMap((rule) => valuesOf(rule, ['-m', '-j'])))];
}

function valuesOf(rule: string, options: readonly string[]): string[] {
  const words = splitWords(rule) ?? [];
  return words.filter((_, index) => options.includes(words[index - 1] ?? ''));
}

function describe(operation: Operation | null): string {
  if (operation === null) return '';
  const rule = operation.kind === 'write-chain' || operation.kind === 'delete-chain' ? '' : `: ${operation.rule}`;
  return ` (${operation.kind} in chain ${operation.chain} of ${operation.table}${rule})`;
}
