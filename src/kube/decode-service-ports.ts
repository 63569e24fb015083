import { isPort, protocols } from '../model/mod.ts';
import type { Protocol, ServicePortRecord } from '../model/mod.ts';
import { fieldOf, listOf, noteMalformed } from './decode-fields.ts';
import type { Findings } from './decode-fields.ts';
import { isName, shareString, trimList } from './decode-names.ts';

/**
 * `spec.ports` without the entries that name no usable port. Name and number are each unique together
 * with the protocol, as the API server has it: of two that collide the first stays.
 */
export function readServicePorts(findings: Findings, list: unknown): readonly ServicePortRecord[] {
  const found: ServicePortRecord[] = [];
  for (const [index, entry] of listOf(findings, 'spec.ports', list).entries()) {
    const path = `spec.ports[${index}]`;
    const name = readPortName(findings, path, fieldOf(entry, 'name') ?? '');
    const protocol = readProtocol(findings, path, fieldOf(entry, 'protocol'));
    const port = readPortNumber(findings, path, fieldOf(entry, 'port'));
    if (name === null || protocol === null || port === null) continue;
    const nodePort = readNodePort(findings, path, fieldOf(entry, 'nodePort') ?? 0);
    const rivals = found.filter((other) => other.protocol === protocol);
    if (rivals.some((other) => other.port === port)) {
      noteMalformed(findings, `${path}.port`, port, 'an earlier port has the same number and protocol, this one is left out');
    } else if (rivals.some((other) => other.name === name)) {
      noteMalformed(findings, `${path}.name`, name, 'an earlier port has the same name and protocol, this one is left out');
    } else if (nodePort !== 0 && rivals.some((other) => other.nodePort === nodePort)) {
      noteMalformed(findings, `${path}.nodePort`, nodePort, 'an earlier port has the same node port, this one gets none');
      found.push({ name, protocol, port, nodePort: 0 });
    } else found.push({ name, protocol, port, nodePort });
  }
  return trimList(found);
}

/** The name of a port, empty allowed; null and noted where it is none. `path` is that of the port. */
export function readPortName(findings: Findings, path: string, value: unknown): string | null {
  if (value === '') return '';
  if (isName(value)) return shareString(value);
  noteMalformed(findings, `${path}.name`, value, 'a name is needed, the port is left out');
  return null;
}

/** TCP where absent; null and noted where it is none that is known. `path` is that of the port. */
export function readProtocol(findings: Findings, path: string, value: unknown): Protocol | null {
  if (value === undefined) return 'TCP';
  const known = protocols.find((protocol) => protocol === value);
  if (known !== undefined) return known;
  noteMalformed(findings, `${path}.protocol`, value, 'TCP, UDP or SCTP is needed, the port is left out');
  return null;
}

/** Null and noted where it is no port number. `path` is that of the port. */
export function readPortNumber(findings: Findings, path: string, value: unknown): number | null {
  if (isPort(value)) return value;
  noteMalformed(findings, `${path}.port`, value, 'a number from 1 to 65535 is needed, the port is left out');
  return null;
}

function readNodePort(findings: Findings, path: string, value: unknown): number {
  if (value === 0 || isPort(value)) return value as number;
  noteMalformed(findings, `${path}.nodePort`, value, 'a number from 1 to 65535 is needed, there is no node port');
  return 0;
}
