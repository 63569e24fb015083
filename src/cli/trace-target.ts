import { fail, familyOf, isPort, parseAddress, protocols, succeed } from '../model/mod.ts';
import type { Address, Outcome, Protocol } from '../model/mod.ts';

/** Who sends. */
export type TraceSource =
  | { readonly kind: 'address'; readonly address: Address }
  /** A process of this node. */
  | { readonly kind: 'node' }
  /** Somebody beyond the default route. */
  | { readonly kind: 'outside' }
  /** `namespace/name`. */
  | { readonly kind: 'pod'; readonly name: string };

/** Where to; protocol null: TCP, or that of the only port. */
export type TraceDestination =
  | { readonly kind: 'address'; readonly address: Address; readonly port: number; readonly protocol: Protocol | null }
  | {
      readonly kind: 'service';
      readonly name: string;
      /** A number, a name, or null for the only port. */
      readonly port: number | string | null;
      readonly protocol: Protocol | null;
    };

const objectName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const portName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Reads `node`, `outside`, an address, or `namespace/name` of a pod, also as `pod/namespace/name`. Fails with `WP_TRACE_SOURCE`. */
export function parseSource(text: string): Outcome<TraceSource> {
  if (text === 'node' || text === 'outside') return succeed({ kind: text });
  const address = parseAddress(text.replace(/^\[(.*)\]$/, '$1'));
  if (address !== null) return succeed({ kind: 'address', address });
  const name = text.replace(/^pod\//, '');
  if (objectName.test(name)) return succeed({ kind: 'pod', name });
  return fail('WP_TRACE_SOURCE', `SOURCE must be an IP address, node, outside or the NAMESPACE/NAME of a pod, not "${text}"`);
}

/** Reads `address:port[/protocol]` or `namespace/name[:port][/protocol]`. Fails with `WP_TRACE_DESTINATION`. */
export function parseDestination(text: string): Outcome<TraceDestination> {
  const { rest, protocol } = splitProtocol(text);
  if (protocol === undefined) return refuse(text, `the protocol is tcp, udp or sctp`);
  const parts = /^(?:\[([^\]]*)\]|(.*?))(?::([^:]*))?$/.exec(rest);
  const [, bracketed, plain = '', portText] = parts ?? [];
  const address = parseAddress(bracketed ?? plain);
  if (address !== null) {
    if (bracketed === undefined && familyOf(address) === 'IPv6') return refuse(text, 'an IPv6 address is put in brackets');
    if (portText === undefined) return refuse(text, 'the port is missing');
    if (!/^[0-9]+$/.test(portText) || !isPort(Number(portText)))
      return refuse(text, `the port must be 1 to 65535, not "${portText}"`);
    return succeed({ kind: 'address', address, port: Number(portText), protocol });
  }
  if (parseAddress(rest) !== null) return refuse(text, 'an IPv6 address is put in brackets, and its port follows');
  if (bracketed !== undefined || !objectName.test(plain)) {
    return refuse(text, `"${bracketed ?? plain}" is neither an IP address nor the NAMESPACE/NAME of a Service`);
  }
  return readServicePort(text, plain, portText, protocol);
}

function readServicePort(
  text: string,
  name: string,
  portText: string | undefined,
  protocol: Protocol | null,
): Outcome<TraceDestination> {
  if (portText === undefined) return succeed({ kind: 'service', name, port: null, protocol });
  if (/^[0-9]+$/.test(portText)) {
    const port = Number(portText);
    return isPort(port)
      ? succeed({ kind: 'service', name, port, protocol })
      : refuse(text, `the port must be 1 to 65535, not "${portText}"`);
  }
  return portName.test(portText)
    ? succeed({ kind: 'service', name, port: portText, protocol })
    : refuse(text, `"${portText}" is neither the number nor the name of a port`);
}

/** The protocol is undefined where something stands in its place that is none. */
function splitProtocol(text: string): { readonly rest: string; readonly protocol: Protocol | null | undefined } {
  const slash = text.lastIndexOf('/');
  const word = text.slice(slash + 1).toUpperCase();
  const protocol = protocols.find((one) => one === word);
  if (slash >= 0 && protocol !== undefined) return { rest: text.slice(0, slash), protocol };
  // `10.96.0.1:80/icmp`: what comes before says that it is no name of a Service.
  return { rest: text, protocol: slash >= 0 && /[:\]][0-9]*$/.test(text.slice(0, slash)) ? undefined : null };
}

function refuse(text: string, reason: string): ReturnType<typeof fail> {
  const forms = 'ADDRESS:PORT[/PROTOCOL] or NAMESPACE/SERVICE[:PORT][/PROTOCOL]';
  return fail('WP_TRACE_DESTINATION', `DESTINATION must be ${forms}, not "${text}": ${reason}`);
}
