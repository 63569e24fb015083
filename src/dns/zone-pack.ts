import { protocols } from '../model/mod.ts';
import { dashedLabel, octets, packAddress } from './zone-address.ts';
import type { RawAddress } from './zone-address.ts';
import type { ZoneEndpoint, ZonePort, ZoneSlice } from './zone-input.ts';

/**
 * A zone of 100,000 endpoints keeps no object for one of them: a Service keeps a single text of octets for all its endpoints,
 * and what it says is read when somebody asks. This is a slice as it was packed: endpoints that share their ports.
 */
export interface EndpointGroup {
  readonly ports: readonly ZonePort[];
  readonly endpoints: readonly PackedEndpoint[];
}

export interface PackedEndpoint {
  readonly address: RawAddress;
  /** The label of the endpoint's own name, lower case (specification 3.3). */
  readonly label: string;
  /** Lower case; null where it is unknown or nobody needs it. */
  readonly zone: string | null;
}

export interface PackOptions {
  readonly podNames: boolean;
  readonly zones: boolean;
}

/** Bits that say what follows the flags of an endpoint. */
const flag = { sixteen: 1, labelled: 2, zoned: 4 } as const;
const longestLabel = 63;

export function packPorts(ports: readonly ZonePort[]): string {
  if (ports.length === 0) return '';
  const into: number[] = [];
  pushPorts(into, ports);
  return octets(into);
}

export function unpackPorts(text: string): readonly ZonePort[] {
  return text === '' ? [] : new Reader(text).ports();
}

/** Slices without endpoints say nothing and are left out. */
export function packSlices(slices: readonly ZoneSlice[], options: PackOptions): string {
  const into: number[] = [];
  for (const slice of slices) {
    if (slice.endpoints.length === 0) continue;
    pushPorts(into, slice.ports);
    into.push(slice.endpoints.length >> 8, slice.endpoints.length & 0xff);
    for (const endpoint of slice.endpoints) pushEndpoint(into, endpoint, options);
  }
  return into.length === 0 ? '' : octets(into);
}

export function unpackSlices(text: string): readonly EndpointGroup[] {
  const reader = new Reader(text);
  const groups: EndpointGroup[] = [];
  while (!reader.ended) {
    const ports = reader.ports();
    const count = reader.pair();
    groups.push({ ports, endpoints: Array.from({ length: count }, () => reader.endpoint()) });
  }
  return groups;
}

/** Every address once, without making objects of the endpoints. */
export function unpackAddresses(text: string): ReadonlySet<RawAddress> {
  const reader = new Reader(text);
  const addresses = new Set<RawAddress>();
  while (!reader.ended) {
    reader.skipPorts();
    for (let count = reader.pair(); count > 0; count -= 1) addresses.add(reader.address());
  }
  return addresses;
}

function pushPorts(into: number[], ports: readonly ZonePort[]): void {
  into.push(ports.length >> 8, ports.length & 0xff);
  for (const { name, protocol, port } of ports) {
    into.push(protocols.indexOf(protocol), port >> 8, port & 0xff);
    pushText(into, name.toLowerCase());
  }
}

function pushEndpoint(into: number[], endpoint: ZoneEndpoint, options: PackOptions): void {
  const address = packAddress(endpoint.address);
  const label = ownLabel(endpoint, options);
  const zone = options.zones && endpoint.zone !== null && endpoint.zone.length <= 255 ? endpoint.zone.toLowerCase() : null;
  into.push((address.length === 16 ? flag.sixteen : 0) | (label === null ? 0 : flag.labelled) | (zone === null ? 0 : flag.zoned));
  for (let index = 0; index < address.length; index += 1) into.push(address.charCodeAt(index));
  if (label !== null) pushText(into, label);
  if (zone !== null) pushText(into, zone);
}

/** Null: the label follows from the address. A pod's name may hold dots, and then it is no single label. */
function ownLabel(endpoint: ZoneEndpoint, options: PackOptions): string | null {
  if (isLabel(endpoint.hostname)) return endpoint.hostname.toLowerCase();
  return options.podNames && isLabel(endpoint.podName) && !endpoint.podName.includes('.') ? endpoint.podName.toLowerCase() : null;
}

function isLabel(text: string | null): text is string {
  return text !== null && text.length > 0 && text.length <= longestLabel;
}

function pushText(into: number[], text: string): void {
  into.push(Math.min(text.length, 255));
  for (let index = 0; index < text.length && index < 255; index += 1) into.push(text.charCodeAt(index));
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  octet(): number {
    const octet = this.#text.charCodeAt(this.#at);
    this.#at += 1;
    return octet;
  }

  pair(): number {
    return (this.octet() << 8) | this.octet();
  }

  take(length: number): string {
    this.#at += length;
    return this.#text.slice(this.#at - length, this.#at);
  }

  ports(): ZonePort[] {
    return Array.from({ length: this.pair() }, () => {
      const protocol = protocols[this.octet()] ?? 'TCP';
      const port = this.pair();
      return { name: this.take(this.octet()), protocol, port };
    });
  }

  skipPorts(): void {
    for (let count = this.pair(); count > 0; count -= 1) {
      this.#at += 3;
      this.take(this.octet());
    }
  }

  /** Of the endpoint that comes next, and past the rest of it. */
  address(): RawAddress {
    const flags = this.octet();
    const address = this.take((flags & flag.sixteen) === 0 ? 4 : 16);
    if ((flags & flag.labelled) !== 0) this.take(this.octet());
    if ((flags & flag.zoned) !== 0) this.take(this.octet());
    return address;
  }

  endpoint(): PackedEndpoint {
    const flags = this.octet();
    const address = this.take((flags & flag.sixteen) === 0 ? 4 : 16);
    const label = (flags & flag.labelled) === 0 ? dashedLabel(address) : this.take(this.octet());
    return { address, label, zone: (flags & flag.zoned) === 0 ? null : this.take(this.octet()) };
  }
}
