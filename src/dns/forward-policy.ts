import type { ForwardRule } from './settings.ts';

/** The order in which one question tries the upstreams, as indexes. `turn` counts the questions of the rule. */
export function orderUpstreams(
  policy: ForwardRule['policy'],
  count: number,
  turn: number,
  random: (limit: number) => number,
): readonly number[] {
  const listed = Array.from({ length: count }, (_, index) => index);
  if (policy === 'sequential') return listed;
  if (policy === 'round_robin') return listed.map((index) => (index + turn) % count);
  return shuffle(listed, random);
}

/** Every order is as likely as any other (Fisher and Yates). */
function shuffle(listed: readonly number[], random: (limit: number) => number): readonly number[] {
  const left = [...listed];
  const order: number[] = [];
  while (left.length > 0) order.push(...left.splice(random(left.length), 1));
  return order;
}
