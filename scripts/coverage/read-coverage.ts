import { globSync, readFileSync } from 'node:fs';
import { loadCases } from '../../test/dns/cases/load-cases.ts';
import { packetTable } from '../../test/packets/table.ts';
import { checklists } from './checklists.ts';
import { collectCases, collectFlows, readTestFile } from './collect-proofs.ts';
import type { TestFile } from './collect-proofs.ts';
import type { Coverage } from './find-gaps.ts';

/** As the rows of the packet table are named among the proofs. */
const tableName = 'packet table';
/** The suite that sends real packets for these rows. */
const tableSuite = 'test/packets/packet-suite.ts';
/** As the questions and answers of the case files are named among the proofs. */
const casesName = 'test/dns/cases';
/** What test files read them with. */
const casesLoader = 'test/dns/cases/load-cases.ts';

/** The coverage as the files of the working directory have it. Throws where there is no test file to read. */
export function readCoverage(): Coverage {
  const tests = globSync('{src,test,scripts}/**/*.test.ts')
    // What tests of this very tool say is no proof of anything.
    .filter((file) => !file.startsWith('scripts/coverage'))
    .toSorted();
  if (tests.length === 0) throw new Error('no test file was read: is this the root of the repository?');
  const read = new Map(tests.map((file) => [file, readFile(file)] as const));
  const suites = globSync('test/**/*-suite.ts').toSorted();
  const runnersOf = (suite: string): readonly string[] => tests.filter((file) => read.get(file)?.imports.includes(suite));
  // A suite alone runs nothing: its titles count as soon as a test file calls it.
  const shared = new Map(suites.map((suite) => [suite, runnersOf(suite)] as const));
  const called = suites.filter((suite) => runnersOf(suite).length > 0);
  return {
    checklists,
    proofs: [
      ...[...read.values()].flatMap(({ proofs }) => proofs),
      ...called.flatMap((suite) => readFile(suite).proofs),
      ...collectFlows(packetTable, tableName),
      ...collectCases(loadCases(), casesName),
    ],
    shared: new Map([...shared, [tableName, runnersOf(tableSuite)], [casesName, runnersOf(casesLoader)]]),
  };
}

function readFile(file: string): TestFile {
  return readTestFile(file, readFileSync(file, 'utf8'));
}
