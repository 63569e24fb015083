import { createInterceptKeeper } from '../../src/dns/intercept-keeper.ts';
import { createListenRoutes } from '../../src/dns/listen-routes.ts';
import { families, familyOf } from '../../src/model/mod.ts';
import type { Address, Clock, InterceptWish } from '../../src/model/mod.ts';
import { createRouteTool } from '../../src/netlink/mod.ts';
import { createExecNftPort, createInterceptRules, openHeartbeat, openNetlinkNftPort } from '../../src/nftables/mod.ts';
import { listen } from '../lab/resident/serve.ts';

/**
 * Stands for an agent whose resolver answers: makes the addresses local, listens, intercepts, and says `ready`.
 * Killed or stopped, it shows what becomes of its clients.
 */
export interface AgentOrder {
  /** What it answers as. */
  readonly name: string;
  readonly driver: 'netlink' | 'exec';
  /** What the node's processes send from. */
  readonly sources: Readonly<Record<'IPv4' | 'IPv6', Address>>;
  /** Addresses that it makes local. */
  readonly routes: readonly Address[];
  readonly wish: InterceptWish;
}

const clock: Clock = {
  now: () => Date.now(),
  after: (delay, callback) => {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};

function must<T>(
  outcome: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: { message: string } },
): T {
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
}

async function run({ name, driver, sources, routes, wish }: AgentOrder): Promise<void> {
  for (const family of families) {
    const ofFamily = routes.filter((address) => familyOf(address) === family);
    if (ofFamily.length === 0) continue;
    // oxlint-disable-next-line no-await-in-loop -- two families
    must(await createListenRoutes(createRouteTool({ family })).set(ofFamily, sources[family]));
  }
  const port = driver === 'exec' ? createExecNftPort() : must(await openNetlinkNftPort({ pause: () => null }));
  const rules = createInterceptRules({ port, heartbeat: must(await openHeartbeat()) });
  await Promise.all(
    wish.captures.map(({ address, protocol, listenPort }) => listen(name, { protocol, address, port: listenPort })),
  );
  const keeper = createInterceptKeeper({
    rules,
    clock,
    onChange: (state) => process.stdout.write(`${JSON.stringify(state)}\n`),
  });
  await keeper.want(wish);
  process.stdout.write('ready\n');
  process.on('SIGUSR2', () => {
    void keeper.release().then(() => process.stdout.write('released\n'));
  });
  process.on('SIGHUP', () => {
    void rewrite(() => keeper.want(wish));
  });
  process.on('SIGTERM', () => {
    void keeper.close().then(async () => {
      await port.close();
      process.exit(0);
    });
  });
}

/** The same wish again and again, which replaces the table each time. */
async function rewrite(write: () => Promise<unknown>): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one after the other is what it is about
  for (let times = 0; times < 50; times += 1) await write();
  process.stdout.write('rewritten\n');
}

const [order = ''] = process.argv.slice(2);
await run(JSON.parse(order) as AgentOrder);
