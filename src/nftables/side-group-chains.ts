import { protocolNumbers, protocols } from '../model/mod.ts';
import type { Family, StickyEntry } from '../model/mod.ts';
import { inSet, match, setMarkBits } from './expression.ts';
import type { Source, Statement } from './expression.ts';
import type { SideChain } from './side-context.ts';
import { sideFields } from './side-fields.ts';
import { markOfGroup } from './side-marks.ts';
import { clientsMapName, loopbackChainName, loopbackTargetsName, stickyChainName } from './side-sets.ts';

/**
 * Sets the mark of a server for a client of a sticky group. A new connection starts the client's time again; packets of
 * known connections only look, since the balancer may have to be told once more where a UDP flow belongs. Whoever is
 * not remembered, or is with a server that is not live, gets a server at random.
 *
 * The packet path cannot change what an element of a map says (the kernel's `update` only renews its timeout), hence
 * `delete` before `update`. A packet that finds no server keeps the group's mark, which belongs to no server.
 */
export function planStickyChain(family: Family, { group, timeoutSeconds, servers }: StickyEntry): SideChain {
  const { saddr } = sideFields(family);
  const clients = clientsMapName(group);
  const isNew = match('ct state', { anyOf: ['new'] });
  const remembered: readonly Statement[] = [{ kind: 'mark', to: { key: [saddr], map: clients } }, inSet(['mark'], 'live')];
  const change = (operation: 'update' | 'delete'): Statement => ({
    kind: 'update',
    operation,
    set: clients,
    key: [saddr],
    timeoutSeconds: operation === 'update' ? timeoutSeconds : null,
    value: 'mark',
  });
  const index: Source = { kind: 'random', modulus: servers.length };
  return {
    name: stickyChainName(group),
    hook: null,
    rules: [
      [isNew, ...remembered, change('update')],
      [...remembered, { kind: 'return' }],
      [
        { kind: 'mark', to: markOfGroup(group) },
        { kind: 'mark', to: { key: ['mark', index], map: 'picks' } },
      ],
      [isNew, change('delete'), change('update')],
    ],
  };
}

/** Translates to one of so many targets; all ports of the loopback interface with as many targets share it. */
export function planLoopbackChain(targets: number, masqueradeBit: number): SideChain {
  const key: readonly Source[] = ['dport', { kind: 'random', modulus: targets }];
  return {
    name: loopbackChainName(targets),
    hook: null,
    rules: protocols.map((protocol) => [
      match('l4proto', protocolNumbers[protocol]),
      setMarkBits(2 ** masqueradeBit),
      { kind: 'dnat', to: { key, map: loopbackTargetsName(protocol) } },
    ]),
  };
}
