import type { Address, Protocol } from '../model/mod.ts';
import type { Verdict } from './expression.ts';
import { protocolNumbers } from './side-sets.ts';
import type { ChainHook } from './transaction.ts';
import type { TableState } from './port.ts';
import { TraceTable } from './trace-table.ts';
import { askStatement } from './trace-statement.ts';
import type { Answer } from './trace-statement.ts';

/** The first packet of a connection. */
export interface TracedPacket {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  readonly port: number;
  /** Null: a process of the node sends it. */
  readonly inInterface: string | null;
  readonly mark: number;
  readonly localAddresses: ReadonlySet<Address>;
}

/** One thing that may become of a packet. */
export interface TracedWay {
  readonly verdict: 'passes' | 'drop' | 'reject';
  /** Where it goes, translated or not. */
  readonly destination: Address;
  readonly port: number;
  readonly translated: boolean;
  readonly masquerade: boolean;
  /** Packet mark where it leaves, or where it is delivered. */
  readonly mark: number;
  /** All ways together have 1. */
  readonly probability: number;
}

/** A packet on its way. */
export interface Travelling extends Omit<TracedPacket, 'protocol'> {
  readonly protocol: number;
  readonly translated: boolean;
  readonly masquerade: boolean;
  readonly probability: number;
}

type End = { readonly kind: 'accept' | 'drop' | 'reject' | 'return'; readonly packet: Travelling };

/** Where a packet goes: by whom it is sent and whether it stays on the node. */
type Hook = ChainHook['hook'];

/**
 * Every way that the rules of one table leave to a packet, worked out without sending it. Draws are followed to each of their
 * results. Throws for statements that no table of the data plane has.
 */
export function tracePacket(table: TableState, { protocol, ...packet }: TracedPacket): readonly TracedWay[] {
  const traced = traceTableOf(table);
  const start: Travelling = {
    ...packet,
    protocol: protocolNumbers[protocol],
    translated: false,
    masquerade: false,
    probability: 1,
  };
  const entered = passHook(traced, packet.inInterface === null ? 'output' : 'prerouting', start);
  const ways: TracedWay[] = [];
  for (const end of entered) {
    if (end.kind === 'drop' || end.kind === 'reject') ways.push(wayOf(end.kind, end.packet));
    else ways.push(...leave(traced, end.packet));
  }
  return merge(ways);
}

/** Many packets are traced through one table. */
const traceTables = new WeakMap<TableState, TraceTable>();

function traceTableOf(table: TableState): TraceTable {
  const known = traceTables.get(table) ?? new TraceTable(table);
  traceTables.set(table, known);
  return known;
}

/** Behind the routing decision. What a process sends passes the last hook, whoever gets it. */
function leave(traced: TraceTable, packet: Travelling): readonly TracedWay[] {
  const stays = packet.localAddresses.has(packet.destination);
  const hooks: readonly Hook[] =
    packet.inInterface === null
      ? ['postrouting', ...(stays ? (['input'] as const) : [])]
      : stays
        ? ['input']
        : ['forward', 'postrouting'];
  let on: readonly Travelling[] = [packet];
  const ways: TracedWay[] = [];
  for (const hook of hooks) {
    const ends = on.flatMap((one) => passHook(traced, hook, one));
    for (const { kind, packet: ended } of ends) if (kind === 'drop' || kind === 'reject') ways.push(wayOf(kind, ended));
    on = ends.flatMap(({ kind, packet: passed }) => (kind === 'drop' || kind === 'reject' ? [] : [passed]));
  }
  return [...ways, ...on.map((one) => wayOf('passes', one))];
}

function wayOf(verdict: TracedWay['verdict'], packet: Travelling): TracedWay {
  const { destination, port, translated, masquerade, mark, probability } = packet;
  return { verdict, destination, port, translated, masquerade, mark, probability };
}

/** The same end by several draws is one way. */
function merge(ways: readonly TracedWay[]): readonly TracedWay[] {
  const groups = Map.groupBy(ways, (way) => JSON.stringify({ ...way, probability: 0 }));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, probability: group.reduce((sum, { probability }) => sum + probability, 0) }];
  });
}

/** The base chains of a hook, lower priorities first. A chain that accepts leaves the others to judge. */
function passHook(traced: TraceTable, hook: Hook, packet: Travelling): readonly End[] {
  let on: readonly End[] = [{ kind: 'accept', packet }];
  for (const name of traced.baseChains(hook)) {
    on = on.flatMap((end) => (end.kind === 'drop' || end.kind === 'reject' ? [end] : runChain(traced, name, 0, end.packet)));
  }
  return on;
}

function runChain(traced: TraceTable, name: string, from: number, packet: Travelling): readonly End[] {
  const rules = traced.rules(name);
  const ends: End[] = [];
  let on: readonly Travelling[] = [packet];
  for (let index = from; index < rules.length && on.length > 0; index += 1) {
    const next: Travelling[] = [];
    for (const one of on) {
      for (const answer of runRule(traced, rules[index] ?? [], one)) {
        if (answer.kind === 'on' || answer.kind === 'through') next.push(answer.packet);
        else if (answer.kind === 'verdict') follow(traced, answer.verdict, answer.packet, ends, next);
        else ends.push({ kind: answer.kind, packet: answer.packet });
      }
    }
    on = next;
  }
  return [...ends, ...on.map((one): End => ({ kind: 'return', packet: one }))];
}

function follow(traced: TraceTable, verdict: Verdict, packet: Travelling, ends: End[], next: Travelling[]): void {
  if (verdict.kind === 'accept' || verdict.kind === 'drop' || verdict.kind === 'return') {
    ends.push({ kind: verdict.kind, packet });
    return;
  }
  const left = runChain(traced, verdict.chain, 0, packet);
  for (const end of left) {
    // What comes to the end of a chain that was jumped to goes on behind the jump.
    if (end.kind === 'return' && verdict.kind === 'jump') next.push(end.packet);
    else ends.push(end);
  }
}

/** `through`: behind the last statement, which for the next rule is the same as `on`. */
type RuleAnswer = Answer | End;

/** What a rule does. */
function runRule(
  traced: TraceTable,
  statements: ReturnType<TraceTable['rules']>[number],
  packet: Travelling,
): readonly RuleAnswer[] {
  let on: readonly Travelling[] = [packet];
  const answers: RuleAnswer[] = [];
  for (const statement of statements) {
    const next: Travelling[] = [];
    for (const one of on) {
      for (const answer of askStatement(traced, statement, one)) {
        if (answer.kind === 'through') next.push(answer.packet);
        else answers.push(answer);
      }
    }
    on = next;
  }
  return [...answers, ...on.map((one): RuleAnswer => ({ kind: 'on', packet: one }))];
}
