import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { UnitManager } from '../../cloud/machine/unit-manager.ts';

let folder: string;
let units: UnitManager;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-units-'));
  said = [];
  units = new UnitManager(folder, folder, (line) => said.push(line));
});
afterEach(async () => {
  await units.stopAll();
  rmSync(folder, { recursive: true, force: true });
});

const unit = (name: string, service: string, head = ''): void =>
  writeFileSync(join(folder, name), `[Unit]\n${head}\n[Service]\n${service}\n`);
const script = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return `/bin/sh ${folder}/${name}`;
};
const wait = (name: string): string => script(`wait-${name}`, `until test -e ${folder}/${name}; do sleep 0.05; done\n`);
const touch = (name: string): string => script(`touch-${name}`, `touch ${folder}/${name}\n`);
const log = (word: string): string => script(`log-${word}`, `echo ${word} >>${folder}/order\n`);
const orderIn = (): readonly string[] => readFileSync(join(folder, 'order'), 'utf8').trim().split('\n');

it('starts what is required first, where it comes after it', async () => {
  unit(
    'a.service',
    `Type=oneshot\nExecStart=${log('a')}`,
    'Requires=b.service docker.service\nAfter=b.service docker.service',
  );
  unit('b.service', `Type=oneshot\nRemainAfterExit=yes\nExecStart=${log('b')}`);
  await units.start('a.service');
  await units.start('b.service');
  expect(orderIn()).toEqual(['b', 'a']);
  unit('c.service', 'Type=oneshot\nExecStart=/bin/false', '');
  unit('d.service', `Type=oneshot\nExecStart=${log('d')}`, 'Requires=c.service\nAfter=c.service');
  await expect(units.start('d.service')).rejects.toThrow('/bin/false failed (1)');
  expect(orderIn()).toEqual(['b', 'a']);
});

it('starts what is wanted beside it, so that each may wait for the other', async () => {
  unit('a.service', `Type=oneshot\nExecStartPre=${touch('x')}\nExecStart=${wait('y')}`, 'Wants=b.service');
  unit('b.service', `Type=oneshot\nExecStartPre=${wait('x')}\nExecStart=${touch('y')}`);
  await units.start('a.service');
  expect(said).toContain('b.service: activating');
});

it('reads drop-ins, starts again what ended, and stops for good on an exit code that says so', async () => {
  unit(
    'a.service',
    `ExecStart=${script('main', `echo run >>${folder}/order; exit $(cat ${folder}/code)\n`)}\nRestart=always`,
  );
  mkdirSync(join(folder, 'a.service.d'));
  writeFileSync(join(folder, 'a.service.d/more.conf'), '[Service]\nRestartSec=10ms\nRestartPreventExitStatus=104\n');
  writeFileSync(join(folder, 'code'), '1');
  await units.start('a.service');
  await waitFor('three starts', 20_000, () => Promise.resolve(orderOrNone().length >= 3));
  writeFileSync(join(folder, 'code'), '104');
  await waitFor('the last end', 20_000, () => Promise.resolve(said.includes('a.service: ended (exit code 104)')));
  expect(said.at(-1)).toBe('a.service: failed');
});

it('stops by ExecStop, and by a signal what that left', async () => {
  unit(
    'a.service',
    `ExecStart=${script('main', `trap 'echo term >>${folder}/order; exit 0' TERM\ntouch ${folder}/up\nwhile :; do sleep 0.05; done\n`)}\nExecStop=${log('stop')}`,
  );
  await units.start('a.service');
  await waitFor('it to run', 20_000, () => Promise.resolve(exists('up')));
  await units.stop('a.service');
  expect(orderIn()).toEqual(['stop', 'term']);
  expect(units.stateOf('a.service')).toBe('inactive');
});

const exists = (name: string): boolean => {
  try {
    readFileSync(join(folder, name));
    return true;
  } catch {
    return false;
  }
};
const orderOrNone = (): readonly string[] => (exists('order') ? orderIn() : []);
