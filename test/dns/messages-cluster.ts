import { makeReply } from '../../src/dns/forward.fixture.ts';
import { lowerName, parseName, rootName } from '../../src/dns/name.ts';
import type { Name } from '../../src/dns/name.ts';
import { plainCache, plainForward, stockKubernetes } from '../../src/dns/settings-default.ts';
import type { ServerBlock } from '../../src/dns/settings.ts';
import { startUpstream } from '../../src/dns/upstream.fixture.ts';
import type { RealUpstream } from '../../src/dns/upstream.fixture.ts';
import { makeChange, makeService, makeSlice } from '../../src/dns/zone.fixture.ts';
import type { ZoneChange } from '../../src/dns/zone-input.ts';
import { settingsOf, startLiveThread } from './live-thread.ts';
import type { LiveOptions, LiveThread } from './live-thread.ts';

/** As spelled. */
export function nameOf(text: string): Name {
  const name = parseName(text);
  if (name === null) throw new TypeError(`not a name: ${text}`);
  return name;
}

export const zone = lowerName(nameOf('cluster.local.'));
export const web = nameOf('web.shop.svc.cluster.local.');

const http = { name: 'http', protocol: 'TCP', port: 8080 } as const;
const admin = { name: 'admin', protocol: 'TCP', port: 9090 } as const;

/** So many addresses below 10.244. */
export function manyAddresses(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `10.244.${index >> 8}.${index & 255}`);
}

/** Numbers of endpoints of headless Services `sized-N`. */
const sizes = [3, 60, 300, 1000] as const;

const cluster: ZoneChange = makeChange({
  namespaces: [{ name: 'shop', labels: {} }],
  services: [
    makeService('shop/web', { clusterIps: ['10.96.0.80' as never], ports: [{ ...http, port: 80 }] }),
    ...sizes.map((count) =>
      makeService(`shop/sized-${count}`, { kind: 'headless', slices: [makeSlice(manyAddresses(count), [http, admin])] }),
    ),
  ],
});

/** An upstream whose answers depend on the name: `slow…` waits to be released, `fail…` fails, `gone…` does not exist. */
export interface TalkingUpstream extends RealUpstream {
  /** Answers what waits. */
  release(): void;
  /** Questions that were not probes. */
  readonly questions: () => number;
}

export async function startTalkingUpstream(): Promise<TalkingUpstream> {
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(({ packet }, { send }) => {
    const name = packet.questions?.[0]?.name ?? '';
    if (name.startsWith('slow')) waiting.push(() => send(makeReply(packet)));
    else if (name.startsWith('fail')) send(makeReply(packet, {}, 2));
    else if (name.startsWith('many'))
      send(makeReply(packet, { answers: manyAddresses(3).map((data) => ({ type: 'A', name, ttl: 60, data })) }));
    else send(makeReply(packet));
  });
  return {
    ...upstream,
    release: () => {
      for (const send of waiting.splice(0)) send();
    },
    questions: () => upstream.seen.filter(({ packet }) => packet.questions?.[0]?.name !== '.').length,
  };
}

/** Much as shipped, with the upstream in place of the node's. */
function usualBlock({ upstream }: RealUpstream): Partial<ServerBlock> {
  const { success, denial } = plainCache;
  return {
    kubernetes: { ...stockKubernetes([zone]), startupTimeoutMs: 0 },
    cache: {
      ...plainCache,
      success: { ...success, ttlCap: 30 },
      denial: { ...denial, ttlCap: 30 },
      disableSuccess: [zone],
      disableDenial: [zone],
    },
    forward: [{ ...plainForward, suffix: rootName, upstreams: [upstream] }],
    shuffle: true,
  };
}

export interface Talking extends AsyncDisposable {
  readonly upstream: TalkingUpstream;
  readonly thread: LiveThread;
}

/** A thread with the cluster above and an upstream. */
export async function startTalking(
  over: Partial<ServerBlock> = {},
  options: Omit<Partial<LiveOptions>, 'settings'> = {},
): Promise<Talking> {
  const upstream = await startTalkingUpstream();
  const settings = settingsOf({ ...usualBlock(upstream), ...over });
  const thread = await startLiveThread({ changes: [cluster], ...options, settings });
  return {
    upstream,
    thread,
    async [Symbol.asyncDispose]() {
      await thread[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}
