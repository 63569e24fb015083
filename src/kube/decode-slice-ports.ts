import type { DnsData, SlicePortRecord } from '../model/mod.ts';
import { fieldOf, listOf } from './decode-fields.ts';
import { trimList } from './decode-names.ts';
import type { Findings } from './decode-fields.ts';
import { readPortName, readPortNumber, readProtocol } from './decode-service-ports.ts';

/** The ports of a slice as its two readers see them; one list where both see the same. */
interface SlicePorts {
  readonly ports: readonly SlicePortRecord[];
  readonly publishedPorts: readonly SlicePortRecord[];
}

/**
 * A port without name or number does not mean "all ports" to a proxy: it is left out (specification 1.3). To DNS one without
 * a name is an unnamed port, and one without a number says nothing (DNS specification 1.7). What no proxy reads is noted for
 * no proxy.
 */
export function readSlicePorts(findings: Findings, list: unknown, proxied: boolean, dns: DnsData | null): SlicePorts {
  const ports: SlicePortRecord[] = [];
  const publishedPorts: SlicePortRecord[] = [];
  for (const [index, entry] of listOf(findings, 'ports', list).entries()) {
    const path = `ports[${index}]`;
    const given = fieldOf(entry, 'name');
    const value = fieldOf(entry, 'port');
    if (value === undefined && !proxied) continue;
    const name = given === undefined && !proxied ? '' : readPortName(findings, path, given);
    const protocol = readProtocol(findings, path, fieldOf(entry, 'protocol'));
    const port = readPortNumber(findings, path, value);
    if (protocol === null || port === null) continue;
    if (name !== null) {
      const record = { name, protocol, port };
      ports.push(record);
      publishedPorts.push(record);
    } else if (given === undefined && dns !== null) publishedPorts.push({ name: '', protocol, port });
  }
  const trimmed = trimList(ports);
  return { ports: trimmed, publishedPorts: publishedPorts.length === ports.length ? trimmed : publishedPorts };
}
