import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Family, Outcome } from '../../src/model/mod.ts';
import {
  NetlinkSocket,
  askGeneration,
  netlinkProtocol,
  openRoutePort,
  openWire,
  resolveFamily,
  watchAddresses,
  watchRoutes,
  watchTables,
  writeAttribute,
  writeNetfilterHeader,
} from '../../src/netlink/mod.ts';
import type { Request, RoutePort } from '../../src/netlink/mod.ts';

/**
 * Runs inside a network namespace for as long as its standard input is open, since a netlink socket is of the
 * namespace of its process. Reads one call as JSON per line; writes results and events, one JSON object per line.
 */
export type Call =
  | { readonly op: 'route'; readonly family: Family; readonly method: string; readonly args: readonly unknown[] }
  | { readonly op: 'watch'; readonly what: Watched }
  | { readonly op: 'unwatch' }
  | { readonly op: 'resolve'; readonly name: string }
  | { readonly op: 'generation' }
  /** Makes tables of those names, exclusively, and deletes those whose name has a `-` before it. */
  | { readonly op: 'tables'; readonly names: readonly string[]; readonly generation: number | null }
  /** Makes a set of so many elements, of each of which listeners are told. */
  | { readonly op: 'flood'; readonly elements: number }
  /** A transaction and, at once, a list: the order of what settled. */
  | { readonly op: 'interleave'; readonly names: readonly string[] };

/** What is listened to: `routes` of IPv4, or the addresses of a family. */
export type Watched = 'tables' | 'routes' | Family;

const nftables = { newTable: 0xa_00, getTable: 0xa_01, deleteTable: 0xa_02 } as const;
const exclusive = 0x6_00;
const ipv4 = 2;

const options = { pause: () => null, sleep: async (milliseconds: number) => await sleep(milliseconds) };

async function openSocket(protocol: number): Promise<NetlinkSocket> {
  const wire = await openWire(protocol);
  if (!wire.ok) throw new Error(wire.problem.message);
  return new NetlinkSocket({ wire: wire.value, ...options });
}

const write = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const ports = new Map<Family, RoutePort>();
const watches: Disposable[] = [];
const sockets = {
  netfilter: await openSocket(netlinkProtocol.netfilter),
  generic: await openSocket(netlinkProtocol.generic),
};

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
}

function tableRequest(name: string): Request {
  const plain = name.replace(/^-/, '');
  return {
    type: name === plain ? nftables.newTable : nftables.deleteTable,
    flags: name === plain ? exclusive : 0,
    body: (writer) => {
      writeNetfilterHeader(writer, ipv4);
      writeAttribute(writer, 1, () => writer.bytes(new TextEncoder().encode(`${plain}\0`)));
    },
  };
}

async function callRoute({ family, method, args }: Extract<Call, { op: 'route' }>): Promise<unknown> {
  const port: RoutePort = ports.get(family) ?? unwrap(await openRoutePort({ family, pause: options.pause }));
  ports.set(family, port);
  return await (port as unknown as Record<string, (...all: readonly unknown[]) => Promise<unknown>>)[method]?.(...args);
}

/** The event loop stands still meanwhile, so nothing is received until it is over. */
function flood(elements: number): null {
  const list = Array.from({ length: elements }, (_, index) => index + 1).join(',');
  const input = `add table flood\nadd set flood s { type mark; size ${elements}; }\nadd element flood s { ${list} }\n`;
  const { status, stderr } = spawnSync('nft', ['-f', '-'], { input });
  if (status !== 0) throw new Error(`nft: ${stderr.toString()}`);
  return null;
}

async function interleave(names: readonly string[]): Promise<unknown> {
  const order: string[] = [];
  const sending = sockets.netfilter
    .transact({ subsystem: 10, generation: null, messages: names.map(tableRequest) })
    .then(({ kind }) => order.push(`transaction ${kind}`));
  const listing = sockets.netfilter
    .dump({ type: nftables.getTable, body: (writer) => writeNetfilterHeader(writer, 0) }, 'list tables', () =>
      order.push('table'),
    )
    .then((result) => order.push(`dump ${result.ok}`));
  await Promise.all([sending, listing]);
  return order;
}

function startWatch(what: Watched, tell: (event: unknown) => void): ReturnType<typeof watchTables> {
  if (what === 'tables') return watchTables(tell);
  return what === 'routes' ? watchRoutes('IPv4', tell) : watchAddresses(what, tell);
}

async function run(call: Call): Promise<unknown> {
  switch (call.op) {
    case 'route':
      return await callRoute(call);
    case 'watch': {
      const tell = (event: unknown): void => write({ event });
      watches.push(unwrap(await startWatch(call.what, tell)));
      return null;
    }
    case 'unwatch':
      for (const watch of watches.splice(0)) watch[Symbol.dispose]();
      return null;
    case 'resolve':
      return await resolveFamily(sockets.generic, call.name);
    case 'generation':
      return await askGeneration(sockets.netfilter);
    case 'tables': {
      const { generation, names } = call;
      return await sockets.netfilter.transact({ subsystem: 10, generation, messages: names.map(tableRequest) });
    }
    case 'flood':
      return flood(call.elements);
    case 'interleave':
      return await interleave(call.names);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, call } = JSON.parse(line) as { readonly id: number; readonly call: Call };
  try {
    write({ id, value: (await run(call)) ?? null });
  } catch (error) {
    write({ id, error: String(error) });
  }
}
