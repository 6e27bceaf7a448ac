import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** What the stand-in for cloud-init carries out (cloudinit.readthedocs.io/en/latest/reference/modules.html). It refuses the rest. */
const schema = z.strictObject({
  write_files: z
    .array(
      z.strictObject({
        path: z.string().startsWith('/'),
        owner: z.literal('root:root').default('root:root'),
        permissions: z.string().regex(/^0[0-7]{3}$/),
        content: z.string(),
      }),
    )
    .default([]),
  runcmd: z.array(z.array(z.string()).min(1)).default([]),
});

export type CloudConfig = z.output<typeof schema>;

/** Throws for a text that cloud-init would not take for a cloud-config, and for whatever the stand-in would not carry out. */
export function parseCloudConfig(text: string): CloudConfig {
  if (!text.startsWith('#cloud-config\n')) throw new Error('user-data does not begin with #cloud-config');
  return schema.parse(parse(text));
}

/** Writes the files, then runs the commands, one after the other; a command that fails is said and the next one run, as cloud-init does. */
export async function carryOut(config: CloudConfig, say: (line: string) => void, journal: number): Promise<void> {
  for (const { path, permissions, content } of config.write_files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    chmodSync(path, Number.parseInt(permissions, 8));
  }
  say(`cloud-init: wrote ${config.write_files.length} files`);
  for (const [command, ...args] of config.runcmd) {
    const child = spawn(command!, args, {
      stdio: ['ignore', journal, journal],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    if (code !== 0) say(`cloud-init: ${[command, ...args].join(' ')} failed (${signal ?? code ?? ''})`);
  }
}
