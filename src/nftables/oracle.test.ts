import { describe, expect, test } from 'vitest';
import { kernelNote, kernelObstacle, makeNamespace } from './namespace.fixture.ts';
import { buildSamples, makeSamples } from './samples.fixture.ts';

/** Expressions as the tool prints them, without handles, without what only tools keep, and in one order. */
function normaliseDebug(text: string): readonly string[] {
  return (
    text
      .split('\n')
      .filter((line) => /^ {2}\[ |^\t?element |^ip6? /.test(line))
      .map((line) => line.replace(/^(ip6? \S+ \S+)( \d+)+$/, '$1').replace(/ {2}userdata = .*/, ''))
      // Turning round a single byte does nothing, and an end before the first interval closes nothing.
      .filter((line) => !/hton\(reg \d+, \d, 1\)/.test(line) && !/element (0{8} ?)+ +: 1 \[end\]/.test(line))
  );
}

describe.skipIf(kernelObstacle !== null)(`both drivers on the kernel${kernelNote}`, () => {
  test.each(['ip', 'ip6'] as const)('write the same %s rules', async (family) => {
    const samples = makeSamples(family);
    await using one = makeNamespace();
    await using other = makeNamespace();
    expect((await one.exec.apply(buildSamples(samples))).problem).toBeNull();
    expect((await other.netlink.apply(buildSamples(samples))).problem).toBeNull();
    const list = (run: typeof one.run): string =>
      run(['nft', 'list', 'table', family, 'samples']).replaceAll(/ expires \w+/g, '');
    expect(list(other.run)).toBe(list(one.run));
    const debug = (run: typeof one.run): readonly string[] =>
      normaliseDebug(run(['nft', '--debug=netlink', 'list', 'table', family, 'samples']));
    const written = debug(other.run);
    expect(written.length).toBeGreaterThan(200);
    expect(written.filter((line) => line.startsWith('  ['))).toEqual(debug(one.run).filter((line) => line.startsWith('  [')));
    expect(written.toSorted()).toEqual(debug(one.run).toSorted());
  });
});
