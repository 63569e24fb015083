import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { Announcer, openAnnounceKernel, watchInterfaces } from '../../src/ingress/mod.ts';
import { families, succeed } from '../../src/model/mod.ts';
import type { LeaseListener, LeasePort, MemberLease, Outcome } from '../../src/model/mod.ts';
import type { FromAgent, ToAgent } from './hub-protocol.ts';

/** An announcer in the network namespace of this process, with its Leases in a hub: `<path of the hub> <node> <duration in ms>`. */
const [path = '', node = '', duration = ''] = process.argv.slice(2);

const socket = connect(path);
const waiting = new Map<number, () => void>();
let lastId = 0;
let listener: LeaseListener | null = null;
let own: MemberLease | null = null;

const send = (message: FromAgent): void => void socket.write(`${JSON.stringify(message)}\n`);

function write(lease: MemberLease): Promise<Outcome<void>> {
  lastId += 1;
  own = lease;
  send({ kind: 'write', id: lastId, lease });
  return new Promise((resolve) => void waiting.set(lastId, () => resolve(succeed(undefined))));
}

const leases: LeasePort = {
  start(given) {
    listener = given;
    send({ kind: 'hello', node });
  },
  write,
  release: () => (own === null ? Promise.resolve(succeed(undefined)) : write({ ...own, holder: '' })),
  close: async () => {},
};

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
}

const kernels = await Promise.all(
  families.map(async (family) => unwrap(await openAnnounceKernel({ family, pause: () => null, devices: [] }))),
);
const announcer = new Announcer({
  node,
  instance: `${node}-${process.pid}`,
  durationMs: Number(duration),
  leases,
  kernels,
  clock: {
    now: () => performance.timeOrigin + performance.now(),
    after: (delay, callback) => {
      const timer = setTimeout(callback, delay);
      return () => clearTimeout(timer);
    },
  },
  notice: (notice) => {
    process.stdout.write(`${JSON.stringify(notice)}\n`);
    setImmediate(() =>
      send({ kind: 'owners', node, owners: Object.fromEntries(announcer.rows().map(({ address, owner }) => [address, owner])) }),
    );
  },
});
const watching = unwrap(await watchInterfaces(() => announcer.recheck()));

async function take(message: ToAgent): Promise<void> {
  switch (message.kind) {
    case 'lease':
      return listener?.seen(message.lease);
    case 'listed':
      return listener?.listed();
    case 'written':
      waiting.get(message.id)?.();
      waiting.delete(message.id);
      return;
    case 'set':
      return announcer.set(message.wanted);
    case 'close':
      await announcer.close(message.how);
      watching.close();
      socket.end();
      return;
  }
}

createInterface({ input: socket }).on('line', (line) => void take(JSON.parse(line) as ToAgent));
await announcer.start();
