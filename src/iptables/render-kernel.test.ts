import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hairpinProgram } from './bpf-programs.ts';
import { describeOnKernel, makeNamespace } from './kernel.fixture.ts';
import { canonicalRule } from './parse-rule.ts';
import { renderRule } from './render.ts';
import { rules, sampleSets } from './rule-samples.fixture.ts';
import type { Rule, TableName } from './rule.ts';
import { toolNames } from './tool-names.ts';

const cases = (['IPv4', 'IPv6'] as const).flatMap((family) =>
  (['legacy', 'nft'] as const).map((variant) => ({ family, variant })),
);

describeOnKernel('what iptables-save prints', () => {
  test.each(cases)('is what is rendered, for random rules ($family, $variant)', ({ family, variant }) => {
    using space = makeNamespace();
    const tools = toolNames(family, variant);
    const inet = family === 'IPv4' ? 'inet' : 'inet6';
    for (const set of sampleSets) space.run(['ipset', 'create', set, 'hash:ip', 'family', inet, 'timeout', '10']);
    const drawn = fc.sample(rules(family).filter(isAccepted), { numRuns: 300, seed: 20_240_611 });
    for (const table of ['nat', 'filter'] as const) {
      const texts = drawn.filter((rule) => tableOf(rule) === table).map(renderRule);
      const chains = new Set(texts.flatMap((text) => / -[jg] (KUBE-\S+)$/.exec(` ${text}`)?.[1] ?? []));
      const lines = [`*${table}`, ':TEST - [0:0]', ...[...chains].map((chain) => `:${chain} - [0:0]`)];
      lines.push(...texts.map((text) => `-A TEST ${text}`), 'COMMIT', '');
      space.run([tools.restore, '--noflush'], lines.join('\n'));
      const saved = space
        .run([tools.save, '-t', table])
        .split('\n')
        .filter((line) => line.startsWith('-A TEST'));
      expect(saved.map((line) => line.slice(8))).toEqual(texts);
      expect(texts.length).toBeGreaterThan(30);

      // What was saved can be deleted by its text, the way a delete-rule operation does it.
      const removal = [`*${table}`, ...texts.map((text) => `-D TEST ${text}`), 'COMMIT', ''];
      space.run([tools.restore, '--noflush'], removal.join('\n'));
      expect(space.run([tools.save, '-t', table])).not.toContain('-A TEST');
    }
  });

  test.each(cases)('is normalised where it was written otherwise ($family, $variant)', ({ family, variant }) => {
    using space = makeNamespace();
    const tools = toolNames(family, variant);
    const own = family === 'IPv4' ? '10.1.2.3/255.255.0.0' : 'fd00:1:2::3/ffff:ffff::';
    const texts = [
      `-d ${own} -p tcp --dport 80 -j ACCEPT`,
      '-p udp -m udp --dport 5: -j MARK --or-mark 0x4000',
      '-j MARK --and-mark 0x4000',
      '-m statistic --mode random --probability 0.000244140625',
      '-m statistic --mode random --probability 0.000732421875',
      '-m recent --name X --rcheck --seconds 3',
      `-m bpf --bytecode "${hairpinProgram(family)}"`,
      '-m comment --comment "a b" -m conntrack --ctstate DNAT,NEW',
      `-s ${own} -j REJECT`,
    ];
    space.run(
      [tools.restore, '--noflush'],
      `*filter\n:TEST - [0:0]\n${texts.map((text) => `-A TEST ${text}`).join('\n')}\nCOMMIT\n`,
    );
    const saved = space
      .run([tools.save, '-t', 'filter'])
      .split('\n')
      .filter((line) => line.startsWith('-A TEST'));
    const mask =
      family === 'IPv6' ? (text: string) => text.replace('255.255.255.255', 'ffff:'.repeat(7) + 'ffff') : (text: string) => text;
    expect(saved.map((line) => line.slice(8))).toEqual(texts.map((text) => mask(canonicalRule(text))));
  });
});

/** The tools refuse some combinations that are well-formed as text. */
function isAccepted(rule: Rule): boolean {
  const transport = rule.protocol?.not === false ? rule.protocol.name : null;
  // The set match still knows `--set` as an old name of its own option and takes that of `recent`.
  if (rule.matches.some((one) => one.kind === 'set') && rule.matches.some((one) => one.kind === 'recent')) return false;
  switch (rule.target?.kind) {
    case 'dnat':
      return transport !== null;
    case 'reject':
      return rule.target.with !== 'tcp-reset' || transport === 'tcp';
    default:
      return true;
  }
}

function tableOf(rule: Rule): TableName {
  return rule.target?.kind === 'dnat' || rule.target?.kind === 'masquerade' ? 'nat' : 'filter';
}
