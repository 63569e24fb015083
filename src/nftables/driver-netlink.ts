import { setTimeout as sleep } from 'node:timers/promises';
import { succeed } from '../model/mod.ts';
import type { Outcome, Pause, Problem } from '../model/mod.ts';
import { askGeneration, errnos, netlinkProtocol, NetlinkSocket, openWire } from '../netlink/mod.ts';
import type { ByteWriter, Request, Wire } from '../netlink/mod.ts';
import { checkTransaction } from './check-transaction.ts';
import { decodeChain, decodeRule } from './decode-chain.ts';
import { assembleElements, decodeElements } from './decode-element.ts';
import type { ListedElement } from './decode-element.ts';
import { decodeSet } from './decode-set.ts';
import { encodeTransaction, messageNumber, writeHeader } from './encode.ts';
import type { ApplyReport, ChainState, ElementState, NftPort, NftProblem, RuleState, SetState, TableState } from './port.ts';
import { codeOf, refusedProblem, staleProblem } from './problem.ts';
import type { SetDefinition, TableName, Transaction } from './transaction.ts';
import { subview, writeText } from './wire-attribute.ts';
import {
  chainAttribute,
  familyNumbers,
  listAttribute,
  messageType,
  ruleAttribute,
  setAttribute,
  subsystem,
  tableAttribute,
} from './wire-names.ts';

