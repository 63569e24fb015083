import { formatPrefix } from '../model/mod.ts';
import type { Route, RoutingRule } from './route-port.ts';

/** A route in the words of `ip route`, without the verb. */
export function renderRoute({ type, destination, device, table, protocol, source, gateway }: Route): string {
  const words = [
    type === 'unicast' ? [] : [type],
    [formatPrefix(destination)],
    gateway === null ? [] : ['via', gateway],
    device === null ? [] : ['dev', device],
    ['table', String(table), 'proto', String(protocol)],
    source === null ? [] : ['src', source],
  ];
  return words.flat().join(' ');
}

/** A rule in the words of `ip rule`, without the verb. */
export function renderRule({ priority, mark, table, protocol }: RoutingRule): string {
  const match = mark === null ? 'from all' : `from all fwmark ${hex(mark.value)}/${hex(mark.mask)}`;
  return `${match} lookup ${table} pref ${priority} protocol ${protocol}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
