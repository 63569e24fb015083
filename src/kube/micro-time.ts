/** meta/v1 MicroTime of milliseconds since 1970: exactly six digits. */
export function formatMicroTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}

/** Milliseconds since 1970; 0 for what is no time. */
export function parseMicroTime(value: unknown): number {
  return typeof value === 'string' ? Date.parse(value) || 0 : 0;
}
