import { formatEndpoint } from '../model/mod.ts';
import type { Backend, Frontend, Pool } from '../model/mod.ts';
import { affinityListName, affinitySetName, transportName } from './names.ts';
import type { Match, Rule } from './rule.ts';

/**
 * Where the clients of Services with affinity are remembered: in ipsets, one for each back end; or in
 * `recent` lists, which hold no more than 100 clients each and forget the oldest.
 */
export type ClientMemory = 'sets' | 'recent';

/**
 * The choice among the back ends of a pool: one connection in n for each of n equal ones, where rule i
 * takes its share of what the rules before it left. Clients with a valid affinity are taken out first. A back end of
 * weight 0 gets no new connection, of clients that know it neither.
 */
export function spreadRules(pool: Pool, frontend: Frontend, memory: ClientMemory): Rule[] {
  const { affinity } = frontend;
  if (affinity === null) return shares(pool).map(({ backend, chance }) => send(frontend, backend, chance));
  return memory === 'sets'
    ? stickBySets(pool, frontend, affinity.timeoutSeconds)
    : stickByLists(pool, frontend, affinity.timeoutSeconds);
}

/** Names of the ipsets that frontends need. Their service ports alone use them. */
export function setsOf(frontends: readonly Frontend[]): ReadonlySet<string> {
  const sets = new Set<string>();
  for (const frontend of frontends) {
    if (frontend.affinity === null) continue;
    for (const route of Object.values(frontend.routes)) {
      if (route.verdict !== 'forward') continue;
      for (const backend of drawable(route.pool)) sets.add(setOf(frontend, backend));
    }
  }
  return sets;
}

interface Share {
  readonly backend: Backend;
  /** Takes its share of what is left; none for the last, which takes all of it. */
  readonly chance: readonly Match[];
}

/** What new connections are spread over: a back end of weight 0 gets none, unless that would leave nobody. */
function drawable(pool: Pool): readonly Backend[] {
  const weighty = pool.backends.filter(({ weight }) => weight > 0);
  return weighty.length > 0 ? weighty : pool.backends.map((backend) => ({ ...backend, weight: 1 }));
}

function shares(pool: Pool): Share[] {
  const backends = drawable(pool);
  let left = backends.reduce((sum, backend) => sum + backend.weight, 0);
  return backends.map((backend) => {
    const threshold = Math.round((2 ** 31 * backend.weight) / left);
    const chance: readonly Match[] = backend.weight < left ? [{ kind: 'random', threshold }] : [];
    left -= backend.weight;
    return { backend, chance };
  });
}

/**
 * A client that a set knows is put there again, which starts its time anew, and sent on. For one that none
 * knows, putting it into the set of the back end drawn is how the next rule knows which one that was: a
 * SET target cannot translate, and no chain for each back end is needed. The last rule asks for no set, so
 * that a set that is full costs affinity and not the connection.
 */
function stickBySets(pool: Pool, frontend: Frontend, seconds: number): Rule[] {
  const isIn = (backend: Backend): Match => ({ kind: 'set', set: setOf(frontend, backend), not: false });
  const put = (backend: Backend, matches: readonly Match[]): Rule => ({
    matches,
    target: { kind: 'remember', set: setOf(frontend, backend), seconds },
  });
  const known = drawable(pool).flatMap((backend) => [put(backend, [isIn(backend)]), send(frontend, backend, [isIn(backend)])]);
  const drawn = shares(pool).flatMap(({ backend, chance }) => [
    put(backend, chance),
    send(frontend, backend, chance.length === 0 ? [] : [isIn(backend)]),
  ]);
  return [...known, ...drawn];
}

function stickByLists(pool: Pool, frontend: Frontend, seconds: number): Rule[] {
  const known = drawable(pool).map((backend) =>
    send(frontend, backend, [{ kind: 'recent', mode: 'update', list: listOf(frontend, backend), seconds, reap: true }]),
  );
  const drawn = shares(pool).map(({ backend, chance }) =>
    send(frontend, backend, [
      ...chance,
      { kind: 'recent', mode: 'set', list: listOf(frontend, backend), seconds: null, reap: false },
    ]),
  );
  return [...known, ...drawn];
}

function send(frontend: Frontend, backend: Backend, matches: readonly Match[]): Rule {
  const protocol = { name: transportName(frontend.protocol), not: false };
  return { protocol, matches, target: { kind: 'dnat', address: backend.address, port: backend.port } };
}

function setOf({ family, servicePort }: Frontend, { address, port }: Backend): string {
  return affinitySetName(family, servicePort, formatEndpoint(address, port));
}

function listOf({ servicePort }: Frontend, { address, port }: Backend): string {
  return affinityListName(servicePort, formatEndpoint(address, port));
}
