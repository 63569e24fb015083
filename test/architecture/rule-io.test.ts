import { describe, expect, it } from 'vitest';
import { parseSource } from './parse-source.ts';
import { findForbiddenIo } from './rule-io.ts';

function reasonsFor(path: string, text: string): readonly string[] {
  return findForbiddenIo([parseSource(path, text)]).map((violation) => violation.reason);
}

describe('input and output', () => {
  it.each([
    'src/ipvs/driver-netlink.ts',
    'src/dns/upstream/driver-udp.ts',
    'src/cli/main.ts',
    'src/config/load-file.ts',
    'src/dns/a.test.ts',
  ])('%s may do it', (path) => {
    expect(reasonsFor(path, "import { readFileSync } from 'node:fs'; process.exit(1);")).toEqual([]);
  });

  it.each([
    "import { readFileSync } from 'node:fs';",
    "import { readFile } from 'fs/promises';",
    "import http from 'node:http';",
    "import { createSocket } from 'node:dgram';",
    "import { spawn } from 'node:child_process';",
    "import { Worker } from 'node:worker_threads';",
    "import { createServer, isIP } from 'node:net';",
    "import * as net from 'node:net';",
    "import { randomUUID } from 'node:crypto';",
    "import 'node:net';",
    "export { readFileSync } from 'node:fs';",
    "const fs = await import('node:fs');",
    "const fs = globalThis.process.getBuiltinModule('crypto');",
    "import { open } from 'node:something_new';",
  ])('plan.ts may not say %s', (text) => {
    expect(reasonsFor('src/ipvs/plan.ts', text)[0]).toContain('move it to a file named driver-*.ts');
  });

  it.each([
    "await fetch('http://a');",
    'console.log(1);',
    'const e = process.env;',
    'globalThis.fetch();',
    "new WebSocket('ws://a');",
  ])('plan.ts may not use %s', (text) => {
    expect(reasonsFor('src/ipvs/plan.ts', text)).toHaveLength(1);
  });

  it.each([
    "import { isIPv6 } from 'node:net';",
    "import { createHash } from 'node:crypto';",
    "import { join } from 'node:path';",
    "import type { Socket } from 'node:net';",
    "import { type Stats } from 'node:fs';",
    "import { parse } from 'yaml';",
  ])('plan.ts may say %s', (text) => {
    expect(reasonsFor('src/ipvs/plan.ts', text)).toEqual([]);
  });

  it('takes the name of the file, not of a folder', () => {
    expect(reasonsFor('src/ipvs/driver-netlink/plan.ts', "import 'node:fs';")).toHaveLength(1);
    expect(reasonsFor('src/config/reload.ts', "import 'node:fs';")).toHaveLength(1);
  });
});
