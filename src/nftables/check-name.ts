/** Names that the tool takes without quotes. */
const namePattern = /^[A-Za-z_][A-Za-z0-9_.-]{0,126}$/;

/** What is wrong with the name of a table, chain or set, or null. */
export function checkName(name: string): string | null {
  return namePattern.test(name) ? null : `'${name}' is not a name`;
}

/** Up to ten years, which no counter of the kernel's jiffies overflows. */
export function isSeconds(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 315_360_000;
}
