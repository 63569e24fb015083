const unitNanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

const wholeDuration = /^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;

/** Go's limit: a signed 64-bit count of nanoseconds. */
const mostNanoseconds = 2 ** 63;

/**
 * Reads a duration the way Go's `time.ParseDuration` does (`1h2m3s`, `500ms`, `0`) and gives
 * milliseconds, with a fraction where needed. Null for anything else.
 */
export function parseDuration(text: string): number | null {
  if (/^[-+]?0$/.test(text)) return 0;
  if (!wholeDuration.test(text)) return null;
  let nanoseconds = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+\.?\d*|\.\d+)([a-zµμ]+)/g)) {
    nanoseconds += Number(amount) * (unitNanoseconds[unit] ?? Number.NaN);
  }
  if (!(nanoseconds < mostNanoseconds)) return null;
  return (text.startsWith('-') ? -Math.round(nanoseconds) : Math.round(nanoseconds)) / 1e6;
}

/** Milliseconds as Go's `Duration.String` prints them: `1h0m0s`, `1.5s`, `500ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  const nanoseconds = Math.round(Math.abs(milliseconds) * 1e6);
  if (nanoseconds === 0) return '0s';
  const sign = milliseconds < 0 ? '-' : '';
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${sign}${formatFraction(nanoseconds, 1e3)}µs`;
  if (nanoseconds < 1e9) return `${sign}${formatFraction(nanoseconds, 1e6)}ms`;
  const minutes = Math.floor(nanoseconds / 60e9);
  const seconds = `${formatFraction(nanoseconds - minutes * 60e9, 1e9)}s`;
  if (minutes === 0) return `${sign}${seconds}`;
  if (minutes < 60) return `${sign}${minutes}m${seconds}`;
  return `${sign}${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

function formatFraction(nanoseconds: number, unit: number): string {
  const whole = Math.floor(nanoseconds / unit);
  const digits = String(nanoseconds % unit).padStart(String(unit).length - 1, '0');
  const fraction = digits.replace(/0+$/, '');
  return fraction === '' ? String(whole) : `${whole}.${fraction}`;
}
