import type { ChainState, SetState, TableState } from './port.ts';
import type { TableFamily } from './transaction.ts';

/** A table as JSON can carry it. */
export interface PackedTable {
  readonly family: TableFamily;
  readonly name: string;
  readonly chains: readonly (readonly [string, ChainState])[];
  readonly sets: readonly (readonly [string, SetState])[];
}

export function packTable({ family, name, chains, sets }: TableState): PackedTable {
  return { family, name, chains: [...chains], sets: [...sets] };
}

export function unpackTable({ family, name, chains, sets }: PackedTable): TableState {
  return { family, name, chains: new Map(chains), sets: new Map(sets) };
}
