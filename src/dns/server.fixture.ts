import type { ForwardQuestion, ForwardResult, Forwarder } from './forward-contract.ts';
import { formatRcode, parseType } from './constants.ts';
import { createHosts } from './hosts.ts';
import type { Hosts } from './hosts.ts';
import { formatName, lowerName, rootName } from './name.ts';
import { name as parsedName } from './forward.fixture.ts';
import { formatRecord, parseRecord } from './presentation.ts';
import type { ResourceRecord } from './record.ts';
import { settleTtls } from './resolution.ts';
import type { Request, Resolution } from './resolution.ts';
import { Server } from './server.ts';
import type { BlockParts } from './server-parts.ts';
import type { KubernetesSettings } from './settings.ts';
import { plainHosts } from './settings-default.ts';
import type { Zone } from './zone-contract.ts';
import { makeChange, makeService, makeSettings, plainOptions, toAddress } from './zone.fixture.ts';
import type { ZoneChange, ZoneService } from './zone-input.ts';
import { createZone } from './zone.ts';

/** Upstreams that a test answers for. */
export class FakeForwarder implements Forwarder {
  readonly asked: ForwardQuestion[] = [];
  closed = false;
  answer: (question: ForwardQuestion) => ForwardResult | Promise<ForwardResult>;

  constructor(answer: FakeForwarder['answer'] = () => answered([])) {
    this.answer = answer;
  }

  ask(question: ForwardQuestion): Promise<ForwardResult> {
    this.asked.push(question);
    return Promise.resolve(this.answer(question));
  }

  /** What was asked, in words: `www.example.com. A`. */
  get names(): readonly string[] {
    return this.asked.map(({ name }) => formatName(name));
  }

  close(): void {
    this.closed = true;
  }
}

type Answered = Extract<ForwardResult, { kind: 'answered' }>;

export function answered(texts: readonly string[], over: Partial<Answered> = {}): Answered {
  return {
    kind: 'answered',
    rcode: 0,
    authenticData: false,
    truncated: false,
    answer: texts.map(record),
    authority: [],
    upstream: '10.0.0.1:53',
    ...over,
  };
}

/** The SOA that denies names of `zone`; 300 seconds, minimum 60. */
export function soaOf(zone: string, ttl = 300, minimum = 60): ResourceRecord {
  return record(`${zone} ${ttl} IN SOA ns.${zone} admin.${zone} 1 2 3 4 ${minimum}`);
}

export function record(text: string): ResourceRecord {
  const parsed = parseRecord(text);
  if (parsed === null) throw new TypeError(`not a record: ${text}`);
  return parsed;
}

export function makeHosts(...lines: readonly string[]): Hosts {
  return createHosts({ ...plainHosts, file: null, lines, fallthrough: [rootName] });
}

/** A block for everything that can do nothing. */
export function makeParts(over: Partial<BlockParts> = {}): BlockParts {
  return {
    zones: [rootName],
    port: 53,
    acl: null,
    rewrite: null,
    cache: null,
    autopath: null,
    templates: null,
    hosts: null,
    zone: null,
    forward: [],
    loops: null,
    log: null,
    shuffle: false,
    udpLimit: 1232,
    minimal: false,
    rateLimit: null,
    ...over,
  };
}

/** A rule for everything. */
export function forwardTo(forwarder: Forwarder, suffix = '.', except: readonly string[] = []): BlockParts['forward'][number] {
  return { suffix: parsedName(suffix), except: except.map(parsedName), forwarder };
}

export function makeServer(...blocks: readonly BlockParts[]): Server {
  return new Server({
    blocks,
    tableSize: 64,
    now: () => 0,
    random: () => 0,
    panic: (error) => {
      throw error;
    },
  });
}

/** `Web.shop.svc.cluster.local. A`. */
export function makeRequest(question: string, over: Partial<Request> = {}): Request {
  const [text = '', typeText = ''] = question.split(' ');
  const spelled = parsedName(text);
  const type = parseType(typeText);
  if (type === null) throw new TypeError(`not a type: ${typeText}`);
  return {
    name: lowerName(spelled),
    spelled,
    type,
    dnssecOk: false,
    checkingDisabled: false,
    stream: false,
    source: '',
    ...over,
  };
}

/** An answer as lines: `NOERROR aa forward`, then its records. */
function show(resolution: Resolution): readonly string[] {
  const { stage } = resolution;
  const answer = settleTtls(resolution);
  const head = [formatRcode(answer.rcode), ...(answer.authoritative ? ['aa'] : []), ...(stage === '' ? [] : [stage])];
  return [
    head.join(' '),
    ...answer.answer.map(formatRecord),
    ...answer.authority.map((one) => `authority: ${formatRecord(one)}`),
  ];
}

/** What a server says, as {@link show} has it. */
export async function ask(server: Server, question: string, over: Partial<Request> = {}): Promise<readonly string[]> {
  return show(await server.resolve(makeRequest(question, over)));
}

/** A zone with these Services, all of whose reverse names that are not ours go on. */
export function zoneOf(
  services: readonly ZoneService[],
  over: Partial<KubernetesSettings> = {},
  change: Partial<ZoneChange> = {},
): Zone {
  const zone = createZone(
    makeSettings({ fallthrough: [parsedName('in-addr.arpa.'), parsedName('ip6.arpa.')], ...over }),
    plainOptions,
  );
  zone.apply(makeChange({ namespaces: [{ name: 'shop', labels: {} }], services, ...change }));
  return zone;
}

export const web: ZoneService = makeService('shop/web', { clusterIps: [toAddress('10.96.0.80')] });

/** A Service that is an alias. */
export function alias(key: string, externalName: string): ZoneService {
  return makeService(key, { kind: 'external', externalName });
}

/** Says of every name that it has this address. */
export function always(address: string): FakeForwarder {
  return new FakeForwarder(({ name }) => answered([], { answer: [{ ...record(`x. 60 IN A ${address}`), name }] }));
}
