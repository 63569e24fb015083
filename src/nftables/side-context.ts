import { parsePrefix } from '../model/mod.ts';
import type { Family, PodTraffic, SideSettings } from '../model/mod.ts';
import { inSet, match, matchNot } from './expression.ts';
import type { FieldName, Statement } from './expression.ts';
import { sideFields } from './side-fields.ts';
import type { SideFields } from './side-fields.ts';
import type { Chain, ChainHook, Command } from './transaction.ts';

/** A chain with all it has to hold. */
export interface SideChain extends Chain {
  readonly rules: readonly (readonly Statement[])[];
}

/** What the rules of a family depend on besides entries. */
export interface SideContext {
  readonly family: Family;
  readonly settings: SideSettings;
  readonly fields: SideFields;
  readonly captureBit: number;
  readonly masqueradeBit: number;
}

export function makeSideContext(family: Family, settings: SideSettings): SideContext {
  return {
    family,
    settings,
    fields: sideFields(family),
    captureBit: 2 ** settings.captureBit,
    masqueradeBit: 2 ** settings.masqueradeBit,
  };
}

export const isNew = match('ct state', { anyOf: ['new'] });
export const accept: Statement = { kind: 'accept' };
export const drop: Statement = { kind: 'drop' };
export const leave: Statement = { kind: 'return' };
export const portUnreachable: Statement = { kind: 'reject', with: 'port-unreachable' };
export const tcpReset: Statement = { kind: 'reject', with: 'tcp-reset' };
export const goto = (chain: string): Statement => ({ kind: 'goto', chain });
export const jump = (chain: string): Statement => ({ kind: 'jump', chain });
export const setMark = (mark: number): Statement => ({ kind: 'mark', to: mark });
export const hasBits = (bits: number): Statement => match('mark', { mask: bits, equals: bits });

/** A chain that others lead to. */
export function plainChain(name: string, rules: SideChain['rules']): SideChain {
  return { name, hook: null, rules };
}

/** A chain of type filter that the kernel calls. */
export function filterChain(name: string, hook: ChainHook['hook'], priority: number, rules: SideChain['rules']): SideChain {
  return { name, hook: { type: 'filter', hook, priority }, rules };
}

/** What makes the chain, empty. */
export function addChain({ name, hook }: Chain): Command {
  return { kind: 'add-chain', chain: { name, hook } };
}

/** What fills it. */
export function addRules({ name, rules }: Pick<SideChain, 'name' | 'rules'>): readonly Command[] {
  return rules.map((statements) => ({ kind: 'add-rule', chain: name, rule: { statements } }));
}

const loopbackPrefix = parsePrefix('127.0.0.0/8') ?? '127.0.0.1';

export function matchLoopback({ family, fields }: SideContext, negated = false): Statement {
  const value = family === 'IPv4' ? loopbackPrefix : '::1';
  return negated ? matchNot(fields.daddr, value) : match(fields.daddr, value);
}

/** Not from a loopback address. */
export function matchElsewhere({ family, fields }: SideContext): Statement {
  return matchNot(fields.saddr, family === 'IPv4' ? loopbackPrefix : '::1');
}

/** Null where no traffic is that of pods. */
export function matchPodTraffic({ settings: { podTraffic }, fields }: SideContext): Statement | null {
  return matchPods(podTraffic, fields.saddr);
}

/** Null where no traffic is that of pods. */
export function matchPods(podTraffic: PodTraffic, saddr: FieldName): Statement | null {
  switch (podTraffic.kind) {
    case 'none':
      return null;
    case 'source':
      return match(saddr, podTraffic.prefix);
    case 'interface':
      return match('iifname', podTraffic.name);
    case 'interface-prefix':
      return match('iifname', { startsWith: podTraffic.prefix });
  }
}

/** For each device through which nothing comes but what peers send on. */
export function matchTunnels({ settings }: SideContext): readonly Statement[] {
  return settings.tunnelDevices.map((device) => match('iifname', device));
}

/** From the link-layer address of a peer: what it sends on, or what it sends of its own. */
export const fromPeerLink = inSet(['ether saddr'], 'peer_links');
