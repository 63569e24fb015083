import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../model/mod.ts';
import { openProbes } from './driver-probe.ts';
import { ProgramProbes } from './driver-probe-exec.ts';
import type { ProbeTarget } from './health-types.ts';
import { ask, until } from './probe.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'waypost-checks-'));
afterAll(() => rmSync(folder, { recursive: true }));

let programs: ProgramProbes;
beforeEach(() => {
  programs = new ProgramProbes(folder);
});
afterEach(() => programs.close());

function write(name: string, text: string, mode = 0o755): ProbeTarget {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), mode);
  return target(name);
}

const target = (program: string): ProbeTarget => ({
  probe: { kind: 'exec', program },
  address: 'fd00::1' as Address,
  port: 53,
  protocol: 'UDP',
});

/** Whether a process is there and not only waited for. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

const pidIn = (name: string): number => Number(readFileSync(join(folder, name), 'latin1'));
const isWritten = (name: string): boolean => existsSync(join(folder, name)) && pidIn(name) > 0;

describe('checks by a program', () => {
  it.each([
    ['exit 0', 'good', 'exit code 0'],
    ['echo fine; echo more; exit 0', 'good', 'exit code 0: fine'],
    ['echo too slow; exit 3', 'bad', 'exit code 3: too slow'],
    ['echo broken >&2; exit 1', 'bad', 'exit code 1: broken'],
    ['printf "\\033[31mred\\n"; exit 1', 'bad', 'exit code 1: ?[31mred'],
    ['kill -TERM $$', 'bad', 'ended by SIGTERM'],
    ['head -c 3000000 /dev/zero | tr "\\0" x; exit 0', 'good', `exit code 0: ${'x'.repeat(80)}...`],
  ])('judge %j', async (script, kind, text) => {
    expect(await ask(programs.ask, write('judged', `#!/bin/sh\n${script}\n`))).toEqual({ kind, text });
  });

  it('say whom to ask, and hand on nothing of the environment', async () => {
    process.env['WAYPOST_TEST_SECRET'] = 'secret';
    const where = join(folder, 'seen');
    const program = write('tell', `#!/bin/sh\n{ echo "$# $*"; pwd; env | sort; } >${where}\n`);
    expect(await ask(programs.ask, program)).toMatchObject({ kind: 'good' });
    delete process.env['WAYPOST_TEST_SECRET'];
    const lines = readFileSync(where, 'latin1').trim().split('\n');
    expect(lines.slice(0, 2)).toEqual(['3 fd00::1 53 UDP', '/']);
    expect(lines.slice(2).filter((line) => !/^(LC_ALL|PATH|PWD|OLDPWD|SHLVL|_)=/.test(line))).toEqual([]);
  });

  it('say nothing of a back end where there is no such program, or none that can be run', async () => {
    expect(await ask(programs.ask, target('missing'))).toMatchObject({
      kind: 'unasked',
      text: expect.stringContaining('ENOENT'),
    });
    const closed = write('closed', '#!/bin/sh\nexit 0\n', 0o644);
    expect(await ask(programs.ask, closed)).toMatchObject({ kind: 'unasked', text: expect.stringContaining('EACCES') });
    const nowhere = new ProgramProbes(null);
    expect(await ask(nowhere.ask, target('any'))).toMatchObject({ kind: 'unasked', text: expect.stringContaining('no folder') });
  });

  it('kill a program that is given up, and what it started', async () => {
    const pids = ['parent', 'child'].map((name) => join(folder, name));
    const program = write('hangs', `#!/bin/sh\nsleep 1000 &\necho $! >${pids[1]}\necho $$ >${pids[0]}\nwait\n`);
    const answers: unknown[] = [];
    const stop = programs.ask(program, (answer) => answers.push(answer));
    await until(() => isWritten('parent'));
    expect([pidIn('parent'), pidIn('child')].map(isAlive)).toEqual([true, true]);
    stop();
    await until(() => !isAlive(pidIn('parent')) && !isAlive(pidIn('child')));
    expect(answers).toEqual([]);
  });

  it('leave nothing running that a program left behind', async () => {
    const program = write('forks', `#!/bin/sh\nsleep 1000 &\necho $! >${join(folder, 'left')}\necho done\n`);
    expect(await ask(programs.ask, program)).toEqual({ kind: 'good', text: 'exit code 0: done' });
    await until(() => !isAlive(pidIn('left')));
  });

  it('end with who asked', async () => {
    const program = write('stays', `#!/bin/sh\necho $$ >${join(folder, 'stays-pid')}\nsleep 1000\n`);
    const answers: unknown[] = [];
    programs.ask(program, (answer) => answers.push(answer));
    await until(() => isWritten('stays-pid'));
    programs.close();
    await until(() => !isAlive(pidIn('stays-pid')));
    expect(answers).toEqual([]);
  });

  it('begin anew when the process that runs them was killed', async () => {
    const parent = join(folder, 'helper-pid');
    const program = write('kills', `#!/bin/sh\necho $PPID >${parent}\nkill -KILL $PPID\n`);
    expect(await ask(programs.ask, program)).toEqual({
      kind: 'unasked',
      text: 'the process that runs programs ended: SIGKILL',
    });
    expect(await ask(programs.ask, write('fine', '#!/bin/sh\nexit 0\n'))).toMatchObject({ kind: 'good' });
  });

  it('run beside each other', async () => {
    const gate = join(folder, 'gate');
    const waiting = write('waits', `#!/bin/sh\nwhile [ ! -e ${gate} ]; do sleep 0.01; done\n`);
    const opens = write('opens', `#!/bin/sh\n: >${gate}\n`);
    const first = Array.from({ length: 5 }, () => ask(programs.ask, waiting));
    await ask(programs.ask, opens);
    expect(await Promise.all(first)).toEqual(Array.from({ length: 5 }, () => ({ kind: 'good', text: 'exit code 0' })));
  });
});

describe('checks of all kinds', () => {
  it('go to who makes them', async () => {
    const probes = await openProbes(folder);
    expect(await ask(probes.ask, write('fine', '#!/bin/sh\nexit 0\n'))).toMatchObject({ kind: 'good' });
    const refused = { ...target('fine'), probe: { kind: 'tcp' }, address: '127.0.0.1' as Address, port: 1 } as const;
    expect(await ask(probes.ask, refused)).toMatchObject({ kind: 'bad' });
    expect(probes.slowBecause).toBeNull();
    probes.close();
  });
});
