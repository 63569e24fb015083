import { formatPrefix } from '../model/mod.ts';
import type { KernelRoute } from './routes.ts';

const tableNames: ReadonlyMap<number, string> = new Map([
  [253, 'default'],
  [254, 'main'],
  [255, 'local'],
]);

/** As `ip route show table all` and `ip rule` print it. */
export function describeRoute(one: KernelRoute): string {
  if (one.kind === 'rule') {
    const { priority, mark, table, protocol } = one.rule;
    const marked = mark === null ? '' : ` fwmark ${hex(mark.value)}/${hex(mark.mask)}`;
    return `${priority}: from all${marked} lookup ${tableText(table)} proto ${protocol}`;
  }
  const { type, destination, gateway, device, table, protocol, source } = one.route;
  const words = [
    ...(type === 'unicast' ? [] : [type]),
    formatPrefix(destination),
    ...(gateway === null ? [] : [`via ${gateway}`]),
    ...(device === null ? [] : [`dev ${device}`]),
    `table ${tableText(table)} proto ${protocol}`,
    ...(source === null ? [] : [`src ${source}`]),
  ];
  return words.join(' ');
}

function tableText(table: number): string {
  return tableNames.get(table) ?? String(table);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
