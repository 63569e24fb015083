import type { PacketWorld, TraceHook } from '../model/mod.ts';

/** Connection tracking looks at a packet: a new connection, unless a rule has said that it is none of its business. */
export function track(world: PacketWorld): PacketWorld {
  const { connection, packet } = world;
  return connection.state === 'none' ? { ...world, connection: { ...connection, state: 'new', original: packet } } : world;
}

/** Whether chains of type nat are asked about the packet at this hook. */
export function isOpen({ connection }: PacketWorld, hook: TraceHook): boolean {
  return connection.state === 'new' && !connection.settled[endAt(hook)];
}

/** The connection keeps the end that this hook is about. */
export function settle(world: PacketWorld, hook: TraceHook): PacketWorld {
  if (!isOpen(world, hook)) return world;
  const { connection } = world;
  return { ...world, connection: { ...connection, settled: { ...connection.settled, [endAt(hook)]: true } } };
}

/** After a chain of type nat: what it translated is settled, and no other chain is asked. */
export function noteTranslation(world: PacketWorld, hook: TraceHook): PacketWorld {
  return world.connection.translated[endAt(hook)] ? settle(world, hook) : world;
}

function endAt(hook: TraceHook): 'destination' | 'source' {
  return hook === 'prerouting' || hook === 'output' ? 'destination' : 'source';
}
