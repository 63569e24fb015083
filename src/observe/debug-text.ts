/** What `/statusz` tells. */
export interface StatuszFacts {
  readonly version: string;
  readonly mode: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly now: number;
  readonly paths: readonly string[];
}

/** The text of `/statusz`: for people, so its form is no contract. */
export function renderStatusz({ version, mode, startedAt, now, paths }: StatuszFacts): string {
  const lines = [
    'waypost statusz',
    'For people to read; the form may change at any time.',
    '',
    `Started: ${new Date(startedAt).toISOString()}`,
    `Up: ${formatUptime(now - startedAt)}`,
    `Version: ${version}`,
    `Node.js: ${process.version}`,
    `Proxy mode: ${mode}`,
    `Paths: ${paths.join(' ')}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The text of `/flagz`: one line for each flag with the value in force. */
export function renderFlagz(flags: ReadonlyMap<string, string>): string {
  const sorted = [...flags].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    'waypost flagz',
    'For people to read; the form may change at any time.',
    '',
    ...sorted.map(([name, value]) => `${name}=${value}`),
    '',
  ].join('\n');
}

function formatUptime(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min ${seconds % 60} s`;
}
