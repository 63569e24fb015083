import type { ElementState, TableState } from './port.ts';
import { formatRule } from './rule-equal.ts';

/** A table as sorted lines: equal text is an equal table, apart from handles, counters and what is left of timeouts. */
export function formatTable({ family, name, chains, sets }: TableState): string {
  const chainLines = [...chains].map(([chain, state]) => {
    const rules = state.rules.map(({ statements, comment }) =>
      [statements === null ? 'unknown' : formatRule(family, statements), JSON.stringify(comment)].join('\n  '),
    );
    return [`chain ${chain} ${sorted(state.chain)}`, ...rules].join('\n  ');
  });
  const setLines = [...sets].map(([set, state]) =>
    [`set ${set} ${sorted(state.set)}`, ...state.elements.map(formatElement).toSorted()].join('\n  '),
  );
  return [`table ${family} ${name}`, ...chainLines.toSorted(), ...setLines.toSorted()].join('\n');
}

function formatElement({ key, value, timeoutSeconds, comment }: ElementState): string {
  return sorted({ key, value, timeoutSeconds, comment });
}

/** JSON with properties in order. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
