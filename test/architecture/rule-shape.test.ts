import { describe, expect, it } from 'vitest';
import { parseSource } from './parse-source.ts';
import { findDoorlessRooms, findLongFiles, findOddNames, findSilentDoors, findUnreadable } from './rule-shape.ts';
import type { SourceFile } from './source-file.ts';

function named(...paths: readonly string[]): readonly SourceFile[] {
  return paths.map((path) => parseSource(path, ''));
}

describe('shape of the code', () => {
  it('stops files at 400 lines', () => {
    const line = 'const a = 1;\n';
    expect(findLongFiles([parseSource('src/dns/a.ts', line.repeat(400))])).toEqual([]);
    expect(findLongFiles([parseSource('src/dns/a.ts', line.repeat(401))])).toEqual([
      { path: 'src/dns/a.ts', line: 401, reason: expect.stringContaining('has 401 lines') },
    ]);
  });

  it('wants names in kebab-case', () => {
    expect(
      findOddNames(
        named('src/dns/zone-file.ts', 'src/dns/zone-file.test.ts', 'src/dns/zone-file.fixture.ts', 'test/api-server/mod.ts'),
      ),
    ).toEqual([]);
    const odd = [
      'src/dns/zoneFile.ts',
      'src/dns/zone_file.ts',
      'src/dns/Zone.ts',
      'src/dnsServer/zone.ts',
      'src/dns/zone.spec.ts',
    ];
    expect(findOddNames(named(...odd)).map((violation) => violation.path)).toEqual(odd);
  });

  it('wants a door for every room, and main.ts for cli', () => {
    expect(findDoorlessRooms(named('src/dns/mod.ts', 'src/dns/zone.ts', 'src/cli/main.ts', 'test/lab/node.ts'))).toEqual([]);
    const missing = findDoorlessRooms(named('src/dns/zone.ts', 'src/cli/run.ts'));
    expect(missing.map((violation) => violation.path)).toEqual(['src/dns/mod.ts', 'src/cli/main.ts']);
  });

  it('wants a doc comment on top of every door', () => {
    expect(findSilentDoors([parseSource('src/dns/mod.ts', "/** Cluster DNS. */\nexport * from './zone.ts';")])).toEqual([]);
    expect(findSilentDoors([parseSource('src/dns/mod.ts', "export * from './zone.ts';")])).toHaveLength(1);
    expect(findSilentDoors([parseSource('src/dns/zone.ts', 'const a = 1;')])).toEqual([]);
  });

  it('reports a file that cannot be parsed', () => {
    expect(findUnreadable([parseSource('src/dns/a.ts', 'const a = 1;')])).toEqual([]);
    expect(findUnreadable([parseSource('src/dns/a.ts', 'const = 1;')])[0]?.reason).toContain('not valid TypeScript');
  });
});
