import type { TableState } from './port.ts';
import type { Samples } from './samples.fixture.ts';

/** The table that building samples makes. */
export function expectedTable({ table, chains, sets, rules }: Samples): TableState {
  let handle = 0;
  return {
    ...table,
    chains: new Map(
      chains.map((chain) => [
        chain.name,
        {
          chain,
          rules: rules
            .filter((rule) => rule.chain === chain.name)
            .map(({ statements, comment }) => {
              handle += 1;
              return { handle, statements, comment: comment ?? null };
            }),
        },
      ]),
    ),
    sets: new Map(sets.map(({ set, elements }) => [set.name, { set, elements }])),
  };
}
