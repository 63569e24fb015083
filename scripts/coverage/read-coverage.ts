import { globSync, readFileSync } from 'node:fs';
import { packetTable } from '../../test/packets/table.ts';
import { checklist } from './checklist.ts';
import { collectFlows, collectProofs } from './collect-proofs.ts';
import { remarks } from './remarks.ts';
import type { Coverage } from './render-coverage.ts';

/** The coverage as the files of the working directory have it. Throws where there is no test file to read. */
export function readCoverage(): Coverage {
  const files = globSync('{src,test,scripts}/**/*.test.ts').toSorted();
  if (files.length === 0) throw new Error('no test file was read: is this the root of the repository?');
  // What tests of this very tool say is no proof of anything.
  const tests = files.filter((file) => !file.startsWith('scripts/coverage'));
  const proofs = tests.flatMap((file) => collectProofs(file, readFileSync(file, 'utf8')));
  return { checklist, proofs: [...proofs, ...collectFlows(packetTable, 'packet table')], remarks };
}