export interface NetlinkNftOptions {
  readonly pause: Pause;
  /** Opens a socket; for tests. */
  readonly open?: () => Promise<Outcome<Wire>>;
  /** Waits so many milliseconds; for tests. */
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

/** A list that changed while it was read is read again so often. */
const dumpRetries = 5;
/** `struct nfgenmsg`, which stands before the attributes. */
const headerLength = 4;

/** nf_tables through netlink, on one socket that stays open. Fails where there is no socket to be had. */
export async function openNetlinkNftPort(options: NetlinkNftOptions): Promise<Outcome<NftPort>> {
  const wire = await (options.open ?? (() => openWire(netlinkProtocol.netfilter)))();
  if (!wire.ok) return wire;
  const wait = options.sleep ?? (async (milliseconds: number) => await sleep(milliseconds));
  const socket = new NetlinkSocket({ wire: wire.value, pause: options.pause, sleep: wait });
  return succeed({
    apply: (transaction, generation) => applyTransaction(socket, transaction, generation),
    generation: () => readGeneration(socket),
    readTable: (family, name) => readTable(socket, { family, name }),
    close: async () => socket[Symbol.dispose](),
  });
}

async function readGeneration(socket: NetlinkSocket): Promise<Outcome<number>> {
  const asked = await askGeneration(socket);
  return asked.ok ? succeed(asked.value.id) : asked;
}

async function applyTransaction(
  socket: NetlinkSocket,
  transaction: Transaction,
  generation: number | undefined,
): Promise<ApplyReport> {
  const problem = checkTransaction(transaction);
  if (problem !== null) return { problem, bytes: 0, messages: 0 };
  const { messages, commands } = encodeTransaction(transaction);
  const result = await socket.transact({ subsystem, generation: generation ?? null, messages });
  const sent = { bytes: result.kind === 'failed' ? 0 : 'bytes' in result ? result.bytes : 0, messages: messages.length };
  if (result.kind === 'done') return { ...sent, problem: null };
  if (result.kind === 'failed') return { ...sent, problem: { ...result.failure.problem, command: null } };
  if (result.kind === 'stale') return { ...sent, problem: staleProblem(transaction) };
  const [first] = result.refusals;
  if (first !== undefined) {
    return {
      ...sent,
      problem: refusedProblem(transaction, commands[first.index] ?? null, first.refusal.errno, first.refusal.text),
    };
  }
  return { ...sent, problem: wholeProblem(transaction, result.batch?.errno ?? 0, result.batch?.text ?? '') };
}

function wholeProblem(transaction: Transaction, errno: number, text: string): NftProblem {
  return refusedProblem(transaction, null, errno, text);
}

async function readTable(socket: NetlinkSocket, table: TableName): Promise<Outcome<TableState | null>> {
  const there = await findTable(socket, table);
  if (!there.ok) return there;
  if (!there.value) return succeed(null);
  const chains = await readChains(socket, table);
  if (!chains.ok) return chains;
  const sets = await readSets(socket, table);
  return sets.ok ? succeed({ ...table, chains: chains.value, sets: sets.value }) : sets;
}

/** Asks for this table alone: its list of rules would be empty for one that is not there. */
async function findTable(socket: NetlinkSocket, table: TableName): Promise<Outcome<boolean>> {
  const request = ask(table, messageType.getTable, (writer) => writeText(writer, tableAttribute.name, table.name));
  const { verdicts, failure } = await socket.submit([request]);
  if (failure !== null) return { ok: false, problem: failure.problem };
  const [verdict] = verdicts;
  if (verdict?.kind === 'done') return succeed(true);
  if (verdict?.kind !== 'refused') return unreadable(table, 'the kernel did not answer');
  if (verdict.refusal.errno === errnos.ENOENT) return succeed(false);
  return {
    ok: false,
    problem: {
      code: codeOf(verdict.refusal.errno),
      message: `cannot read table ${table.family} ${table.name}: the kernel refuses`,
    },
  };
}

async function readChains(socket: NetlinkSocket, table: TableName): Promise<Outcome<ReadonlyMap<string, ChainState>>> {
  const listed = await dump(
    socket,
    table,
    messageType.getChain,
    (writer) => writeText(writer, chainAttribute.table, table.name),
    (view) => decodeChain(table.family, view),
  );
  if (!listed.ok) return listed;
  const chains = new Map<string, { chain: ChainState['chain']; rules: RuleState[] }>();
  // The kernel lists the chains of all tables of the family.
  for (const { table: owner, name, chain } of listed.value) if (owner === table.name) chains.set(name, { chain, rules: [] });
  const rules = await dump(
    socket,
    table,
    messageType.getRule,
    (writer) => writeText(writer, ruleAttribute.table, table.name),
    (view) => decodeRule(table.family, view),
  );
  if (!rules.ok) return rules;
  for (const { table: owner, chain, rule } of rules.value) if (owner === table.name) chains.get(chain)?.rules.push(rule);
  return succeed(chains);
}

async function readSets(socket: NetlinkSocket, table: TableName): Promise<Outcome<ReadonlyMap<string, SetState>>> {
  const listed = await dump(
    socket,
    table,
    messageType.getSet,
    (writer) => writeText(writer, setAttribute.table, table.name),
    decodeSet,
  );
  if (!listed.ok) return listed;
  const sets = new Map<string, SetState>();
  for (const { table: owner, name, anonymous, set } of listed.value) {
    if (owner !== table.name || anonymous) continue;
    const elements = set === null ? succeed([]) : await readElements(socket, table, set);
    if (!elements.ok) return elements;
    sets.set(name, { set, elements: elements.value });
  }
  return succeed(sets);
}

async function readElements(
  socket: NetlinkSocket,
  table: TableName,
  set: SetDefinition,
): Promise<Outcome<readonly ElementState[]>> {
  const place = (writer: ByteWriter): void => {
    writeText(writer, listAttribute.table, table.name);
    writeText(writer, listAttribute.set, set.name);
  };
  const listed = await dump<readonly ListedElement[]>(socket, table, messageType.getElements, place, (view) =>
    decodeElements(set, view),
  );
  if (!listed.ok) return listed;
  const elements = assembleElements(set, listed.value.flat());
  return elements === null ? unreadable(table, `set ${set.name} has elements that are not of its type`) : succeed(elements);
}

/** Lists something once more until it stayed the same meanwhile. */
async function dump<T>(
  socket: NetlinkSocket,
  table: TableName,
  type: number,
  body: (writer: ByteWriter) => void,
  decode: (view: DataView) => T | null,
): Promise<Outcome<readonly T[]>> {
  const what = `list table ${table.family} ${table.name}`;
  for (let attempt = 0; attempt <= dumpRetries; attempt += 1) {
    const found: T[] = [];
    let whole = true;
    const result = await socket.dump(ask(table, type, body), what, (view, { start, end }) => {
      const decoded = decode(subview(view, start + headerLength, end));
      if (decoded === null) whole = false;
      else found.push(decoded);
    });
    if (!result.ok) return { ok: false, problem: dumpProblem(result.failure.errno, result.failure.problem) };
    if (!whole) return unreadable(table, 'the kernel lists something that is not understood');
    if (!result.interrupted) return succeed(found);
  }
  return { ok: false, problem: { code: 'WP_NFT_BUSY', message: `cannot ${what}: it changes all the time` } };
}

function dumpProblem(errno: number, problem: Problem): Problem {
  return errno === 0 ? problem : { ...problem, code: codeOf(errno) };
}

function unreadable(table: TableName, why: string): { readonly ok: false; readonly problem: Problem } {
  return {
    ok: false,
    problem: { code: 'WP_NFT_UNREADABLE', message: `cannot read table ${table.family} ${table.name}: ${why}` },
  };
}

function ask(table: TableName, type: number, body: (writer: ByteWriter) => void): Request {
  return {
    type: messageNumber(type),
    body: (writer) => {
      writeHeader(writer, familyNumbers[table.family]);
      body(writer);
    },
  };
}
