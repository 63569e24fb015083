import { formatAmount, formatTable } from '../observe/mod.ts';
import type { TopRow, TopUnit } from './top-rows.ts';

/** The rows as lines, heading first: 120 columns, where names are not long. What has no place here is in the JSON. */
export function formatTop(rows: readonly TopRow[], by: TopUnit): readonly string[] {
  const columns = [
    { title: 'SERVICE' },
    ...(by === 'endpoint' ? [{ title: 'ENDPOINT' }] : []),
    { title: 'ACTIVE', align: 'right' as const },
    { title: '+/S', align: 'right' as const },
    { title: 'INACTIVE', align: 'right' as const },
    { title: 'NEW/S', align: 'right' as const },
    { title: 'PKT/S IN', align: 'right' as const },
    { title: 'OUT', align: 'right' as const },
    { title: 'OCT/S IN', align: 'right' as const },
    { title: 'OUT', align: 'right' as const },
    { title: 'STATE' },
  ];
  const cells = rows.map((row) => [
    row.service,
    ...(by === 'endpoint' ? [row.endpoint ?? '-'] : []),
    String(row.active),
    formatRate(row.activePerSecond),
    String(row.inactive),
    formatAmount(row.connectionsPerSecond),
    formatAmount(row.inPacketsPerSecond),
    formatAmount(row.outPacketsPerSecond),
    formatAmount(row.inBytesPerSecond),
    formatAmount(row.outBytesPerSecond),
    row.draining ? 'draining' : '',
  ]);
  return formatTable(columns, cells).trimEnd().split('\n');
}

/** `+1.5`, `-20.0`, and `0` for less than can be shown. */
function formatRate(rate: number): string {
  const text = Math.abs(rate).toFixed(1);
  return text === '0.0' ? '0' : `${rate < 0 ? '-' : '+'}${text}`;
}

/** What makes a terminal show the lines from its first on, in place of what it showed. */
export function drawScreen(
  lines: readonly string[],
  { rows, color }: { readonly rows: number; readonly color: boolean },
): string {
  const fitting = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `and ${lines.length - rows + 1} more`];
  const [head = '', ...others] = fitting;
  const shown = [color ? `\u001b[1m${head}\u001b[22m` : head, ...others];
  // Each line ends what stood there before; no line feed after the last, which would move all of them up.
  return `\u001b[H${shown.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`;
}

/** The other screen of a terminal, which cuts long lines and shows no cursor, and back: what stood there before comes back. */
export const screenModes = { enter: '\u001b[?1049h\u001b[?7l\u001b[?25l', leave: '\u001b[?25h\u001b[?7h\u001b[?1049l' } as const;
