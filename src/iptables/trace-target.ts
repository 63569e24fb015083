import type { Address, PacketWorld, StageEnd, TraceEffect, TraceHost } from '../model/mod.ts';
import type { Target } from './rule.ts';
import { remember } from './trace-match.ts';

type PlainTarget = Exclude<Target, { kind: 'jump' | 'goto' }>;

/** What a target other than a jump does to a packet. */
export interface Followed {
  readonly after: PacketWorld;
  readonly effects: readonly TraceEffect[];
  readonly verdict: StageEnd['verdict'] | 'go on' | 'return';
}

export function followTarget(target: PlainTarget | null, world: PacketWorld, host: TraceHost): Followed {
  if (target === null) return { after: world, effects: [], verdict: 'go on' };
  switch (target.kind) {
    case 'accept':
    case 'drop':
      return { after: world, effects: [{ kind: target.kind }], verdict: target.kind };
    case 'reject':
      return { after: world, effects: [{ kind: 'reject', with: target.with }], verdict: 'reject' };
    case 'return':
      return { after: world, effects: [{ kind: 'return' }], verdict: 'return' };
    case 'mark': {
      // `--set-xmark`: the mask's bits are cleared, then the value's are flipped.
      const mark = ((world.mark & ~target.mask) ^ target.value) >>> 0;
      return { after: { ...world, mark }, effects: [{ kind: 'mark', mark }], verdict: 'go on' };
    }
    case 'remember':
      return { after: remember(world, target.set), effects: [{ kind: 'remember', set: target.set }], verdict: 'go on' };
    case 'dnat':
      return translateDestination(world, target.address, target.port);
    case 'masquerade':
      return masquerade(world, host);
    default:
      return target satisfies never;
  }
}

function translateDestination(world: PacketWorld, address: Address, port: number): Followed {
  const { packet, connection } = world;
  const changed = packet.destination !== address || packet.destinationPort !== port;
  const translated = { ...connection.translated, destination: connection.translated.destination || changed };
  return {
    after: {
      ...world,
      packet: { ...packet, destination: address, destinationPort: port },
      connection: { ...connection, translated },
    },
    effects: [{ kind: 'destination', address, port }],
    verdict: 'accept',
  };
}

/** Without an address to take, the kernel drops the packet (net/netfilter/nf_nat_masquerade.c). */
function masquerade(world: PacketWorld, host: TraceHost): Followed {
  const { packet, connection, outDevice } = world;
  const source = host.masqueradeAddress(packet.destination, outDevice);
  if (source === null) {
    const reason = `the node has no ${host.family} address to masquerade as on ${outDevice}`;
    return { after: world, effects: [{ kind: 'other', words: reason }, { kind: 'drop' }], verdict: 'drop' };
  }
  const translated = { ...connection.translated, source: true };
  return {
    after: { ...world, packet: { ...packet, source }, connection: { ...connection, translated } },
    effects: [{ kind: 'source', address: source, port: null }],
    verdict: 'accept',
  };
}
