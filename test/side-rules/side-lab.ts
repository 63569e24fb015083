import { parseAddress, parsePrefix, sideKey } from '../../src/model/mod.ts';
import type {
  Address,
  ClientClass,
  Family,
  Prefix,
  Protocol,
  SideDecision,
  SideEntry,
  SideRules,
  SideSettings,
} from '../../src/model/mod.ts';
import { createLab } from '../lab/mod.ts';
import type { Attempt, Lab, Place, SocketProtocol } from '../lab/mod.ts';
import { openRemoteSideRules } from './remote-side-rules.ts';
import type { RemoteSideRules } from './remote-side-rules.ts';

/** What a family's side rules are tested with. */
export interface World {
  readonly vip: Address;
  readonly external: Address;
  readonly podRange: Prefix;
  readonly serviceRange: Prefix;
  readonly table: 'ip' | 'ip6';
}

export const worlds: Readonly<Record<Family, World>> = {
  IPv4: {
    vip: address('10.96.0.10'),
    external: address('198.51.100.10'),
    podRange: prefix('10.244.0.0/16'),
    serviceRange: prefix('10.96.0.0/16'),
    table: 'ip',
  },
  IPv6: {
    vip: address('fd00:10:96::10'),
    external: address('2001:db8:100::10'),
    podRange: prefix('fd00:10:244::/48'),
    serviceRange: prefix('fd00:10:96::/112'),
    table: 'ip6',
  },
};

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(`not an address: ${text}`);
  return parsed;
}

export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new TypeError(`not a prefix: ${text}`);
  return parsed;
}

export function settingsFor(family: Family, changes: Partial<SideSettings> = {}): SideSettings {
  return {
    podTraffic: { kind: 'source', prefix: worlds[family].podRange },
    nodePorts: { kind: 'all-local', loopback: false },
    masqueradeBit: 14,
    captureBit: 12,
    echo: 'answer',
    strays: 'drop',
    echoAddress: null,
    tunnelDevices: [],
    tunnelProtocols: [],
    ...changes,
  };
}

/** The same decision for several classes of clients. */
export function decide(
  clients: readonly ClientClass[],
  place: { readonly address: Address | null; readonly protocol?: Protocol; readonly port: number },
  decision: SideDecision,
): readonly SideEntry[] {
  return clients.map((client) => ({
    kind: 'decision',
    client,
    address: place.address,
    protocol: place.protocol ?? 'TCP',
    port: place.port,
    decision,
  }));
}

/**
 * The lab without a balancer: side rules on node1, the ranges of Services made local as the IPVS data plane does, and
 * a table of the test's own that notes the marks of packets where the balancer would see them.
 */
export class SideLab {
  readonly lab: Lab;
  readonly #rules: RemoteSideRules;

  private constructor(lab: Lab) {
    this.lab = lab;
    this.#rules = openRemoteSideRules(lab.node1.namespace);
  }

  static async open(): Promise<SideLab> {
    const lab = await createLab({ podsOnNode1: ['c1', 'p1'], podsOnNode2: ['q1'] });
    try {
      const side = new SideLab(lab);
      await side.#prepare();
      return side;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  get node(): Place {
    return this.lab.node1;
  }

  side(family: Family): SideRules {
    return this.#rules.side(family);
  }

  /** Puts just these entries into the kernel. */
  async give(family: Family, entries: readonly SideEntry[], settings = settingsFor(family)): Promise<void> {
    const side = this.side(family);
    const state = await side.read();
    if (!state.ok) throw new Error(state.problem.message);
    const wanted = new Set(entries.map((entry) => sideKey(entry)));
    const remove = [...state.value.entries.keys()].filter((key) => !wanted.has(key));
    await this.change(family, entries, remove, settings);
    await this.lab.flushConntrack();
    await this.run('nft', ['-f', '-'], `flush set ${worlds[family].table} probe seen\n`);
  }

  async change(
    family: Family,
    set: readonly SideEntry[],
    remove: readonly string[],
    settings = settingsFor(family),
  ): Promise<void> {
    const { problem } = await this.side(family).apply({ settings, set, remove });
    if (problem !== null) throw new Error(problem.message);
  }

  /**
   * One try from a place. Where an ICMP error arrives while the client still sends, it takes the client's kernel a second
   * to act upon it, hence the patience.
   */
  async try(
    family: Family,
    from: Place,
    to: { address: string; port: number; protocol?: SocketProtocol; source?: string; timeoutMs?: number },
  ): Promise<Attempt> {
    const [attempt] = await from.connect({
      family,
      protocol: to.protocol ?? 'TCP',
      destination: to.address,
      port: to.port,
      timeoutMs: to.timeoutMs ?? 2500,
      ...(to.source === undefined ? {} : { sourceAddress: to.source }),
    });
    if (attempt === undefined) throw new Error('no attempt was made');
    return attempt;
  }

  /** Marks of packets to a port where the balancer would see them, in ascending order; marks of 0 too. Forgets them. */
  async takeMarks(family: Family, port: number): Promise<readonly number[]> {
    const { table } = worlds[family];
    const text = await this.run('nft', ['-nn', 'list', 'set', table, 'probe', 'seen']);
    await this.run('nft', ['flush', 'set', table, 'probe', 'seen']);
    const marks = [...text.matchAll(/0x([0-9a-f]{8}) \. (\d+)/g)].filter(([, , seen]) => Number(seen) === port);
    return marks.map(([, mark = '']) => Number.parseInt(mark, 16)).toSorted((a, b) => a - b);
  }

  /** Runs a command on node1 that has to succeed. */
  async run(command: string, args: readonly string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.node.exec(command, args, input);
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  }

  async close(): Promise<void> {
    await this.#rules.close();
    await this.lab.close();
  }

  async #prepare(): Promise<void> {
    for (const family of this.lab.families) {
      const { serviceRange, external, table } = worlds[family];
      const flag = family === 'IPv4' ? '-4' : '-6';
      const range = `${serviceRange.address}/${serviceRange.length}`;
      await this.run('ip', [flag, 'route', 'add', 'local', range, 'dev', 'lo', 'src', this.node.addresses[family]]);
      await this.run('ip', [flag, 'route', 'add', 'local', external, 'dev', 'lo', 'table', '22359']);
      await this.run('ip', [flag, 'rule', 'add', 'pref', '75', 'fwmark', '0x1000/0x1000', 'lookup', '22359']);
      await this.run('nft', ['-f', '-'], renderProbe(table));
    }
  }
}

/** Set `seen` notes mark and destination port at INPUT 95 and OUTPUT -100, between our last look and the balancer's. */
function renderProbe(table: 'ip' | 'ip6'): string {
  return `table ${table} probe {
    set seen { type mark . inet_service; flags dynamic; size 65535; }
    chain input { type filter hook input priority 95; meta l4proto { tcp, udp } update @seen { meta mark . th dport }; }
    chain output { type filter hook output priority -100; meta l4proto { tcp, udp } update @seen { meta mark . th dport }; }
  }\n`;
}
