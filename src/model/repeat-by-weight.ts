/** The longest list that weights are spread over: one part in 512 is near enough, and each part is an element in the kernel. */
const longest = 512;

/**
 * Values as often as their weights ask for, in their order. A weight of 0 is left out unless all are 0, which count
 * as equal. Proportions are exact where the list stays short enough.
 */
export function repeatByWeight<T>(items: readonly { readonly value: T; readonly weight: number }[]): T[] {
  const usable = items.filter(({ weight }) => weight > 0);
  if (usable.length === 0) return items.map(({ value }) => value);
  const divisor = usable.reduce((found, { weight }) => greatestDivisor(found, weight), 0);
  const total = usable.reduce((sum, { weight }) => sum + weight / divisor, 0);
  const scale = total > Math.max(longest, usable.length) ? longest / total : 1;
  return usable.flatMap(({ value, weight }) =>
    Array.from({ length: Math.max(1, Math.round((weight / divisor) * scale)) }, () => value),
  );
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
