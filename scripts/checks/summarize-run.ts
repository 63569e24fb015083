import type { TestCase, TestModule, TestSuite } from 'vitest/node';
import type { Skip, Tally } from './tally.ts';

/** Suites that are skipped as a whole carry their reason in the title: "packets [skipped: needs root]". */
const reasonInTitle = / ?\[skipped: ([^\]]+)\]/;

/**
 * What a run of vitest amounted to. Modules and suites that broke outside a test count as one failure each, and so
 * does a test that is skipped without a reason. With `selected`, tests were chosen by name and the others say nothing.
 */
export function summarizeRun(
  modules: readonly TestModule[],
  unhandled: readonly { readonly message?: string }[],
  selected: boolean,
): Tally {
  const failures: string[] = [];
  const skips: Skip[] = [];
  let passed = 0;
  for (const module of modules) {
    for (const part of [module, ...module.children.allSuites()]) failures.push(...describeBreakage(module, part));
    for (const test of module.children.allTests()) {
      const result = test.result();
      const name = nameTest(module, test);
      if (result.state === 'passed') passed += 1;
      else if (result.state === 'failed') failures.push(name);
      else if (result.state === 'pending') failures.push(`${name} (never ended)`);
      else {
        const reason = result.note || findReason(test.fullName);
        if (reason !== null) skips.push({ name: name.replace(reasonInTitle, ''), reason });
        else if (!selected)
          failures.push(`${name} (skipped without a reason: use ctx.skip(reason) or a title with [skipped: reason])`);
      }
    }
  }
  failures.push(...unhandled.map((error) => `error outside any test: ${error.message ?? 'unknown'}`));
  return { passed, failures, skips };
}

function nameTest(module: TestModule, test: TestCase): string {
  return `${module.relativeModuleId} > ${test.fullName}`;
}

function describeBreakage(module: TestModule, part: TestModule | TestSuite): readonly string[] {
  const name = part.type === 'suite' ? `${module.relativeModuleId} > ${part.fullName}` : module.relativeModuleId;
  return part.errors().map((error) => `${name}: ${error.message}`);
}

/** The reason that a title gives, or null. */
function findReason(title: string): string | null {
  return reasonInTitle.exec(title)?.[1] ?? null;
}
