/** With a thin space between thousands, as SI has it: `12 345`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, '\u2009');
}

/** With its sign and one digit: `+2.5/s`; empty for no change. */
export function formatRate(perSecond: number): string {
  if (Math.abs(perSecond) < 0.05) return '';
  return `${perSecond > 0 ? '+' : '\u2212'}${Math.abs(perSecond).toFixed(1)}/s`;
}

/** `33.3 %` of a part between 0 and 1; `100 %` without digits that say nothing. */
export function formatShare(part: number): string {
  const percent = Math.round(part * 1000) / 10;
  return `${Number.isInteger(percent) ? percent : percent.toFixed(1)} %`;
}

/** One or many: `1 frontend`, `3 frontends`. */
export function formatNumberOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `10.96.0.1:80`, `[fd00::1]:80`. */
export function formatPlace(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
