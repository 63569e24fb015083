import { writeManifest } from '../lab/mod.ts';
import type { ApiObject } from '../packets/flow.ts';
import { nodeObject, ready, service, slices, terminating, unready } from '../packets/objects.ts';
import type { EndpointSpec } from '../packets/objects.ts';
import { between, pick } from './random.ts';
import type { Random } from './random.ts';

/** The Service that always has the back end `p1`, and is rewritten all the same. */
export const steady = service('steady', 90, { type: 'NodePort' });

/** Services other than the steady one. */
const serviceCount = 40;

type ServiceOptions = NonNullable<Parameters<typeof service>[2]>;

const local = { externalTrafficPolicy: 'Local' } as const;

/** The kinds a Service may turn into; null is a Service that is gone. */
const kinds: readonly [ServiceOptions | null, ...(ServiceOptions | null)[]] = [
  {},
  { families: ['IPv4'] },
  { families: ['IPv6'] },
  { external: true },
  { spec: { internalTrafficPolicy: 'Local' } },
  { spec: { sessionAffinity: 'ClientIP' } },
  { type: 'NodePort' },
  { type: 'NodePort', spec: local },
  { type: 'LoadBalancer' },
  { type: 'LoadBalancer', spec: local },
  { type: 'LoadBalancer', spec: { loadBalancerSourceRanges: ['192.0.2.0/24', '2001:db8:1::/64'] } },
  null,
];

/** A folder of manifests, one file a Service, and a seeded hand that rewrites them. */
export class ChurningServices {
  readonly #folder: string;
  readonly #random: Random;

  constructor(folder: string, random: Random) {
    this.#folder = folder;
    this.#random = random;
  }

  /** Writes every Service for the first time; the steady one has the back end `p1` alone. */
  async writeAll(): Promise<void> {
    await writeManifest(this.#folder, 'node.json', [nodeObject()]);
    await writeManifest(this.#folder, 'steady.json', [steady.object, ...slices('steady', [ready('p1')])]);
    for (let n = 1; n <= serviceCount; n += 1) await this.#rewrite(n);
  }

  /** Rewrites the steady Service and so many others. */
  async change(count: number): Promise<void> {
    await this.#rewriteSteady();
    for (let done = 0; done < count; done += 1) await this.#rewrite(between(this.#random, 1, serviceCount));
  }

  async #rewriteSteady(): Promise<void> {
    const policy = (): string => pick(this.#random, ['Cluster', 'Local']);
    const spec = { externalTrafficPolicy: policy(), internalTrafficPolicy: policy() };
    const { object } = service('steady', 90, { type: 'NodePort', spec });
    const others = this.#chooseHosts(['p2', 'p3', 'q1', 'q2']).map((host) => ready(host));
    await writeManifest(this.#folder, 'steady.json', [object, ...slices('steady', [ready('p1'), ...others])]);
  }

  async #rewrite(n: number): Promise<void> {
    const name = `churn-${n}`;
    const options = pick(this.#random, kinds);
    const endpoints = this.#chooseHosts(['p1', 'p2', 'p3', 'q1', 'q2']).map((host) => this.#makeEndpoint(host));
    const objects: readonly ApiObject[] = options === null ? [] : [service(name, n, options).object, ...slices(name, endpoints)];
    await writeManifest(this.#folder, `${name}.json`, objects);
  }

  #chooseHosts(hosts: readonly string[]): readonly string[] {
    const share = pick(this.#random, [0, 0.3, 0.7, 1]);
    return hosts.filter(() => this.#random() < share);
  }

  #makeEndpoint(host: string): EndpointSpec {
    return pick(this.#random, [ready, ready, ready, unready, terminating])(host);
  }
}
