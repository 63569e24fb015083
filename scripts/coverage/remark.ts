import type { Remark } from './checklist.ts';

/** Why no test names an item. */
export function unproven(item: number, text: string): Remark {
  return { item, kind: 'unproven', text, see: [], runBy: null };
}

/** What the tests of an item leave out. */
export function partly(item: number, text: string): Remark {
  return { item, kind: 'partly', text, see: [], runBy: null };
}

/** Where the product differs from an item on purpose; `see` names items that show what it does instead. */
export function deviation(item: number, text: string, see: readonly string[] = []): Remark {
  return { item, kind: 'deviation', text, see, runBy: null };
}

/** Which other items show it; `text` goes on after their names. `runBy`: the test file that has to be among those that run them. */
export function elsewhere(item: number, text: string, see: readonly string[], runBy: string | null = null): Remark {
  return { item, kind: 'elsewhere', text, see, runBy };
}
